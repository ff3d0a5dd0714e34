"""Schedules to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

import halide as hl
import pytest

from autosearch.baselines import ADAMS, autoscheduled_baselines, dropout_samples, limits_of_default
from autosearch.measure.autoschedulers import AUTOSCHEDULERS, AutoschedulerReply, AutoschedulerRequest
from autosearch.measure.device import ThisMachine, Work
from autosearch.measure.protocol import Failure, Limits
from autosearch.pipeline.snapshot import take
from autosearch.space.imitate import imitate
from tests.conftest import TARGET, snapshot_of, space_of
from tests.measure.local_runner import local_runner


def test_adams2019_at_random_makes_different_schedules_near_to_which_the_space_holds_some() -> None:
    with local_runner("blur") as runner:
        found = dropout_samples(runner, snapshot_of("blur"), threads=2, count=3, seconds=60.0)
        assert dropout_samples(runner, snapshot_of("blur"), threads=2, count=3, seconds=0.0) == []
    assert 2 <= len({one.digest for one in found}) == len(found) <= 3
    imitations = [imitate(space_of("blur"), one).schedule for one in found]
    assert len({one.digest for one in imitations}) > 1


def test_the_default_schedule_is_not_waited_for_much_longer_than_root() -> None:
    limits = Limits(compile_seconds=30.0, run_seconds=10.0)
    quick, slow, endless = (limits_of_default(limits, *root) for root in ((0.1, 1e-3), (3.0, 0.5), (20.0, 5.0)))
    assert 1.0 < quick.compile_seconds < slow.compile_seconds < endless.compile_seconds == 30.0
    assert 0.1 < quick.run_seconds < slow.run_seconds < endless.run_seconds == 10.0
    assert slow.compile_seconds > 3.0 and slow.run_seconds > 0.5


class Slow:
    """Stands in for a runner of autoschedulers, which takes so long with a beam of one, and with the default one."""

    def __init__(self, narrow: float, wide: float) -> None:
        self.narrow, self.wide = narrow, wide
        self.asked: list[AutoschedulerRequest] = []

    def autoschedule(self, requests: Sequence[AutoschedulerRequest], seconds: float) -> list[AutoschedulerReply]:
        self.asked += requests
        return [self.reply(self.narrow if "beam_size" in one.parameters else self.wide, seconds) for one in requests]

    def reply(self, takes: float, seconds: float) -> AutoschedulerReply:
        if takes > seconds:
            return AutoschedulerReply(None, "", seconds, Failure.COMPILE_TIMEOUT, "no result")
        return AutoschedulerReply(hl.serialize_pipeline(snapshot_of("blur").fresh()), "", takes)


def test_where_what_the_default_beam_found_fails_there_is_that_of_a_beam_of_one() -> None:
    quick, slow = Slow(0.1, 1.0), Slow(2.0, 60.0)
    found = autoscheduled_baselines(quick, snapshot_of("blur"), 2, 30.0)  # type: ignore[arg-type]
    (adams,) = (one for one in found if one.name == ADAMS)
    assert adams.instead is not None and adams.instead.candidate is not None and "beam_size=1" in adams.instead.note
    found = autoscheduled_baselines(slow, snapshot_of("blur"), 2, 30.0)  # type: ignore[arg-type]
    assert all(one.instead is None for one in found)


@pytest.mark.parametrize(
    ("narrow", "wide", "tried", "note"),
    [
        (0.1, 1.0, True, ""),
        (0.1, 60.0, True, "with beam_size=1, since the default beam failed: no result"),
        (2.0, 60.0, False, "with beam_size=1, which took 2.0 s"),
        (60.0, 60.0, True, ""),
    ],
)
def test_the_default_beam_is_tried_where_it_may_come_to_an_end(narrow: float, wide: float, tried: bool, note: str) -> None:
    runner = Slow(narrow, wide)
    found = {one.name: one for one in autoscheduled_baselines(runner, snapshot_of("blur"), 2, 30.0)}  # type: ignore[arg-type]
    assert any(one.name == "Adams2019" and "beam_size" not in one.parameters for one in runner.asked) == tried
    assert found["Adams2019"].note.startswith(note) and bool(found["Adams2019"].note) == bool(note)
    assert (found["Adams2019"].candidate is None) == (min(narrow, wide) > 30.0)


def test_bounds_that_are_stated_of_some_dimensions_keep_no_autoscheduler_from_working() -> None:
    """Mullapudi2016 refuses them."""
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    inner, out = hl.Func("inner"), hl.Func("out")
    inner[x, y, c] = hl.sqrt(hl.f32(x * y + c))
    out[x, y, c] = inner[x, y, c] + inner[x + 1, y, c] + inner[x, y + 1, c]
    out.set_estimates([(0, 256), (0, 256), (0, 3)])
    inner.bound(c, 0, 3)
    snapshot = take(hl.Pipeline([out]), TARGET)
    runner = ThisMachine().open(Work(snapshot, TARGET))
    with closing(runner):
        found = {one.name: one for one in autoscheduled_baselines(runner, snapshot, 2, 60.0)}
        assert set(found) == set(AUTOSCHEDULERS) and all(one.schedule is not None for one in found.values())
        mullapudi = found["Mullapudi2016"]
        assert "without the bounds" in mullapudi.note and "partially specified bounds" in mullapudi.note
        assert mullapudi.candidate is not None and runner.build([mullapudi.candidate])[0].failure is None
