"""The space of CPU schedules: all that it makes is legal and right, and made by its answers alone."""

from __future__ import annotations

import random
from collections.abc import Sequence

import halide as hl
import pytest

from autosearch.choices import FirstChooser, Option, RandomChooser, Replay, draw, func_of
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.schedule.directives import Bound, Split, Tail, Vectorize
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.space.placement import moved_dimensions
from tests.conftest import TARGET, random_proposal, snapshot_of, space_of
from tests.schedule.oracle import lower, scheduled
from tests.space.running import assert_right


class Watching:
    """Answers at random, and checks that every question keeps to the protocol."""

    def __init__(self, seed: int) -> None:
        self.chooser = RandomChooser(random.Random(seed))
        self.keys: list[str] = []

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        assert key not in self.keys
        self.keys.append(key)
        assert len(set(options)) == len(options) > 1
        assert len({type(option) for option in options}) == 1
        if isinstance(options[0], int):
            assert list(options) == sorted(options)
        assert weights is None or (len(weights) == len(options) and min(weights) > 0)
        return self.chooser.choose(key, options, weights)


class Refuses:
    """Fails when asked."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        raise AssertionError(f"{key} is not in the trace")


@pytest.mark.parametrize("seed", range(5))
def test_questions_keep_to_the_protocol(sample: str, seed: int) -> None:
    watching = Watching(seed)
    proposal = draw(space_of(sample), watching)
    assert watching.keys == [key for key, _ in proposal.trace]
    assert {func_of(key) for key in watching.keys} <= {"style", "inlining", *snapshot_of(sample).algorithm.by_name}


@pytest.mark.parametrize("seed", range(10))
def test_the_same_answers_make_the_same_schedule(sample: str, seed: int) -> None:
    proposal = random_proposal(sample, seed)
    replay = Replay(proposal.trace.by_key, Refuses())
    again = draw(space_of(sample), replay)
    assert again == proposal and replay.exact
    assert random_proposal(sample, seed) == proposal


def test_the_space_is_large(sample: str) -> None:
    digests = {random_proposal(sample, seed).schedule.digest for seed in range(60)}
    assert len(digests) > 55


@pytest.mark.parametrize("seed", range(10))
def test_halide_accepts_random_schedules(sample: str, seed: int) -> None:
    lower(scheduled(snapshot_of(sample), random_proposal(sample, seed).schedule))


@pytest.mark.parametrize("seed", range(1, 3))
def test_random_schedules_give_the_right_output(sample: str, seed: int) -> None:
    assert_right(sample, random_proposal(sample, seed).schedule)


def test_the_default_is_vectorized_and_gives_the_right_output(sample: str) -> None:
    schedule = draw(space_of(sample), FirstChooser()).schedule
    assert any(isinstance(step.directive, Vectorize) for step in schedule)
    assert_right(sample, schedule)


def test_only_short_dimensions_are_bounded() -> None:
    schedules = [random_proposal("sharpen", seed).schedule for seed in range(20)]
    bounds = [step.directive for schedule in schedules for step in schedule if isinstance(step.directive, Bound)]
    assert set(bounds) == {Bound("c", 0, 3)}
    assert len(bounds) < 20  # it is a choice


def test_placement_depends_on_what_came_before() -> None:
    """A Func can't be computed inside of one that is computed elsewhere."""
    schedules = [random_proposal("blur", seed).schedule for seed in range(60)]
    funcs = {step.directive.at.func for s in schedules for step in s if step.directive.method == "compute_at"}
    assert funcs == {"blur_x", "blur_y"}


def test_extern_stages_are_left_alone() -> None:
    x, y = hl.Var("x"), hl.Var("y")
    before, middle, out = hl.Func("before"), hl.Func("middle"), hl.Func("out")
    before[x, y] = x + y
    middle.define_extern("some_function", [hl.ExternFuncArgument(before)], [hl.Int(32)], [x, y])
    out[x, y] = middle[x, y] + 1
    out.set_estimates([(0, 64), (0, 32)])
    before.set_estimates([(0, 64), (0, 32)])
    snapshot = take(out, TARGET)
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
    assert space.left_alone == {"middle": "an extern stage (some_function)"}
    for seed in range(8):
        proposal = draw(space, RandomChooser(random.Random(seed)))
        assert not any(func_of(key) == "middle" for key, _ in proposal.trace)
        assert not any(key == "before/place" and answer == "inline" for key, answer in proposal.trace)
        lower(scheduled(snapshot, proposal.schedule))


def test_the_nest_of_a_schedule_that_is_not_the_spaces_own() -> None:
    nest = space_of("blur").nest(Schedule.from_json([["blur_x", "compute_root"]]))
    assert nest.placements["blur_x"].compute is None and nest.placements["image_im"].inline


def _accumulating() -> hl.Func:
    """What slides is made by an update."""
    image = hl.ImageParam(hl.Int(32), 2, "image")
    x, y, r = hl.Var("x"), hl.Var("y"), hl.RDom([(0, 3)], "r")
    total, out = hl.Func("total"), hl.Func("out")
    total[x, y] = 0
    total[x, y] += image[x + r, y] * 3
    out[x, y] = total[x, y] + total[x, y + 1] + total[x + 1, y + 2]
    out.set_estimates([(0, 61), (0, 37)])
    return out


def test_the_pure_definition_resets_no_row_that_was_updated() -> None:
    """Shifted inwards where its Func slides, it would zero what an earlier production has accumulated."""
    snapshot = take(_accumulating, TARGET)
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
    slid = 0
    for seed in range(80):
        schedule = draw(space, Replay({"style": "rows"}, RandomChooser(random.Random(seed)))).schedule
        nest = space.nest(schedule)
        moved = moved_dimensions(nest, "total", nest.placements["total"])
        names = {"xy"[dimension] for dimension in moved}
        slid += bool(moved)
        for step in schedule:
            if str(step.stage) == "total" and isinstance(step.directive, Split) and step.directive.old in names:
                assert step.directive.tail is Tail.GUARD_WITH_IF
    assert slid >= 20
