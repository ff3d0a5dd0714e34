"""Several sizes: what the user names, what follows from it, and what is refused."""

from __future__ import annotations

import halide as hl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosearch.errors import InputError, SizeError
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.several import odd
from autosearch.pipeline.sizes import Sizes
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET
from tests.samples import blur, histogram, matmul, pyramid, sharpen, tuples


def _shapes(sizes: Sizes) -> dict[str, tuple[int, ...]]:
    return {name: extents(box) for name, box in {**sizes.outputs, **sizes.inputs}.items()}


def test_inputs_follow_from_outputs_and_the_largest_comes_first() -> None:
    sizes = take(blur, TARGET, sizes=[(10, 8), (40, 20)]).sizes
    assert [_shapes(one) for one in sizes.each] == [
        {"blur_y": (40, 20), "image": (42, 22)}, {"blur_y": (10, 8), "image": (12, 10)}
    ]  # fmt: skip
    assert sizes.odd is not None and _shapes(sizes.odd) == {"blur_y": (9, 7), "image": (11, 9)}
    assert sizes.small is not None and _shapes(sizes.small) == {"blur_y": (3, 3), "image": (5, 5)}
    assert Sizes.from_json(sizes.to_json()) == sizes


def test_an_input_whose_edges_are_repeated_is_as_large_as_what_is_read_without() -> None:
    """Its estimate is of another size, and doesn't count."""
    sizes = take(pyramid, TARGET, sizes=[(32, 16), (64, 48)]).sizes
    assert all(abs(a - b) <= 2 for one in sizes.each for a, b in zip(*_shapes(one).values(), strict=True))


def test_one_size_is_no_more_than_an_estimate() -> None:
    sizes = take(blur, TARGET, sizes=[(96, 64)]).sizes
    assert sizes == take(blur, TARGET).sizes and sizes.free == {}


def test_channels_that_never_change_may_be_taken_for_constant() -> None:
    sizes = take(sharpen, TARGET, sizes=[(32, 16, 3), (64, 16, 3)]).sizes
    assert sizes.free == {"out": {0, 1}}
    assert sizes.small is not None and _shapes(sizes.small)["out"] == (3, 3, 3)
    assert take(sharpen, TARGET, sizes=[(32, 16, 3), (64, 16, 1)]).sizes.free == {"out": {0, 1, 2}}


def test_inputs_that_do_not_follow_keep_their_estimates_or_are_named() -> None:
    def product() -> hl.Func:
        a, b = hl.ImageParam(hl.Float(32), 2, "a"), hl.ImageParam(hl.Float(32), 2, "b")
        x, y, out = hl.Var("x"), hl.Var("y"), hl.Func("out")
        k = hl.RDom([(0, a.width())], "k")
        out[x, y] = 0.0
        out[x, y] += a[k.x, y] * b[x, k.x]
        a.set_estimates([(0, 48), (0, 40)])
        b.set_estimates([(0, 64), (0, 48)])
        out.set_estimates([(0, 64), (0, 40)])
        return out

    kept = take(product, TARGET, sizes=[(8, 6), (16, 12)]).sizes
    assert [_shapes(one)["a"] for one in kept.each] == [(48, 12), (48, 6)]
    assert [_shapes(one)["b"] for one in kept.each] == [(16, 48), (8, 48)]
    named = take(product, TARGET, sizes=[{"out": (8, 6), "a": (5, 6)}, {"out": (16, 12), "a": (9, 12)}]).sizes
    assert [_shapes(one)["b"] for one in named.each] == [(16, 9), (8, 5)]


def test_several_outputs_share_extents_or_are_named() -> None:
    shared = take(tuples, TARGET, sizes=[(96, 64), (120, 80)]).sizes
    assert [one.outputs["left"] == one.outputs["right"] for one in shared.each] == [True, True]
    named = take(tuples, TARGET, sizes=[{"left": (100, 70)}, {"left": (120, 80)}]).sizes
    assert [_shapes(one)["right"] for one in named.each] == [(96, 64)] * 2  # its estimate
    assert named.scalars == {"gain": 1.5}


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([], "must be a list of sizes"),
        ({"blur_y": (8, 8)}, "must be a list of sizes"),
        ([8, 8], "each of sizes must be extents"),
        ([(8,)], "'blur_y' has 2 dimensions, but sizes gives it 1 extents"),
        ([(8, 0)], "must be positive whole numbers"),
        ([(8, 8.0)], "must be positive whole numbers"),
        ([{"sharp": (8, 8)}], "sizes names 'sharp', but the outputs and inputs are blur_y, image"),
        ([(8, 8), (8, 8)], "names the same size twice"),
    ],
)
def test_what_makes_no_sense_is_refused(sizes: list[object], message: str) -> None:
    with pytest.raises(SizeError, match=message):
        take(blur, TARGET, sizes=sizes)  # type: ignore[arg-type]


def test_arrays_and_sizes_exclude_each_other() -> None:
    import numpy as np

    with pytest.raises(InputError, match="can't both say the sizes"):
        take(blur, TARGET, {"image": np.zeros((10, 10), np.uint16)}, sizes=[(8, 8)])


def test_every_sample_has_several_sizes() -> None:
    for make in (blur, histogram, matmul, pyramid):
        sizes = take(make, TARGET, sizes=[(24, 20), (48, 40)]).sizes
        assert len(sizes.each) == 2 and sizes.odd is not None


@given(st.integers(1, 10_000))
def test_odd_extents_are_smaller_and_odd(extent: int) -> None:
    changed = odd(extent)
    assert changed == extent if extent <= 3 else changed < extent and changed % 2 == 1
