"""Leaving directives out: what remains makes sense, and does what it did apart from that."""

from __future__ import annotations

import halide as hl
import pytest

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.loops import stage_loops
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.simplify import Omit, edits, leave_out, union, without_idle
from autosearch.testing.sample import TILED
from tests.conftest import random_proposal, snapshot_of
from tests.schedule.oracle import lower, scheduled


def _without(place: int, omit: Omit = Omit.WHOLE) -> list[list[object]]:
    left = leave_out(TILED, {place: omit})
    assert left is not None
    return left.to_json()


def test_a_split_without_its_inner_loop() -> None:
    assert _without(1, Omit.INNER)[1:4] == [
        ["blur_y", "reorder", ["x", "yi", "yo"]],
        ["blur_y", "parallel", "yo"],
        ["blur_x", "compute_at", ["blur_y", "yo"]],
    ]


def test_a_split_without_its_outer_loop() -> None:
    assert _without(1, Omit.OUTER)[1:4] == [
        ["blur_y", "reorder", ["x", "yi", "yo"]],
        ["blur_y", "vectorize", "x"],
        ["blur_y", "parallel", "yo"],
    ]
    assert ["blur_x", "compute_at", ["blur_y", "y"]] in _without(0, Omit.OUTER)


def test_what_needs_a_place_goes_with_it() -> None:
    slid = Schedule.from_json([["blur_x", "compute_at", ["blur_y", "x"]], ["blur_x", "store_at", ["blur_y", "y"]]])
    assert leave_out(slid, {0: Omit.WHOLE}) == Schedule()


def test_splits_of_a_loop_that_is_gone_go_too() -> None:
    nested = Schedule.from_json(
        [
            ["f", "split", "x", "xo", "xi", 32, "Auto"],
            ["f", "split", "xi", "xi", "xii", 8, "Auto"],
            ["f", "vectorize", "xii"],
            ["g", "compute_at", ["f", "xi"]],
        ]
    )
    assert leave_out(nested, {0: Omit.INNER}) == Schedule.from_json([["g", "compute_at", ["f", "x"]]])
    left = leave_out(nested, {0: Omit.OUTER})
    assert left is not None and left.to_json()[:2] == [
        ["f", "split", "x", "xi", "xii", 8, "Auto"],
        ["f", "vectorize", "xii"],
    ]


def test_fused_loops_come_apart() -> None:
    fused = Schedule.from_json([["f", "fuse", "x", "y", "xy"], ["f", "parallel", "xy"]])
    assert leave_out(fused, {0: Omit.WHOLE}) == Schedule.from_json([["f", "parallel", "y"]])


def test_without_a_func_made_nothing_of_it_remains() -> None:
    made = Schedule.from_json(
        [["f.update(0)", "rfactor", "rx", "u", "part"], ["part", "compute_root"], ["g", "compute_at", ["part", "u"]]]
    )
    assert leave_out(made, {0: Omit.WHOLE}) is None  # g is computed at a loop that is gone
    assert leave_out(Schedule(made.steps[:2]), {0: Omit.WHOLE}) == Schedule()


def test_several_at_once() -> None:
    assert union([{1: Omit.INNER}, {1: Omit.OUTER, 3: Omit.WHOLE}]) == {1: Omit.INNER, 3: Omit.WHOLE}
    whole = dict.fromkeys(range(len(TILED)), Omit.WHOLE)
    assert leave_out(TILED, whole) == Schedule()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_left_out_the_loops_named_are_there(sample: str, seed: int) -> None:
    algorithm = snapshot_of(sample).algorithm
    schedule = random_proposal(sample, seed).schedule
    for edit in edits(schedule):
        left = leave_out(schedule, edit)
        if left is None or left.structure.steps:
            continue
        assert len(left) < len(schedule)
        for key, own in left.by_stage.items():
            stage_loops(algorithm.stage(StageKey(*key)), own)


@pytest.mark.parametrize("seed", range(2))
def test_halide_takes_most_of_what_is_left(sample: str, seed: int) -> None:
    schedule = random_proposal(sample, seed).schedule
    taken = tried = 0
    for edit in list(edits(schedule))[::3]:
        left = leave_out(schedule, edit)
        if left is not None:
            tried += 1
            try:
                lower(scheduled(snapshot_of(sample), left))
                taken += 1
            except (ScheduleError, hl.HalideError):  # Func must be computed somewhere, say
                pass
    assert taken >= tried / 3


def test_a_reorder_that_changes_nothing_is_idle() -> None:
    algorithm = snapshot_of("blur").algorithm
    idle = ["blur_y", "reorder", ["x", "y"]]
    turned = ["blur_y", "reorder", ["y", "x"]]
    assert without_idle(Schedule.from_json([idle]), algorithm) == Schedule()
    assert without_idle(Schedule.from_json([turned, idle]), algorithm).to_json() == [turned, idle]
    assert without_idle(Schedule.from_json([turned, turned]), algorithm).to_json() == [turned]
