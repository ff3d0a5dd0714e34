"""The benchmark pipelines: each builds unscheduled, and its expert schedule is of the same algorithm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import halide as hl
import pytest

from autosearch.pipeline.fingerprint import describe_difference, fingerprint
from autosearch.pipeline.snapshot import Snapshot, read_algorithm, take
from benchmarks import pipelines
from benchmarks.pipelines import CORE, PIPELINES, load
from tests.conftest import TARGET

ADDS_FUNCS = {"histogram_equalisation", "softmax_rows"}
"""Those whose expert schedule adds Funcs with `rfactor`, so that it reads as another algorithm."""


SLOW_TO_LOWER = {"local_laplacian", "camera_raw", "interpolate", "bilateral_upsampling", "stencil_chain"}


@pytest.fixture(params=list(PIPELINES))
def name(request: pytest.FixtureRequest) -> str:
    """Each pipeline's name in turn."""
    return str(request.param)


def _snapshot(name: str) -> Snapshot:
    return take(load(name).pipeline, TARGET)


def _pipeline(made: Any) -> hl.Pipeline:
    return hl.Pipeline(made if isinstance(made, list) else [made])


def test_every_module_is_listed() -> None:
    files = {path.stem for path in Path(pipelines.__file__).parent.glob("*.py")} - {"__init__"}
    assert files == set(PIPELINES.values()) and set(CORE) < set(PIPELINES)


def test_it_is_not_scheduled_and_says_its_sizes(name: str) -> None:
    snapshot = _snapshot(name)
    assert snapshot.given is None
    sizes = [low_high for box in snapshot.sizes.outputs.values() for low_high in box]
    assert all(high > low for low, high in sizes) and len(snapshot.regions.funcs) == len(snapshot.algorithm.funcs)


def test_the_expert_schedules_the_same_algorithm(name: str) -> None:
    """The Funcs, inputs and outputs are the same; all definitions too where the schedule adds no Func."""
    ours = _snapshot(name)
    algorithm, scheduled = read_algorithm(_pipeline(load(name).expert()), TARGET)
    assert scheduled
    assert algorithm.outputs == ours.algorithm.outputs and algorithm.inputs == ours.algorithm.inputs
    if name in ADDS_FUNCS:
        names = {func.name for func in algorithm.funcs}
        assert len(algorithm.funcs) > len(ours.algorithm.funcs)
        assert {func.name for func in ours.algorithm.funcs} <= names
    else:
        assert describe_difference(ours.func_digests, algorithm) == ""
        assert fingerprint(algorithm) == ours.fingerprint


def test_the_expert_schedule_is_legal(name: str) -> None:
    """Halide lowers it, except where that takes longer than a quick test may."""
    if name in SLOW_TO_LOWER:
        pytest.skip("lowering takes seconds")
    pipeline = _pipeline(load(name).expert())
    pipeline.compile_to_module(pipeline.infer_arguments(), "expert", TARGET)
