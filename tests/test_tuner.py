"""Tuning from end to end, on small samples with few trials: what comes back, what is recorded, what is left alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import halide as hl
import numpy as np
import pandas as pd
import pytest

import autosearch
from autosearch.choices import Proposal
from autosearch.cost_model.model import StageTimeModel
from autosearch.errors import ArgumentError, LogError
from autosearch.progress import Status
from autosearch.records.log import read_log
from autosearch.records.record import SEED
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from autosearch.space.template import Template
from autosearch.strategies.base import Predict
from autosearch.strategies.random import Random
from tests.conftest import snapshot_of
from tests.export.twins import whole
from tests.samples import blur, pyramid

TRIALS = 12


class Listener:
    """A reporter that remembers what it was told."""

    def __init__(self) -> None:
        self.statuses: list[Status] = []
        self.notes: list[str] = []
        self.closed = False

    def update(self, status: Status) -> None:
        """The status changed."""
        self.statuses.append(status)

    def note(self, text: str) -> None:
        """Something worth saying."""
        self.notes.append(text)

    def close(self) -> None:
        """The run ended."""
        self.closed = True


@dataclass(frozen=True)
class Run:
    """One call of `tune`, and all that can be known of it."""

    log: Path
    result: Result
    listener: Listener
    func: hl.Func
    before: bytes
    """The user's pipeline as it was."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample `blur`, tuned once for all tests."""
    log, func, listener = tmp_path_factory.mktemp("tuned") / "blur.jsonl", blur(), Listener()
    before = whole(hl.Pipeline([func]))
    result = autosearch.tune(func, trials=TRIALS, log=log, progress=listener)
    return Run(log, result, listener, func, before)


def test_the_result_holds_the_trials_asked_for_and_the_baselines(run: Run) -> None:
    searched = [record for record in run.result.records if not record.baseline]
    assert len(searched) == TRIALS and any(record.ok for record in searched)
    named = [record.baseline for record in run.result.records if record.baseline]
    assert named == ["root", "default", "Mullapudi2016", "Li2018", "Adams2019"]
    assert {*run.result.baselines, *run.result.baselines.failures} == {*named}
    digests = [record.schedule.digest for record in searched if record.schedule]
    assert len(set(digests)) == TRIALS
    assert 0 < run.result.overhead.thinking < run.result.overhead.total


def test_it_is_never_worse_than_a_baseline(run: Run) -> None:
    """In the rounds of the race that both took part in, no baseline is faster than the winner beyond noise.

    Medians may say otherwise of two that tie: a contender's is of all rounds that it took part in.
    """
    assert run.result.race is not None and run.result.baselines
    for name in run.result.baselines:
        ratio = run.result.speedup(name)
        assert 0 < ratio.low <= ratio.value <= ratio.high  # what they come to has its bar in `benchmarks.compare`
        assert ratio.high >= 1


def test_trials_are_a_table(run: Run) -> None:
    table = run.result.trials
    assert isinstance(table, pd.DataFrame) and len(table) == TRIALS + 5
    good = [record.seconds for record in run.result.records if record.ok]
    assert list(table.seconds.dropna()) == good and table.best.iloc[-1] == min(good)
    assert table.elapsed.is_monotonic_increasing and table.best.is_monotonic_decreasing
    assert set(table.failure[table.seconds.notna()]) == {""}


def test_the_log_holds_all_of_it(run: Run) -> None:
    content = read_log(run.log)
    assert content.damaged == 0 and len(content.pipelines) == len(content.races) == 1
    assert len(content.trials) == TRIALS + 5
    assert [one.schedule for one in content.trials] == [one.schedule for one in run.result.records]
    assert [one.times for one in content.trials] == [one.times for one in run.result.records]


def test_replay_says_the_same_and_measures_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.Popen", None)  # no process can be started
    again = autosearch.replay(run.log, blur)
    assert (again.best, again.best_time) == (run.result.best, run.result.best_time)
    assert again.race is not None and run.result.race is not None
    assert again.race.samples == run.result.race.samples and again.race.contenders == run.result.race.contenders
    assert again.summary() == run.result.summary()
    pd.testing.assert_frame_equal(
        again.trials.drop(columns=["elapsed", "compile_seconds"]),
        run.result.trials.drop(columns=["elapsed", "compile_seconds"]),
    )


def test_the_users_pipeline_is_left_as_it_was(run: Run) -> None:
    assert whole(hl.Pipeline([run.func])) == run.before
    run.result.apply(run.func)  # which it would refuse if there were a schedule


def test_the_best_schedule_computes_what_the_pipeline_does(run: Run) -> None:
    image = np.random.default_rng(1).integers(0, 2**16, (66, 98), dtype=np.uint16)
    right, found = np.zeros((64, 96), np.uint16), np.zeros((64, 96), np.uint16)
    pipeline = snapshot_of("blur").fresh()
    pipeline.compile_to_callable(pipeline.infer_arguments(), hl.get_host_target())(image, right)
    run.result.compile()(image, found)
    assert right.any() and np.array_equal(found, right)


def test_progress_is_told_from_start_to_end(run: Run) -> None:
    counts = [status.trials for status in run.listener.statuses]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == TRIALS
    phases = list(dict.fromkeys(status.phase for status in run.listener.statuses))
    assert phases == ["baselines", "search", "race"]
    assert all(status.total == TRIALS for status in run.listener.statuses)
    assert run.listener.closed


def test_the_same_call_again_measures_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = run.log.read_bytes()
    monkeypatch.setattr("subprocess.Popen", None)
    again = autosearch.tune(blur, trials=TRIALS, log=run.log, progress=False)
    assert again.best == run.result.best and again.summary() == run.result.summary()
    assert run.log.read_bytes() == before


def test_more_trials_go_on_where_it_ended(run: Run, tmp_path: Path) -> None:
    log = tmp_path / "longer.jsonl"
    log.write_bytes(run.log.read_bytes())
    more = autosearch.tune(blur, trials=TRIALS + 5, log=log, progress=False)
    assert log.read_bytes().startswith(run.log.read_bytes())
    assert len(more.records) == TRIALS + 5 + 5
    assert more.records[: TRIALS + 5] == read_log(run.log).trials
    digests = [one.schedule.digest for one in more.records if not one.baseline and one.schedule is not None]
    assert len(set(digests)) == TRIALS + 5
    assert more.race is not None and len(read_log(log).races) == 2
    assert more.race.samples == read_log(log).races[-1].samples


def test_a_log_may_hold_several_sizes_but_each_result_is_of_one(run: Run) -> None:
    image = np.zeros((80, 120), np.uint16)
    with pytest.raises(LogError, match="no trials of this pipeline at these sizes"):
        autosearch.replay(run.log, blur, inputs={"image": image})


def _scheduled_blur() -> hl.Func:
    func = blur()
    x, y = func.args()
    return func.vectorize(x, 16).parallel(y)


@pytest.fixture(scope="module")
def plain_run() -> Result:
    """A pipeline with a schedule of the user's own, tuned without a cost model."""
    return autosearch.tune(_scheduled_blur(), trials=4, seed=3, strategy="random", cost_model=False, progress=False)


def test_a_schedule_of_the_users_own_is_a_baseline(plain_run: Result) -> None:
    (given,) = (record for record in plain_run.records if record.baseline == "given")
    assert given.ok and given.schedule is not None and "vectorize" in str(given.schedule)
    assert plain_run.speedup("given").high > 0.8


def test_the_same_seed_asks_for_the_same_schedules(plain_run: Result) -> None:
    def searched(result: Result) -> list[Schedule | None]:
        return [record.schedule for record in result.records if not record.baseline]

    again = autosearch.tune(_scheduled_blur(), trials=4, seed=3, strategy="random", cost_model=False, progress=False)
    assert searched(plain_run) == searched(again) and searched(again)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"cost_model": "xgboost"}, "an object with fit and predict, but is 'xgboost'"),
        ({"cost_model": StageTimeModel}, "an object with fit and predict"),
        ({"cost_model": False, "prior": "mine.ubj"}, "prior is for the cost model, which is to be left out"),
        ({"cost_model": StageTimeModel(), "prior": "mine.ubj"}, "prior is for the cost model that comes with AutoSearch"),
    ],
)
def test_what_is_no_cost_model_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        autosearch.tune(blur, progress=False, **options)


def test_time_ends_the_search_but_not_the_result() -> None:
    result = autosearch.tune(pyramid, trials=100_000, timeout=4.0, progress=False)
    searched = [record for record in result.records if not record.baseline]
    assert len(searched) < 100_000 and result.best_time > 0 and result.race is not None


def test_seeds_which_cost_no_thought_do_not_widen_the_first_look() -> None:
    asked: list[int] = []

    class Spy(Random):
        def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
            asked.append(n)
            return super().propose(n)

    result = autosearch.tune(blur, trials=24, strategy=Spy, progress=False)
    assert SEED in {one.source for one in result.records} and asked[0] <= 24


def test_what_is_kept_wins_as_it_is(tmp_path: Path) -> None:
    def scheduled() -> hl.Func:
        out = blur()
        y, yi = hl.Var("y"), hl.Var("yi")
        out.split(y, y, yi, 4)
        return out

    log = tmp_path / "kept.jsonl"
    autosearch.tune(scheduled, trials=3, progress=False, log=log, strategy="random")  # whose winner need not keep it
    result = autosearch.tune(scheduled, trials=6, progress=False, keep="scheduled", log=log, strategy="random")
    own = [step for step in result.best.to_json() if step[0] == "blur_y"]
    assert own == [["blur_y", "split", "y", "y", "yi", 4, own[0][-1]]]
    assert "given" in result.baselines and result.race is not None
    raced = [schedule for _, schedule in result.race.contenders if schedule is not None]
    assert all([step for step in one.to_json() if step[0] == "blur_y"] == own for one in raced)
    assert autosearch.replay(log).best == result.best


def test_a_template_is_searched_logged_and_replayed(tmp_path: Path) -> None:
    def tiles(t: Template) -> None:
        t["blur_y"].parallel("y", t.knob("rows", [4, 8])).vectorize("x", t.knob("lanes", [8, 16]))
        t["blur_x"].compute_at("blur_y", "y").vectorize("x", 8)
        t["image_im"].inline()

    log = tmp_path / "tiles.jsonl"
    result = autosearch.tune(blur, trials=100, progress=False, template=tiles, log=log)
    found = [one for one in result.records if not one.baseline]
    assert 4 <= len(found) <= 12  # all there are: of the rules only the style is left to ask for
    assert all(one.ok and one.trace is not None and "rows/knob" in one.trace.by_key for one in found)
    assert autosearch.replay(log).best == result.best
