"""Imitation: the answers that make a given schedule."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from autosearch.choices import FirstChooser, Proposal, RandomChooser, Replay, draw
from autosearch.errors import ScheduleError
from autosearch.machine import Machine
from autosearch.schedule.nest import LoopNest
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.space.imitate import adopt, imitate
from autosearch.space.walk import RULES
from tests.conftest import random_proposal, snapshot_of, space_of
from tests.schedule.oracle import lower, scheduled
from tests.space.running import assert_right


def _has_single_iterations(nest: LoopNest) -> bool:
    return any(extent == 1 for stage in nest.stages.values() for extent in stage.loop_extents)


def _proposals(sample: str, count: int) -> list[Proposal]:
    """Random schedules in which every loop has iterations, and short output dimensions are bounded."""
    drawn = (random_proposal(sample, seed) for seed in itertools.count())
    plain = (
        p
        for p in drawn
        if not _has_single_iterations(space_of(sample).nest(p.schedule))
        and not any("/bound/" in key and answer == "any" for key, answer in p.trace)
    )
    return list(itertools.islice(plain, count))


def test_the_spaces_own_schedules_are_imitated_exactly(sample: str) -> None:
    for proposal in _proposals(sample, 12):
        imitation = imitate(space_of(sample), proposal.schedule)
        assert imitation.differences == () and imitation.exact
        assert imitation.schedule == proposal.schedule


@pytest.mark.parametrize("seed", range(8))
def test_an_imitations_trace_makes_its_schedule(sample: str, seed: int) -> None:
    imitation = imitate(space_of(sample), random_proposal(sample, seed).schedule)
    assert space_of(sample).build(Replay(imitation.trace.by_key, FirstChooser())) == imitation.schedule


EXPERT: list[list[Any]] = [
    ["blur_y", "split", "y", "yo", "yi", 8, "GuardWithIf"],
    ["blur_y", "parallel", "yo"],
    ["blur_y", "split", "x", "xo", "xi", 16, "ShiftInwards"],
    ["blur_y", "vectorize", "xi"],
    ["blur_x", "compute_at", ["blur_y", "yi"]],
    ["blur_x", "store_at", ["blur_y", "yo"]],
    ["blur_x", "split", "x", "xo", "xi", 16, "ShiftInwards"],
    ["blur_x", "vectorize", "xi"],
]


def test_an_experts_schedule() -> None:
    """Strips of rows in parallel, the first stencil sliding within each."""
    imitation = imitate(space_of("blur"), Schedule.from_json(EXPERT))
    assert imitation.exact
    answers = imitation.trace.by_key
    assert answers["blur_y.0/vector"] == "x" and answers["blur_y.0/width"] == 16
    assert answers["blur_x/place"] == "blur_y.0/y@tile0" and answers["blur_x/store"] == "blur_y.0/y@outer"
    assert_right("blur", imitation.schedule)


def test_an_experts_product() -> None:
    content: list[list[Any]] = [
        ["out", "split", "x", "xo", "xi", 32, "ShiftInwards"],
        ["out", "split", "xi", "xi", "xii", 8, "RoundUp"],
        ["out", "split", "y", "yo", "yi", 4, "ShiftInwards"],
        ["out", "reorder", ["xii", "xi", "yi", "xo", "yo"]],
        ["out", "vectorize", "xii"],
        ["out", "unroll", "xi"],
        ["out", "unroll", "yi"],
        ["out", "parallel", "yo"],
        ["product", "compute_at", ["out", "xo"]],
        ["product", "split", "x", "xo", "xi", 8, "RoundUp"],
        ["product", "vectorize", "xi"],
        ["product.update(0)", "split", "x", "xo", "xi", 8, "RoundUp"],
        ["product.update(0)", "reorder", ["xi", "xo", "y", "kx"]],
        ["product.update(0)", "vectorize", "xi"],
    ]
    imitation = imitate(space_of("matmul"), Schedule.from_json(content))
    assert imitation.exact
    assert_right("matmul", imitation.schedule)


def test_rows_left_over_do_not_keep_columns_from_registers() -> None:
    """The guard of one dimension's last tile is nothing to the loops of another."""
    content: list[list[Any]] = [
        ["out", "split", "x", "xo", "xi", 32, "ShiftInwards"],
        ["out", "split", "xi", "xi", "xii", 8, "RoundUp"],
        ["out", "split", "y", "yo", "yi", 4, "GuardWithIf"],
        ["out", "reorder", ["xii", "xi", "yi", "xo", "yo"]],
        ["out", "vectorize", "xii"],
        ["out", "unroll", "xi"],
        ["product", "compute_at", ["out", "xo"]],
        ["product", "split", "x", "xo", "xi", 8, "RoundUp"],
        ["product", "vectorize", "xi"],
        ["product", "unroll", "xo"],
        ["product.update(0)", "split", "x", "xo", "xi", 8, "RoundUp"],
        ["product.update(0)", "reorder", ["xi", "xo", "y", "kx"]],
        ["product.update(0)", "vectorize", "xi"],
        ["product.update(0)", "unroll", "xo"],
    ]
    imitation = imitate(space_of("matmul"), Schedule.from_json(content))
    assert imitation.exact, imitation.differences
    assert_right("matmul", imitation.schedule)


def test_a_loop_of_one_iteration_does_not_hide_what_is_unrolled_around_it() -> None:
    content: list[list[Any]] = [
        ["gray", "compute_root"],
        ["smooth", "compute_root"],
        ["out", "bound", "c", 0, 3],
        ["out", "reorder", ["c", "x", "y"]],
        ["out", "split", "c", "co", "ci", 3, "ShiftInwards"],
        ["out", "split", "x", "xo", "xi", 4, "ShiftInwards"],
        ["out", "unroll", "ci"],
        ["out", "unroll", "xi"],
    ]
    assert imitate(space_of("sharpen"), Schedule.from_json(content)).exact


def test_what_the_space_lacks_is_named() -> None:
    content: list[list[Any]] = [
        ["blur_y", "split", "x", "xo", "xi", 5, "GuardWithIf"],  # no vectors of five
        ["blur_y", "vectorize", "xi"],
        ["blur_x", "compute_root"],
    ]
    imitation = imitate(space_of("blur"), Schedule.from_json(content))
    assert imitation.differences == ("loops of blur_y",) and not imitation.exact
    assert_right("blur", imitation.schedule)


ODD: list[list[Any]] = [
    ["blur_y", "split", "x", "xo", "xi", 24, "GuardWithIf"],
    ["blur_y", "split", "xi", "xi", "xii", 5, "GuardWithIf"],
    ["blur_y", "vectorize", "xii"],
    ["blur_y", "parallel", "y"],
    ["blur_x", "compute_at", ["blur_y", "xo"]],
    ["blur_x", "vectorize", "x"],
    ["image_im", "compute_at", ["blur_x", "y"]],
    ["image_im", "split", "_0", "o", "i", 8, "GuardWithIf"],
    ["image_im", "vectorize", "i"],
]


def _own_space() -> CpuSpace:
    snapshot = snapshot_of("blur")
    return CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())


def test_what_the_rules_cannot_make_is_adopted() -> None:
    space, given = _own_space(), Schedule.from_json(ODD)
    assert not imitate(space, given).exact
    adopted = adopt(space, "given", given)
    assert adopted.exact
    answers = adopted.trace.by_key
    assert answers["blur_y/as"] == answers["blur_x/as"] == "given"
    for func in ("blur_y", "blur_x"):
        assert [s for s in adopted.schedule if s.stage.func == func] == [s for s in given if s.stage.func == func]
    assert space.build(Replay(adopted.trace.by_key, FirstChooser())) == adopted.schedule
    assert_right("blur", adopted.schedule)


APART: list[list[Any]] = [
    ["blur_y", "split", "x", "x", "xp", 2, "ShiftInwards"],
    ["blur_y", "split", "x", "x", "xi", 8, "ShiftInwards"],
    ["blur_y", "unroll", "xp"],
    ["blur_y", "vectorize", "xi"],
]


def test_lanes_that_lie_apart_are_not_neighbours() -> None:
    """Unrolled within the vector, where the rules unroll outside of it."""
    space, given = _own_space(), Schedule.from_json(APART)
    imitation = imitate(space, given)
    assert imitation.differences == ("loops of blur_y",)
    adopted = adopt(space, "given", given)
    assert adopted.exact and [s for s in adopted.schedule if s.stage.func == "blur_y"] == list(given)
    assert_right("blur", adopted.schedule)


def test_the_rest_is_searched_around_what_was_adopted() -> None:
    """It is followed as a whole or in part, and everything that comes of that is legal."""
    space = _own_space()
    adopt(space, "given", Schedule.from_json(ODD))
    followed: set[tuple[bool, ...]] = set()
    for seed in range(40):
        chooser = Replay({"blur_y/as": "given"}, RandomChooser(random.Random(seed)))
        proposal = draw(space, chooser)
        followed.add(tuple(answer == "given" for key, answer in proposal.trace if key.endswith("/as"))[:2])
        if seed < 8:
            lower(scheduled(snapshot_of("blur"), proposal.schedule))
    assert {(True, True), (True, False)} <= followed
    rules = [draw(space, Replay({"blur_y/as": RULES}, RandomChooser(random.Random(seed)))) for seed in range(40)]
    assert not any("blur_x/as" in proposal.trace.by_key for proposal in rules)  # its loop is no longer there


def test_what_the_rules_can_make_needs_no_adopting() -> None:
    space = _own_space()
    assert adopt(space, "given", Schedule.from_json(EXPERT)).exact
    assert not any(
        key.endswith("/as") for seed in range(5) for key, _ in draw(space, RandomChooser(random.Random(seed))).trace
    )


def test_a_schedule_of_another_pipeline_is_refused() -> None:
    with pytest.raises(ScheduleError, match="doesn't have"):
        imitate(space_of("blur"), Schedule.from_json([["gray", "compute_root"]]))


@pytest.mark.xfail(strict=True, reason="loops of one iteration are taken for tiles and parallel loops that matter")
def test_loops_of_one_iteration_do_not_matter() -> None:
    content: list[list[Any]] = [
        ["blur_y", "split", "x", "xo", "xi", 48, "ShiftInwards"],
        ["blur_y", "split", "xi", "xi", "xii", 8, "RoundUp"],
        ["blur_y", "split", "y", "yo", "yi", 64, "ShiftInwards"],
        ["blur_y", "reorder", ["xii", "yi", "xi", "yo", "xo"]],
        ["blur_y", "parallel", "xo"],
    ]
    assert imitate(space_of("blur"), Schedule.from_json(content)).exact


def test_no_bound_is_made_up() -> None:
    content: list[list[Any]] = [["out", "parallel", "y"], ["gray", "compute_root"], ["smooth", "compute_root"]]
    imitation = imitate(space_of("sharpen"), Schedule.from_json(content))
    assert not any(step.directive.method == "bound" for step in imitation.schedule)


@pytest.mark.parametrize(("missing", "offered"), [(0, True), (1, False)])
def test_what_states_too_small_bounds_is_not_followed(missing: int, offered: bool) -> None:
    """Halide would find that out when the kernel runs, and refuse to."""
    space = _own_space()
    low, high = snapshot_of("blur").regions.funcs["blur_x"][0]
    stated = Schedule.from_json([["blur_x", "compute_root"], ["blur_x", "bound", "x", low, high - low + 1 - missing]])
    space.adopt("given", {"blur_x": stated})
    drawn = [draw(space, Replay({"blur_x/as": "given"}, RandomChooser(random.Random(seed)))) for seed in range(20)]
    assert any("blur_x/as" in one.trace.by_key for one in drawn) == offered
