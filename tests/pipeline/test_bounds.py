"""Bounds inference and sizes, with Halide's own as the oracle."""

from __future__ import annotations

from collections.abc import Callable

import halide as hl
import numpy as np
import pytest

from autosearch.errors import InputError, SizeError
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET, snapshot_of
from tests.samples import SAMPLES, blur, matmul, pyramid


@pytest.mark.parametrize("name", ["blur", "sharpen", "matmul"])
def test_inputs_needed_are_those_that_halide_infers(name: str) -> None:
    snapshot = snapshot_of(name)
    made = SAMPLES[name]()
    pipeline = hl.Pipeline(made if isinstance(made, list) else [made])
    _, params = hl.serialize_pipeline(pipeline, get_params=True)
    box = snapshot.sizes.outputs[snapshot.algorithm.outputs[0]]
    pipeline.infer_input_bounds([int(size) for size in extents(box)], TARGET)
    for one in snapshot.algorithm.inputs:
        if one.dimensions is None:
            continue
        buffer = params[one.name].buffer()
        inferred = tuple((buffer.dim(d).min(), buffer.dim(d).max()) for d in range(one.dimensions))
        assert snapshot.regions.inputs[one.name] == inferred


def test_updates_widen_a_funcs_region() -> None:
    assert snapshot_of("histogram").regions.funcs["hist"] == ((0, 255),)


def test_sizes_follow_from_arrays() -> None:
    sizes = take(_without_estimates(blur), TARGET, {"image": np.zeros((50, 80), np.uint16)}).sizes
    assert sizes.outputs == {"blur_y": ((0, 77), (0, 47))}


def test_sizes_follow_from_arrays_behind_a_boundary_condition() -> None:
    image = np.zeros((50, 80), np.float32)
    sizes = take(_without_estimates(pyramid), TARGET, {"image": image}).sizes
    assert sizes.outputs["out"] == ((0, 79), (0, 49))


def test_sizes_of_a_product_follow_from_both_matrices() -> None:
    arrays = {"a": np.zeros((20, 48), np.float32), "b": np.zeros((48, 30), np.float32)}
    assert take(_without_estimates(matmul), TARGET, arrays).sizes.outputs == {"out": ((0, 29), (0, 19))}


def test_estimates_smaller_than_needed_are_grown() -> None:
    def build() -> hl.Func:
        image = hl.ImageParam(hl.UInt(8), 1, "image")
        x, out = hl.Var("x"), hl.Func("out")
        out[x] = image[x + 2]
        image.set_estimates([(0, 10)])
        out.set_estimates([(0, 10)])
        return out

    assert take(build, TARGET).sizes.inputs == {"image": ((0, 11),)}


@pytest.mark.parametrize(
    ("inputs", "error", "says"),
    [
        ({}, SizeError, "set_estimates"),
        ({"imag": np.zeros((4, 4), np.uint16)}, InputError, "no input 'imag'"),
        ({"image": np.zeros((4, 4), np.uint8)}, InputError, r"astype\('uint16'\)"),
        ({"image": np.zeros(4, np.uint16)}, InputError, "1 dimensions"),
        ({"image": np.zeros((2, 2), np.uint16)}, SizeError, "too small"),
        ([1, 2], InputError, "must be a dict"),
    ],
)
def test_unusable_inputs_are_refused_in_a_sentence(inputs: object, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        take(_without_estimates(blur), TARGET, inputs)  # type: ignore[arg-type]


def test_an_array_too_small_for_the_estimates_is_refused() -> None:
    with pytest.raises(SizeError, match="pass a larger array"):
        take(blur, TARGET, {"image": np.zeros((20, 20), np.uint16)})


def test_a_scalar_without_a_value_is_named() -> None:
    gain = hl.Param(hl.Float(32), "gain")
    x, out = hl.Var("x"), hl.Func("out")
    out[x] = gain * hl.f32(x)
    out.set_estimates([(0, 8)])
    with pytest.raises(SizeError, match="'gain'"):
        take(out, TARGET)
    assert take(out, TARGET, {"gain": 2.0}).sizes.scalars == {"gain": 2.0}


def test_an_unbounded_index_is_named() -> None:
    image = hl.ImageParam(hl.Int(32), 1, "image")
    x, table, out = hl.Var("x"), hl.Func("table"), hl.Func("out")
    table[x] = x * x
    out[x] = table[image[x]]
    out.set_estimates([(0, 8)])
    with pytest.raises(SizeError, match="'table'"):
        take(out, TARGET).regions  # noqa: B018
    table.set_estimate(x, 0, 100)
    assert take(out, TARGET).regions.funcs["table"] == ((0, 99),)


def _without_estimates(build: Callable[[], object]) -> Callable[[], object]:
    """The sample, built while setting an estimate on a Func does nothing."""

    def plain() -> object:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hl.Func, "set_estimates", lambda self, _: self)
            patch.setattr(hl.ImageParam, "set_estimates", lambda self, _: self)
            return build()

    return plain
