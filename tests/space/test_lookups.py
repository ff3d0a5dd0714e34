"""How many look-ups an evaluation does for each of its other operations."""

from __future__ import annotations

from collections.abc import Mapping

import halide as hl
import pytest

from autosearch.pipeline.snapshot import take
from autosearch.space.lookups import lookups_of
from tests.conftest import TARGET


def _shares(output: hl.Func) -> Mapping[str, float]:
    output.set_estimates([(0, 256), (0, 128), (0, 4)][: output.dimensions()])
    snapshot = take(output, TARGET)
    return lookups_of(snapshot.flow, snapshot.regions)


def _table() -> tuple[hl.ImageParam, hl.Var, hl.Var, hl.Func]:
    image, level, table = hl.ImageParam(hl.UInt(8), 2, "image"), hl.Var("level"), hl.Func("table")
    table[level] = level * level
    return image, hl.Var("x"), hl.Var("y"), table


def test_what_is_read_where_data_says_is_looked_up() -> None:
    image, x, y, table = _table()
    out = hl.Func("out")
    out[x, y] = table[hl.i32(image[x, y])] + table[x]
    assert _shares(out)["out"] == pytest.approx(1 / 4)  # of two loads of the table, one of the image and an addition


def test_a_clamped_coordinate_is_no_data() -> None:
    image, x, y, table = _table()
    out = hl.Func("out")
    out[x, y] = table[hl.clamp(x - 1, 0, 99)] + image[x, y]
    assert _shares(out)["out"] == 0


def test_what_only_one_reads_element_by_element_counts_with_it() -> None:
    image, x, y, table = _table()
    one, out = hl.Func("one"), hl.Func("out")
    one[x, y] = table[hl.i32(image[x, y])]
    out[x, y] = one[x, y] + one[x, y + 1] + 1
    shares = _shares(out)
    assert shares["one"] == pytest.approx(1 / 2) and shares["out"] == pytest.approx(2 / 10)  # with 3 of each `one`


@pytest.mark.parametrize("shared", ["neighbours", "twice"])
def test_what_is_stored_as_a_rule_does_not(shared: str) -> None:
    image, x, y, table = _table()
    one, other, out = hl.Func("one"), hl.Func("other"), hl.Func("out")
    one[x, y] = table[hl.i32(image[x, y])]
    other[x, y] = one[x, y] + 1
    out[x, y] = one[x + 1, y] + one[x, y] if shared == "neighbours" else one[x, y] + other[x, y]
    assert _shares(out)["out"] == 0


def test_what_all_channels_look_up_is_looked_up_once() -> None:
    image, x, y, table = _table()
    out, c = hl.Func("out"), hl.Var("c")
    out[x, y, c] = table[hl.i32(image[x, y])] + c
    assert _shares(out)["out"] == pytest.approx(1 / 4 / 3)
