"""What the rules take for likely when they shape a stage's loops: what an expert would try first."""

from __future__ import annotations

import functools

import halide as hl
import pytest

from autosearch.machine import Machine
from autosearch.space.style import Style
from tests.space.asking import likeliest, weights_of

LANES = Machine().vector_bytes // 4


@pytest.mark.parametrize("shared", [False, True])
def test_channels_that_are_made_of_the_same_are_likely_made_together(shared: bool) -> None:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    inner, between, out = hl.Func("inner"), hl.Func("between"), hl.Func("out")
    inner[x, y, c] = hl.sin(image[x, y, c])
    between[x, y, c] = inner[x, y, c] + (inner[x, y, 0] if shared else 1.0)
    out[x, y, c] = between[x, y, c] * 2
    out.set_estimates([(0, 256), (0, 256), (0, 3)])
    counts = weights_of(out, Style.TILES)["out.0/unroll/c"]
    assert likeliest(counts) == (0 if shared else 1)  # all that is left, or none


def _recursive(image: hl.ImageParam, along: str) -> hl.Func:
    """A filter of the first order along the rows or down the columns of each channel."""
    x, y, c, r = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.RDom([(1, 255)], "r")
    smooth = hl.Func("smooth")
    smooth[x, y, c] = image[x, y, c]
    if along == "rows":
        smooth[r.x, y, c] = smooth[r.x - 1, y, c] * 0.5 + smooth[r.x, y, c]
    else:
        smooth[x, r.x, c] = smooth[x, r.x - 1, c] * 0.5 + smooth[x, r.x, c]
    smooth.set_estimates([(0, 256), (0, 256), (0, 32)])
    return smooth


def test_a_scan_down_the_columns_goes_row_by_row() -> None:
    """Vectors lie in a row; a column at a time, each step would wait for the one before, in another line of the cache."""
    image = hl.ImageParam(hl.Float(32), 3, "image")
    down = weights_of(_recursive(image, "columns"), Style.FREE, {"smooth.1/tiles": 0})
    assert likeliest(down["smooth.1/vector"]) == "x" and likeliest(down["smooth.1/order/outer/0"]) == "x"
    along = weights_of(_recursive(image, "rows"), Style.FREE, {"smooth.1/tiles": 0})
    assert likeliest(along["smooth.1/order/outer/0"]) == "rx" and likeliest(along["smooth.1/vector"]) == "none"


def test_a_sum_of_everything_is_likely_in_vectors() -> None:
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, r = hl.Var("x"), hl.RDom([(0, 256), (0, 256)], "r")
    total, out = hl.Func("total"), hl.Func("out")
    total[()] = hl.f32(0)
    total[()] += image[r.x, r.y]
    out[x] = image[x, 0] / total[()]
    out.set_estimates([(0, 256)])
    assert likeliest(weights_of(out, Style.FREE)["total.1/vector"]) == "rx"


def test_where_data_says_what_is_written_no_vectors_are_stored() -> None:
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    x, level, r = hl.Var("x"), hl.Var("level"), hl.RDom([(0, 256)], "r")
    counts = hl.Func("counts")
    counts[x, level] = hl.u32(0)
    counts[x, hl.i32(image[x, r.x])] += hl.u32(1)
    counts.set_estimates([(0, 256), (0, 256)])
    assert likeliest(weights_of(counts, Style.FREE)["counts.1/vector"]) == "none"


@pytest.mark.parametrize("looks_up", [False, True])
def test_what_does_little_but_look_up_is_as_likely_in_few_lanes_or_none(looks_up: bool) -> None:
    """Wide vectors would be taken apart for the loads and put together again."""
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    x, y, level = hl.Var("x"), hl.Var("y"), hl.Var("level")
    table, out = hl.Func("table"), hl.Func("out")
    table[level] = hl.sqrt(hl.f32(level))
    out[x, y] = table[hl.i32(image[x, y]) if looks_up else x]
    out.set_estimates([(0, 1024), (0, 1024)])
    weights = weights_of(out, Style.FREE)
    assert (weights["out.0/vector"]["none"] > 0.1) is looks_up
    widths = weights["out.0/width"]
    assert (widths[LANES // 2] == max(widths.values())) is looks_up
    scalar = weights_of(out, Style.FREE, {"out.0/vector": "none"})
    assert (likeliest(scalar["out.0/unroll/x"]) == 8) is looks_up


@pytest.mark.parametrize("step", [1, 2])
def test_what_reads_elements_apart_is_likely_in_half_a_vector(step: int) -> None:
    signal, x, out = hl.ImageParam(hl.Float(32), 1, "signal"), hl.Var("x"), hl.Func("out")
    out[x] = signal[step * x] + signal[step * x + 1]
    out.set_estimates([(0, 4096)])
    widths = weights_of(out, Style.FREE)["out.0/width"]
    assert likeliest(widths) == LANES and (widths[LANES // 2] > 0.5) is (step == 2)


@pytest.mark.parametrize(("channels", "along"), [(LANES // 2, "c"), (LANES // 4, "t")])
def test_half_a_vector_of_neighbours_is_better_than_a_whole_one_of_what_lies_apart(channels: int, along: str) -> None:
    signal = hl.ImageParam(hl.Float(32), 2, "signal")
    c, t = hl.Var("c"), hl.Var("t")
    out = hl.Func("out")
    out[c, t] = signal[c, t] + signal[c, t + 1]
    out.set_estimates([(0, channels), (0, 4096)])
    weights = weights_of(out, Style.FREE, {"out/bound/c": "exact"})
    assert likeliest(weights["out.0/vector"]) == along
    if along == "c":
        assert likeliest(weights["out.0/width"]) == channels


@pytest.mark.parametrize(("values", "alike"), [(60, True), (5, False)])
def test_long_evaluations_go_side_by_side(values: int, alike: bool) -> None:
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    out = hl.Func("out")
    out[x, y] = functools.reduce(hl.max, [image[x + i, y] for i in range(values)])
    out.set_estimates([(0, 1024), (0, 1024)])
    widths = weights_of(out, Style.FREE)["out.0/width"]
    assert (widths[4 * LANES] >= widths[LANES]) == alike and widths[8 * LANES] < 0.1 * widths[LANES]


def test_what_is_transposed_is_a_square_of_lanes_at_a_time() -> None:
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    turned, straight, out = hl.Func("turned"), hl.Func("straight"), hl.Func("out")
    turned[x, y] = image[y, x]
    straight[x, y] = image[x, y]
    out[x, y] = hl.exp(turned[x, y] + straight[x, y])
    out.set_estimates([(0, 512), (0, 512)])
    weights = weights_of(out, Style.FREE, {"turned/place": "root", "straight/place": "root"})
    assert likeliest(weights["turned.0/unroll/y"]) == LANES and likeliest(weights["straight.0/unroll/y"]) == 1
    places = weights["turned/place"]["inline"], weights["straight/place"]["inline"]
    assert places[0] < 0.5 * places[1]  # inline, each lane would be loaded by itself


def test_all_that_data_may_ask_for_is_made_at_each_place() -> None:
    """Of a grid that is read at levels which data says: outside of the loop over levels all of them would be made anew."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y, z, r = hl.Var("x"), hl.Var("y"), hl.Var("z"), hl.RDom([(0, 8), (0, 8)], "r")
    grid, smooth, out = hl.Func("grid"), hl.Func("smooth"), hl.Func("out")
    grid[x, y, z] = 0.0
    grid[x, y, hl.i32(hl.clamp(image[x * 8 + r.x, y * 8 + r.y], 0.0, 15.0))] += 1.0
    smooth[x, y, z] = grid[x, y, z - 1] + grid[x, y, z] + grid[x, y, z + 1]
    out[x, y] = smooth[x / 8, y / 8, hl.i32(hl.clamp(image[x, y], 0.0, 15.0))]
    out.set_estimates([(0, 1024), (0, 1024)])
    weights = weights_of(out, Style.FREE, {"smooth/place": "root", "smooth.0/tiles": 0})
    assert likeliest(weights["smooth.0/order/outer/1"]) == "z"


def test_few_channels_are_all_in_a_tile_or_each_by_itself() -> None:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    out = hl.Func("out")
    out[x, y, c] = hl.exp(image[x, y, c])
    out.set_estimates([(0, 256), (0, 256), (0, 3)])
    counts = weights_of(out, Style.TILES, {"out.0/tiles": 1, "out.0/unroll/c": 1})["out.0/tile0/c"]
    assert min(counts[0], counts[1]) > 100 * counts[2]  # both suit the style where channels share nothing


@pytest.mark.parametrize(("width", "parallel"), [(512, True), (8, False)])
def test_what_is_much_for_one_core_is_for_all_where_nothing_around_is_parallel(width: int, parallel: bool) -> None:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    plane, out = hl.Func("plane"), hl.Func("out")
    plane[x, y, c] = hl.exp(image[x, y, c])
    out[x, y, c] = plane[x, y, c] + plane[width - 1 - x, y, c]
    out.set_estimates([(0, width), (0, width), (0, 3)])
    told = {"out.0/planes": 1, "out.0/unroll/c": 1, "out.0/tiles": 0, "plane/place": "out.0/c@outer"}
    weights = weights_of(out, Style.FREE, told)
    assert (likeliest(weights["plane.0/parallel"]) != 0) == parallel
