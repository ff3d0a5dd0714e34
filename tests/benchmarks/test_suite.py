"""The suite goes on where it was cut off, its results survive the disk, and its bars tell good ones from bad."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autosearch.pipeline.snapshot import take
from autosearch.records.identity import Identity
from autosearch.records.log import Log, LogContent, read_log
from autosearch.records.record import TrialRecord
from autosearch.schedule.schedule import Schedule
from benchmarks.bench import Comparison, Start, pipeline_of
from benchmarks.pipelines import PIPELINES
from benchmarks.suite import libraries, run
from benchmarks.suite.check import bars
from benchmarks.suite.libraries import in_turn
from benchmarks.suite.one import failures, lost, spent
from benchmarks.suite.plot import plot
from benchmarks.suite.results import Library, Results, Row
from benchmarks.suite.run import Plan
from benchmarks.suite.table import line, table
from tests.conftest import TARGET
from tests.schedule.oracle import lower, scheduled

GOOD = {"expert": (1.5, 1.4, 1.6), "Adams2019": (2.5, 2.4, 2.6), "Mullapudi2016": (4.0, 3.8, 4.2)}

TRIAL = TrialRecord(Identity("pipeline", "sizes", "host", "21", "cpu", 2), "random", Schedule(), None, (1e-3,))


def _row(name: str, speedups: Mapping[str, tuple[float, float, float]] = GOOD, **fields: object) -> Row:
    seconds = {"autosearch": 1e-3, **{who: 1e-3 * ratio[0] for who, ratio in speedups.items()}}
    failures = {"Li2018": "crash: it crashed"}
    comparison = Comparison(name, 3, seconds, dict(speedups), failures, {}, 200, 0.995, 600.0, 0.1, 2.0)
    library = Library("a library", 1e-3, (1.1, 1.0, 1.2), "2 threads") if name in libraries.LIBRARIES else None
    row = Row(comparison, 600.0, {"compile-timeout": 10, "illegal": 1}, 0, (), library, 10.0, "abc")
    return replace(row, **fields)


def _results(changed: Mapping[str, Row] = {}) -> Results:
    results = Results("a machine")
    for name in PIPELINES:
        results = results.put(name, changed.get(name, _row(name)))
    return results


def _missed(results: Results) -> list[str]:
    return [bar.name for bar in bars(results) if not bar.met]


def test_failures_are_counted_and_survive_the_disk(tmp_path: Path) -> None:
    content = LogContent(trials=(TRIAL, *[replace(TRIAL, times=(), failure="illegal")] * 2))
    row = _row("harris", failed=failures(content))
    _results({"harris": row}).save(tmp_path / "suite.json")
    assert Results.load(tmp_path / "suite.json").rows["harris"].failed == {"illegal": 2}


@pytest.mark.parametrize("folder", ["", "epyc", "epyc/given"])
def test_committed_winners_are_of_the_pipeline_that_they_are_timed_on(folder: str) -> None:
    """With its schedule by hand it has a Func that `rfactor` made, which the winner schedules too."""
    results = Results.load(Path("benchmarks/results") / folder / "suite.json")
    (winner,) = (one for one in results.compared if one.name == "softmax_rows")
    lower(scheduled(take(pipeline_of(winner.name, results.start), TARGET), Schedule.from_json(winner.schedule)))


def test_good_results_meet_all_bars() -> None:
    assert _missed(_results()) == []


@pytest.mark.parametrize(
    ("name", "row", "bar"),
    [
        ("harris", _row("harris", {**GOOD, "expert": (0.9, 0.85, 0.95)}), "harris: upper end of the interval"),
        ("harris", _row("harris", {**GOOD, "Adams2019": (0.9, 0.85, 0.95)}), "harris: upper end of the interval"),
        ("unsharp", Row(troubles=("crash: exit status 1; no memory",), minutes=10.0), "crashes and hangs"),
        ("unsharp", Row(minutes=10.0), "pipelines of the suite with a result"),
        ("unsharp", _row("unsharp", lost=1), "records lost"),
        ("unsharp", _row("unsharp", failed={"wrong": 180}), "share of proposed schedules"),
        ("unsharp", _row("unsharp", seconds=900.0), "the longest run over the time"),
        ("matmul", _row("matmul", library=None), "matmul over numpy's OpenBLAS"),
        ("conv_layer", _row("conv_layer", library=Library("oneDNN", 1e-3, (0.8, 0.7, 0.9))), "conv_layer over torch's"),
        ("matmul_int8", _row("matmul_int8", {**GOOD, "Adams2019": (1.9, 1.8, 2.0)}), "matmul_int8 over Adams2019"),
    ],
)
def test_what_falls_short_is_named(name: str, row: Row, bar: str) -> None:
    missed = _missed(_results({name: row}))
    assert any(one.startswith(bar) for one in missed), missed


def test_means_are_held_against_their_bars() -> None:
    slow = {name: _row(name, {**GOOD, "expert": (1.2, 1.1, 1.3), "Adams2019": (1.7, 1.6, 1.8)}) for name in PIPELINES}
    missed = _missed(_results(slow))
    assert sum(name.startswith("geometric mean") for name in missed) == 2


def test_a_pipeline_that_is_no_slower_but_for_noise_passes() -> None:
    close = _row("harris", {**GOOD, "expert": (0.98, 0.96, 1.0)})
    assert _missed(_results({"harris": close})) == []


def test_results_come_back_from_disk(tmp_path: Path) -> None:
    results = _results({"unsharp": Row(troubles=("hang: no end",), minutes=10.0)})
    results.save(tmp_path / "suite.json")
    assert Results.load(tmp_path / "suite.json") == results


def test_results_with_schedules_given_and_without_do_not_mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_one", lambda name, plan, logs: _row(name))
    assert run.run(Plan(["unsharp"], 1.0, tmp_path, start=Start.GIVEN)).start is Start.GIVEN
    assert Results.load(tmp_path / run.FILE).start is Start.GIVEN
    assert "schedule by hand is given" in (tmp_path / "suite.md").read_text()
    with pytest.raises(SystemExit, match="schedules given: name another folder"):
        run.run(Plan(["harris"], 1.0, tmp_path))


def test_table_and_plot_tell_all_pipelines() -> None:
    results = _results({"unsharp": Row(troubles=("hang: no end",), minutes=10.0)})
    page, picture = table(results), plot(results)
    for name, row in results.rows.items():
        assert f"| {name} |" in page and line(name, row).startswith(name)
        assert (name in picture) == (row.comparison is not None)
    assert "unsharp: hang: no end" in page and "1.50x over by hand" in page and "Li2018: crash" in page


def test_what_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    outcomes = {"box_blur": [_row("box_blur")] * 2, "unsharp": [Row(troubles=("hang: no end",), minutes=10.0), _row("unsharp")]}

    def one(name: str, plan: Plan, logs: Path) -> Row:
        asked.append(name)
        return outcomes[name].pop(0)

    monkeypatch.setattr(run, "_one", one)
    plan = Plan(["unsharp", "box_blur"], 1.0, tmp_path)
    run.run(plan)
    results = run.run(plan)
    assert asked == ["unsharp", "box_blur", "unsharp"]  # the one that hung has no result
    assert results.rows["unsharp"].minutes == 1.0 and results.budget == "1"
    assert list(results.rows) == ["box_blur", "unsharp"] and results.rows["unsharp"].troubles == ("hang: no end",)
    assert Results.load(tmp_path / "suite.json") == results
    run.run(replace(plan, pipelines=["box_blur"], again=True))
    assert asked[3:] == ["box_blur"]
    monkeypatch.setattr(run, "describe_machine", lambda: "another machine")
    with pytest.raises(SystemExit, match="name another folder"):
        run.run(plan)


def test_a_tuner_that_crashes_is_told_of(tmp_path: Path) -> None:
    row = run._one("no such pipeline", Plan([], 0.1, tmp_path), tmp_path)
    assert row.comparison is None and "crash: exit status 1; KeyError" in row.troubles[0]


def test_two_are_timed_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "REST_SECONDS", 0.0)
    monkeypatch.setattr(libraries, "SAMPLE_SECONDS", 1e-9)
    called: list[str] = []
    ours, theirs = in_turn(lambda: called.append("a"), lambda: called.append("b"), rounds=3)
    assert "".join(called) == "aabb" + "bbaa" + "aabb"  # each sample after an untimed call
    assert len(ours) == len(theirs) == 3 and min(ours + theirs) > 0


def test_time_used_before_counts(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    for elapsed in (10.0, 40.0, 5.0, 20.0):  # cut off after 40 s, then again
        log.append(replace(TRIAL, elapsed=elapsed))
    log.close()
    assert spent(read_log(log.path)) == 60.0


def test_lost_records_are_counted(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    for _ in range(3):
        log.append(TRIAL)
    log.close()
    comparison = _row("harris").comparison
    assert comparison is not None
    content = read_log(log.path)
    assert lost(replace(comparison, trials=3), content) == 0 and lost(replace(comparison, trials=5), content) == 2
    with log.path.open("a") as file:
        file.write("{half a li\n")
    assert lost(replace(comparison, trials=3), read_log(log.path)) == 1


def test_a_row_without_rivals_is_told_too() -> None:
    results = Results("a machine").put("harris", _row("harris", {}))
    assert "all failed" in table(results) and "harris" in plot(results)
