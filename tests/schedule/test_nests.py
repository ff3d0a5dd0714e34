"""Many loop nests at once: each is the one that `LoopNest` makes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autosearch.pipeline.bounds import extents
from autosearch.pipeline.snapshot import Snapshot
from autosearch.schedule.forms import Family
from autosearch.schedule.nest import LoopNest, build_nest
from autosearch.schedule.nests import Nests
from autosearch.schedule.plans import Planner
from autosearch.schedule.schedule import Schedule
from tests.conftest import random_proposal, snapshot_of
from tests.schedule.test_nest import ALIGNED

COUNT = 24


def _nests(sample: str) -> tuple[Nests, list[Schedule]]:
    snapshot = snapshot_of(sample)
    drawn = [random_proposal(sample, seed).schedule for seed in range(COUNT)]
    schedules = [one for one in drawn if not one.structure.steps]
    return _together(snapshot, schedules), schedules


def _together(snapshot: Snapshot, schedules: list[Schedule]) -> Nests:
    family = Family()
    forms = family.join(snapshot.flow, snapshot.regions)
    assert forms is not None
    return Nests(family, Planner(), [forms] * len(schedules), schedules)


def _each(sample: str) -> Iterator[tuple[Nests, int, LoopNest]]:
    snapshot = snapshot_of(sample)
    nests, schedules = _nests(sample)
    assert nests.left_out.sum() < len(schedules) / 2
    for row, schedule in enumerate(schedules):
        if not nests.left_out[row]:
            yield nests, row, build_nest(snapshot.flow, snapshot.regions, schedule)


def test_funcs_are_computed_and_stored_at_the_same_levels_and_in_the_same_regions(sample: str) -> None:
    for nests, row, nest in _each(sample):
        for name, placement in nest.placements.items():
            rows = nests.funcs[name]
            assert rows.inline[row] == placement.inline
            if placement.inline:
                continue
            assert rows.level[row] == len(nest.around(placement.compute))
            assert rows.store[row] == len(nest.around(placement.store))
            assert tuple(int(side[row]) for side in rows.stored) == extents(nest.stored_box(name))
            assert tuple(int(side[row]) for side in rows.made) == extents(nest.boxes[name])
            assert nests.sliding_share(name)[row] == pytest.approx(nest.sliding_share(name))


def test_loops_and_the_ranges_of_variables_at_each_level_are_the_same(sample: str) -> None:
    for nests, row, nest in _each(sample):
        forms = {form.key: rows for form, rows in nests.stages.items()}
        for key, stage in nest.stages.items():
            rows = forms[key]
            for level, position in enumerate((None, *nest.path(key))):
                env = nest.environment(key, position)
                assert env is not None
                for name in stage.stage.loop_vars:
                    assert (rows.env[name][0][row, level], rows.env[name][1][row, level]) == env[name]
                if position is not None:
                    assert rows.sizes[row, level] == nest.level(position).extent


def test_aligned_bounds_are_those_of_a_single_nest() -> None:
    snapshot = snapshot_of("blur")
    schedules = [
        Schedule.from_json([*ALIGNED[:2], ["blur_x", "align_bounds", "y", modulus, remainder]])
        for modulus, remainder in ((1, 0), (2, 0), (4, 1), (8, 7))
    ]
    nests = _together(snapshot, schedules)
    assert not nests.left_out.any()
    for row, schedule in enumerate(schedules):
        nest = build_nest(snapshot.flow, snapshot.regions, schedule)
        assert tuple(int(side[row]) for side in nests.funcs["blur_x"].made) == extents(nest.boxes["blur_x"])
