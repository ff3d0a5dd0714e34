"""The summed-area table of an image: at each pixel, the sum of all pixels above and to the left.

F. C. Crow, "Summed-area tables for texture mapping", SIGGRAPH 1984. uint8 in, uint32 out, 1536x2560.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 1536, 2560
STRIP, BLOCK = 64, 128


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    row: hl.RDom
    row_sums: hl.Func
    table: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    column = hl.RDom([(1, image.width() - 1)], "column")
    row = hl.RDom([(1, image.height() - 1)], "row")

    row_sums, table = hl.Func("row_sums"), hl.Func("table")
    row_sums[x, y] = hl.u32(image[x, y])
    row_sums[column.x, y] += row_sums[column.x - 1, y]
    table[x, y] = row_sums[x, y]
    table[x, row.x] += table[x, row.x - 1]

    for f in (image, table):
        f.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return _Algorithm(x, y, row, row_sums, table)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().table


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y = a.x, a.y
    yo, yi, xo, xi = hl.vars("yo yi xo xi")
    vec = hl.get_host_target().natural_vector_size(hl.UInt(32))
    # The sums along a row depend on each other, so they are scalar, a row at a time in cache; strips go in parallel.
    a.table.split(y, yo, yi, STRIP).parallel(yo).vectorize(x, vec)
    a.row_sums.compute_at(a.table, yi).vectorize(x, vec).update().unscheduled()
    # The sums down the columns are independent: blocks of columns go in parallel.
    a.table.update().split(x, xo, xi, BLOCK).reorder(xi, a.row.x, xo).parallel(xo).vectorize(xi, vec).unroll(xi)
    return a.table
