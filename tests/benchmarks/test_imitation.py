"""Whether what the space makes of a schedule is told apart from the schedule."""

from __future__ import annotations

from autosearch.pipeline.snapshot import take
from autosearch.schedule.schedule import Schedule
from benchmarks.imitation import _nest, _outcome, _printed, _same
from benchmarks.pipelines import load
from tests.conftest import TARGET, snapshot_of
from tests.space.test_imitate import EXPERT


def test_an_experts_schedule_is_held() -> None:
    snapshot = take(load("box_blur").expert(), TARGET)
    assert snapshot.given is not None
    outcome = _outcome(snapshot, snapshot.given, TARGET)
    assert outcome.same and outcome.by_rules == outcome.directives == 8


def test_loop_nests_that_differ_are_told_apart() -> None:
    snapshot = snapshot_of("blur")

    def nest(content: list[list[object]]) -> list[tuple[str, str, str]]:
        return _nest(_printed(snapshot, Schedule.from_json(content)))

    other_names = [["z" if part == "xo" else part for part in step] for step in EXPERT]
    assert _same(nest(EXPERT), nest(other_names))
    for place in range(1, len(EXPERT)):
        without = EXPERT[:place] + EXPERT[place + 1 :]
        if EXPERT[place][1] in ("parallel", "vectorize", "store_at"):
            assert not _same(nest(EXPERT), nest(without))
