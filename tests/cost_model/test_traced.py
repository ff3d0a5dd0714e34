"""Facts about stages against what kernels do when they run, as Halide's tracing tells it."""

from __future__ import annotations

import math

import pytest

from autosearch.cost_model.stage import StageView
from autosearch.machine import Machine
from autosearch.pipeline.bounds import extents, hull
from autosearch.schedule.nest import build_nest
from tests.conftest import random_proposal, snapshot_of
from tests.schedule.tracing import trace

MOST = 1.7
"""Evaluations and allocations are those of a middle iteration times all: more than there are where the last ones do less."""


_CLAMPED = pytest.mark.xfail(strict=True, reason="Halide computes more of a clamped input's wrapper than we do")


@pytest.mark.parametrize(
    ("sample", "seed"),
    [("blur", 3), ("sharpen", 3), ("matmul", 1), ("pyramid", 4), pytest.param("pyramid", 18, marks=_CLAMPED)],
)
def test_a_random_schedule(sample: str, seed: int) -> None:
    snapshot, schedule = snapshot_of(sample), random_proposal(sample, seed).schedule
    assert not schedule.structure.steps
    nest = build_nest(snapshot.flow, snapshot.regions, schedule)
    views = [StageView(nest, key, Machine()) for key in nest.stages]
    traced = trace(snapshot, schedule)
    exact = 0
    for name, box in nest.boxes.items():
        evaluations = sum(view.total for view in views if view.key.func == name)
        assert traced.stores[name] <= evaluations * 1.0001 and evaluations <= MOST * traced.stores[name]
        exact += evaluations == pytest.approx(traced.stores[name])
        if name not in snapshot.algorithm.outputs:
            count = len(traced.allocated[name])
            assert count <= nest.realizations(name) <= MOST * count
            if box == nest.required(name, nest.placements[name].compute):  # else the last production is shorter
                assert math.prod(extents(nest.stored_box(name))) == max(traced.allocated[name])
    assert exact >= len(nest.boxes) / 2
    for one in snapshot.algorithm.inputs:
        whole = None
        for view in views:
            box = view.regions(None).get((one.name, True))
            if box is not None:
                whole = box if whole is None else hull(whole, box)
        assert whole is not None
        sides = zip(*traced.loaded[one.name], strict=True)
        assert extents(whole) == tuple(max(side) - min(side) + 1 for side in sides)
