"""Features of many schedules at once are those of each by itself."""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.choices import RandomChooser, draw
from autosearch.cost_model import batch
from autosearch.cost_model.batch import Featurizer
from autosearch.cost_model.features import featurize
from autosearch.errors import ScheduleError
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from autosearch.space.cpu import CpuSpace
from tests.conftest import TARGET, random_proposal, space_of
from tests.samples import SAMPLES
from tests.schedule.test_structure import histogram

MACHINE = Machine()


@cache
def _featurizer(sample: str) -> Featurizer:
    return Featurizer(space_of(sample).ground, MACHINE)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.lists(st.integers(0, 300), min_size=1, max_size=12))
def test_the_same_as_one_by_one(sample: str, seeds: list[int]) -> None:
    schedules = [random_proposal(sample, seed).schedule for seed in seeds]
    found = _featurizer(sample).rows(schedules)
    for schedule, rows in zip(schedules, found, strict=True):
        plain = featurize(space_of(sample).nest(schedule), MACHINE)
        assert rows.shape == plain.shape and rows.dtype == plain.dtype
        assert rows == pytest.approx(plain, abs=1e-5)


def test_many_of_which_some_are_alike() -> None:
    """So many that those that are alike are looked for."""
    schedules = [random_proposal("blur", seed % 90).schedule for seed in range(150)]
    found = _featurizer("blur").rows([Schedule(one.steps) for one in schedules])
    for schedule, rows in zip(schedules, found, strict=True):
        assert rows == pytest.approx(featurize(space_of("blur").nest(schedule), MACHINE), abs=1e-5)


def test_structures_are_done_together() -> None:
    """Each of the drawn ones makes Funcs of its own; what no two have in common is done with the rest, too."""
    snapshot = take(histogram, TARGET)
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), MACHINE, Structures(snapshot).derive)
    schedules = [draw(space, RandomChooser(random.Random(seed))).schedule for seed in range(120)]
    assert len({one.structure for one in schedules}) > 20
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "featurize", None)  # of none by itself
        found = Featurizer(space.ground, MACHINE).rows(schedules)
    for schedule, rows in zip(schedules, found, strict=True):
        assert rows == pytest.approx(featurize(space.nest(schedule), MACHINE), abs=1e-5)


def test_an_update_reads_its_own_func_as_that_lies() -> None:
    """Of schedules of one batch, some store the product by columns."""
    loops: list[list[object]] = [["product", "compute_root"], ["product.update(0)", "vectorize", "x"]]
    by_rows, by_columns = loops, [*loops, ["product", "reorder_storage", ["y", "x"]]]
    schedules = [Schedule.from_json(content) for content in (by_rows, by_columns) for _ in range(4)]
    for schedule, rows in zip(schedules, _featurizer("matmul").rows(schedules), strict=True):
        assert rows == pytest.approx(featurize(space_of("matmul").nest(schedule), MACHINE), abs=1e-5)


def test_what_is_not_known_of_many_is_done_alone() -> None:
    """A reduction that is never scheduled, and a Func with more loops than most."""
    many: list[list[object]] = [["out", "split", "x", "x0", "i0", 1, "GuardWithIf"], ["product", "compute_root"]]
    many += [["out", "split", f"x{k}", f"x{k + 1}", f"i{k + 1}", 1, "GuardWithIf"] for k in range(30)]
    for content in ([], many):
        schedule = Schedule.from_json(content)
        plain = featurize(space_of("matmul").nest(schedule), MACHINE)
        assert np.array_equal(_featurizer("matmul").rows([schedule])[0], plain)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([["blurr", "compute_root"]], "for blurr, which the pipeline doesn't have"),
        ([["blur_x", "compute_at", ["blur_y", "z"]]], "legal levels"),
        ([["blur_x", "compute_root"], ["image_im", "compute_at", ["blur_y", "y"]]], "legal levels"),
        ([["blur_x", "compute_at", ["nobody", "y"]]], "legal levels"),
        ([["blur_y", "parallel", "z"]], "no loop 'z'"),
    ],
)
def test_what_makes_no_sense_is_refused_as_by_a_loop_nest(content: list[list[object]], says: str) -> None:
    bad, good = Schedule.from_json(content), random_proposal("blur", 0).schedule
    with pytest.raises(ScheduleError, match=says):
        _featurizer("blur").rows([good, bad])
    rows, error = _featurizer("blur").attempt([good, bad])
    assert isinstance(error, ScheduleError) and np.array_equal(rows, _featurizer("blur").rows([good])[0])


def test_nothing_to_do() -> None:
    assert _featurizer("blur").rows([]) == []
