"""Interval analysis on arrays says what the one on numbers says."""

from __future__ import annotations

import halide as hl
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.pipeline.array_intervals import compile_edge
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET


def _indices() -> hl.Func:
    """An index of every form: affine, clamped, divided, a remainder, a lookup, chosen, of another type."""
    image = hl.ImageParam(hl.Int(32), 2, "image")
    table = hl.ImageParam(hl.UInt(8), 1, "table")
    x, y = hl.Var("x"), hl.Var("y")
    out = hl.Func("out")
    out[x, y] = (
        image[3 * x - 2 * y + 5, hl.clamp(x + y, 0, 40)]
        + image[(x + 1) / 2, y % 4]
        + image[hl.i32(table[hl.clamp(x, 0, 99)]), hl.max(2 * (x / 3), -y)]
        + image[hl.select(x > y, x, y - 1), hl.i32(hl.i64(x) * 2)]
        + image[hl.i32(hl.f32(x) * 0.5), 7]
    )
    image.set_estimates([(0, 400), (-400, 800)])
    table.set_estimates([(0, 100)])
    out.set_estimates([(0, 96), (0, 64)])
    return out


SNAPSHOT = take(_indices, TARGET)
(STAGE,) = (one for one in SNAPSHOT.algorithm.stages if one.func == "out")
RANGES = st.lists(st.tuples(*(st.integers(-50, 200), st.integers(0, 60)) * 2), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(RANGES)
def test_regions_read(ranges: list[tuple[int, int, int, int]]) -> None:
    table = np.array(ranges, dtype=float)
    env = {"x": (table[:, 0], table[:, 0] + table[:, 1]), "y": (table[:, 2], table[:, 2] + table[:, 3])}
    for edge in SNAPSHOT.flow.edges[STAGE.key]:
        box = compile_edge(edge, SNAPSHOT.flow.bindings)(env)
        for row, (x, width, y, height) in enumerate(ranges):
            expected = edge.box({"x": (x, x + width), "y": (y, y + height)})
            found = [tuple(float(np.broadcast_to(end, len(ranges))[row]) for end in ends) for ends in box]
            assert found == [tuple(map(float, ends)) for ends in expected]
