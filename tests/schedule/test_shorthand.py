"""Short calls: they are what a person would write, and Halide makes the same loops of them."""

from __future__ import annotations

import halide as hl
import pytest

from autosearch.pipeline.snapshot import funcs_of
from autosearch.schedule.directives import STRUCTURAL
from autosearch.schedule.nest import LoopNest, build_nest
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.shorthand import abbreviated, calls, length, renamed
from autosearch.schedule.source import PYTHON, PlainNames, chains
from tests.conftest import random_proposal, snapshot_of
from tests.schedule.oracle import scheduled


def _plain(name: str, seed: int) -> Schedule:
    schedule = random_proposal(name, seed).schedule
    return Schedule(tuple(step for step in schedule if not isinstance(step.directive, STRUCTURAL)))


def _shape(nest: LoopNest) -> object:
    """All of a loop nest but the names of its loops."""
    stages = {key: (one.loops.kinds, one.loop_extents, one.points) for key, one in nest.stages.items()}
    return nest.placements, stages, nest.boxes, nest.layouts


def _nest(name: str, schedule: Schedule) -> LoopNest:
    snapshot = snapshot_of(name)
    return build_nest(snapshot.flow, snapshot.regions, schedule)


@pytest.mark.parametrize("seed", range(12))
def test_renaming_leaves_the_loop_nest_as_it_is(sample: str, seed: int) -> None:
    schedule = random_proposal(sample, seed).schedule
    if schedule.structure.steps:
        pytest.skip("made Funcs are tested with the exports")
    assert _shape(_nest(sample, renamed(schedule))) == _shape(_nest(sample, schedule))
    assert renamed(renamed(schedule)) == renamed(schedule)


@pytest.mark.parametrize("seed", range(6))
def test_halide_makes_the_same_of_short_calls(sample: str, seed: int) -> None:
    schedule = renamed(random_proposal(sample, seed).schedule)
    if schedule.structure.steps:
        pytest.skip("made Funcs are tested with the exports")
    snapshot = snapshot_of(sample)
    pipeline = snapshot.fresh()
    known: dict[str, object] = {"hl": hl}
    for func, handle in zip(snapshot.algorithm.funcs, funcs_of(pipeline), strict=True):
        known[func.name] = handle
        for update, stage in enumerate(func.updates):
            known |= {one.name: handle.rvars(update)[place] for place, one in enumerate(stage.rvars)}
    short = abbreviated(schedule)
    for func in snapshot.algorithm.funcs:
        own = {**known, **dict(zip(func.args, known[func.name].args(), strict=True))}  # type: ignore[attr-defined]
        for chain in chains(short, PYTHON, PlainNames(), ""):
            if chain.startswith((f"{func.name}.", f"{func.name}\n")):
                eval(chain.replace("\n", ""), _Loops(own))
    made = read_schedule(hl.serialize_pipeline(pipeline), snapshot.algorithm)
    wanted = read_schedule(hl.serialize_pipeline(scheduled(snapshot, schedule)), snapshot.algorithm)
    assert _shape(_nest(sample, made)) == _shape(_nest(sample, wanted))


class _Loops(dict):  # type: ignore[type-arg]
    """Names in printed calls; those not known are new loops, made when first met."""

    def __missing__(self, name: str) -> object:
        reduction = name.startswith(("k", "r", "b")) and len(name) > 2
        self[name] = hl.RVar(name) if reduction else hl.Var(name)
        return self[name]


def test_what_a_person_would_write() -> None:
    long = Schedule.from_json(
        [
            ["f", "split", "x", "xo", "xi", 8, "Auto"],
            ["f", "split", "y", "yo", "yi", 4, "Auto"],
            ["f", "reorder", ["xi", "yi", "xo", "yo"]],
            ["f", "vectorize", "xi"],
            ["f", "parallel", "yo"],
            ["g", "compute_at", ["f", "yo"]],
            ["g", "split", "x", "xo", "xi", 16, "RoundUp"],
            ["g", "vectorize", "xi"],
            ["h", "split", "y", "yo", "yi", 32, "Auto"],
            ["h", "parallel", "yo"],
            ["h", "split", "x", "xo", "xi", 4, "GuardWithIf"],
            ["h", "split", "xo", "xoo", "xoi", 2, "Auto"],
            ["h", "unroll", "xi"],
            ["h", "unroll", "xoi"],
        ]
    )
    assert str(renamed(long)) == (
        "f\n    .tile(x, y, xi, yi, 8, 4)\n    .vectorize(xi)\n    .parallel(y)\n"
        "g.compute_at(f, y).vectorize(x, 16, RoundUp)\n"
        "h\n    .parallel(y, 32)\n    .unroll(x, 4, GuardWithIf)\n    .unroll(x, 2)"
    )
    assert length(renamed(long)) == 8 < length(long) == len(long)
    assert [one.places for one in calls(renamed(long))][:3] == [(0, 1, 2), (3,), (4,)]
    assert sorted(place for call in calls(renamed(long)) for place in call.places) == list(range(len(long)))


def test_a_loop_that_others_are_computed_at_keeps_its_split() -> None:
    schedule = Schedule.from_json(
        [
            ["f", "split", "x", "x", "xi", 8, "Auto"],
            ["f", "unroll", "xi"],
            ["g", "compute_at", ["f", "xi"]],
        ]
    )
    assert abbreviated(schedule) == schedule


def test_names_stay_where_two_stages_would_share_them() -> None:
    schedule = Schedule.from_json(
        [
            ["f", "split", "x", "xo", "xi", 8, "Auto"],
            ["f.update(0)", "split", "x", "xo", "xi", 8, "Auto"],
            ["g", "compute_at", ["f", "xo"]],
        ]
    )
    assert renamed(schedule) == schedule
