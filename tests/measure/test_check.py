"""When an output is right: never looser than rounding explains, never so strict that a good schedule fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import halide as hl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from autosearch.measure.check import Tolerance, compare, derive_tolerance, rounds_floats
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET, snapshot_of

EXACT = Tolerance(0.0)
LOOSE = Tolerance(1e-4)
KINDS = st.sampled_from(["u1", "i2", "u4", "i8", "f2", "f4", "f8", "?"])
ARRAYS = KINDS.flatmap(lambda kind: nps.arrays(kind, nps.array_shapes(max_dims=3, max_side=6)))


@given(ARRAYS)
def test_everything_equals_itself(array: np.ndarray[Any, Any]) -> None:
    assert compare(array, array.copy(), EXACT) == ""  # NaN and infinity too


PAIRS = st.tuples(KINDS, nps.array_shapes(max_dims=3, max_side=4)).flatmap(
    lambda t: st.tuples(nps.arrays(t[0], t[1]), nps.arrays(t[0], t[1]))
)


@given(PAIRS)
def test_with_no_tolerance_every_difference_is_found(pair: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> None:
    output, reference = pair
    same = np.array_equal(output, reference, equal_nan=output.dtype.kind == "f")
    assert (compare(output, reference, EXACT) == "") == same


def test_the_first_wrong_element_is_named() -> None:
    reference = np.zeros((3, 4), np.int16)
    output = reference.copy()
    output[1, 2], output[2, 0] = 7, 8
    assert compare(output, reference, EXACT) == "2 of 12 elements are wrong, the first at (1, 2): 7 instead of 0"


def test_floats_agree_within_the_tolerance() -> None:
    reference = np.array([1.0, -2.0, 100.0], np.float32)
    assert compare(reference * np.float32(1 + 5e-5), reference, LOOSE) == ""
    assert "3 of 3 elements" in compare(reference * np.float32(1.01), reference, LOOSE)


def test_what_cancels_to_nearly_zero_is_judged_by_the_typical_magnitude() -> None:
    reference = np.array([1000.0, -1000.0, 0.0], np.float32)
    near = np.array([1000.0, -1000.0, 0.01], np.float32)
    assert compare(near, reference, LOOSE) == ""
    assert compare(np.array([1000.0, -1000.0, 1.0], np.float32), reference, LOOSE) != ""


@pytest.mark.parametrize(
    ("output", "reference"),
    [(np.nan, 1.0), (1.0, np.nan), (np.inf, 1.0), (1.0, np.inf), (np.inf, -np.inf), (np.nan, np.inf), (np.inf, np.nan)],
)
def test_nan_and_infinity_are_no_numbers(output: float, reference: float) -> None:
    filler = [1e30] * 3
    arrays = (np.array([value, *filler], np.float32) for value in (output, reference))
    assert "1 of 4 elements" in compare(*arrays, Tolerance(0.5))


def test_outliers_are_allowed_only_up_to_their_share() -> None:
    reference = np.zeros(10_000, np.uint8)
    few, many = reference.copy(), reference.copy()
    few[:1], many[:2] = 9, 9
    assert compare(few, reference, Tolerance(0.0, 1e-4)) == ""
    assert compare(few, reference, EXACT) != "" and compare(many, reference, Tolerance(0.0, 1e-4)) != ""


@pytest.mark.parametrize("shape", [(), (1,), (70_000,), (300, 301), (3, 200, 200)])
@pytest.mark.parametrize("layout", ["C", "F", "gaps"])
def test_one_wrong_element_is_found_wherever_it_lies(shape: tuple[int, ...], layout: str) -> None:
    generator = np.random.default_rng(0)
    pair = []
    for _ in range(2):
        whole = np.zeros([*shape[:-1], shape[-1] + 5] if shape and layout == "gaps" else shape, np.float32)
        pair.append(whole[..., :-5] if shape and layout == "gaps" else np.asarray(whole, order="C" if layout == "C" else "F"))
    output, reference = pair
    reference[...] = generator.random(shape)
    output[...] = reference * (1 + 1e-6)
    assert compare(output, reference, Tolerance(1e-5)) == ""
    place = tuple(int(generator.integers(extent)) for extent in shape)
    output[place] += 1.0
    assert f"1 of {reference.size} elements are wrong, the first at {place}" in compare(output, reference, Tolerance(1e-5))


def test_bfloats_are_compared_as_numbers() -> None:
    one, near, far = (np.full(4, bits, np.uint16) for bits in (0x3F80, 0x3F81, 0x4000))  # 1, 1.0078125, 2
    assert compare(near, one, Tolerance(0.01), is_bfloat=True) == ""
    assert compare(far, one, Tolerance(0.01), is_bfloat=True) != ""
    assert compare(near, one, Tolerance(0.01)) != ""


def test_integer_algorithms_must_be_exact() -> None:
    for name in ("blur", "histogram"):
        assert derive_tolerance(snapshot_of(name).flow) == Tolerance(0.0, 0.0)


def test_float_algorithms_get_what_their_depth_explains() -> None:
    shallow, deep = (derive_tolerance(snapshot_of(name).flow) for name in ("sharpen", "matmul"))
    assert shallow == deep == Tolerance(256 * 2.0**-23, 0.0)  # 48 additions are still shallow
    assert 2.0**-23 < shallow.relative < 1e-3


def test_no_tolerance_lets_an_output_of_zeros_pass() -> None:
    image = hl.ImageParam(hl.Float(16), 2, "image")
    x, r, out = hl.Var("x"), hl.RDom([(0, 1024)], "r"), hl.Func("out")
    out[x] = hl.cast(hl.Float(16), 0.0)
    out[x] += image[x, r]
    out.set_estimates([(0, 16)])
    tolerance = derive_tolerance(take(out, TARGET).flow)
    assert compare(np.zeros(16, np.float16), np.ones(16, np.float16), tolerance) != ""


@pytest.mark.parametrize(
    ("define", "rounds"),
    [
        (lambda value: hl.i32(value * 255.0), True),
        (lambda value: hl.select(value < 0.5, 1, 2), True),
        (lambda value: hl.floor(value), True),
        (lambda value: hl.round(value), True),
        (lambda value: value * value + 1.0, False),
        (lambda value: hl.sqrt(hl.clamp(value, 0.0, 1.0)), False),
    ],
)
def test_what_rounds_or_compares_floats_may_flip_a_few_elements(define: Callable[..., Any], rounds: bool) -> None:
    image = hl.ImageParam(hl.Float(32), 1, "image")
    x, out = hl.Var("x"), hl.Func("out")
    out[x] = define(image[x])
    out.set_estimates([(0, 16)])
    snapshot = take(out, TARGET)
    assert rounds_floats(snapshot.algorithm) == rounds
    assert derive_tolerance(snapshot.flow).outliers == (1e-4 if rounds else 0.0)


def test_a_rounding_that_flips_is_borne_and_a_shift_of_everything_is_not() -> None:
    tolerance = Tolerance(1e-5, 0.0, 0.02)
    reference = np.arange(1000, dtype=np.uint16)
    flipped = reference.copy()
    flipped[::100] += 1
    assert compare(flipped, reference, tolerance) == ""
    assert compare(flipped, reference, Tolerance(1e-5)) != ""
    assert compare(reference + np.uint16(1), reference, tolerance) != ""
    flipped[500] = 0
    assert "1 of 1000" in compare(flipped, reference, tolerance)
