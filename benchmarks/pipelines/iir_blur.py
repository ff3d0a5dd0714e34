"""A recursive blur: a first-order filter forwards and backwards along the columns, then along the rows.

The recursive smoothing of R. Deriche, "Fast algorithms for low-level vision", PAMI 1990, in its first-order form. Both
passes filter columns and write the result transposed, so the second one is the first one again. float32 RGB, 1536x2560;
the sizes and strides are fixed.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT, ALPHA = 1536, 2560, 0.1
TILE_VECS = 4


class _Pass(NamedTuple):
    rows: hl.RDom
    blur: hl.Func
    transposed: hl.Func


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    passes: list[_Pass]


def _blur_columns(source, height: int, name: str, x: hl.Var, y: hl.Var, c: hl.Var) -> _Pass:
    """Down each column and back up; the result is transposed."""
    rows = hl.RDom([(1, height - 1)], f"{name}_rows")
    blur, transposed = hl.Func(f"{name}_blur"), hl.Func(f"{name}_transposed")
    keep, take = hl.f32(1 - ALPHA), hl.f32(ALPHA)
    blur[x, y, c] = hl.undef(hl.Float(32))
    blur[x, 0, c] = source[x, 0, c]
    blur[x, rows.x, c] = keep * blur[x, rows.x - 1, c] + take * source[x, rows.x, c]
    up = height - 1 - rows.x
    blur[x, up, c] = keep * blur[x, up + 1, c] + take * blur[x, up, c]
    transposed[x, y, c] = blur[y, x, c]
    return _Pass(rows, blur, transposed)


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    columns = _blur_columns(image, HEIGHT, "columns", x, y, c)
    rows = _blur_columns(columns.transposed, WIDTH, "rows", x, y, c)

    for owner, buffer in ((image, image), (rows.transposed, rows.transposed.output_buffer())):
        buffer.dim(0).set_bounds(0, WIDTH).set_stride(1)
        buffer.dim(1).set_bounds(0, HEIGHT).set_stride(WIDTH)
        buffer.dim(2).set_bounds(0, 3).set_stride(WIDTH * HEIGHT)
        owner.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, [columns, rows])


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().passes[-1].transposed


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, c = a.x, a.y, a.c
    xo, yo, xi, yi, yii = hl.vars("xo yo xi yi yii")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    first, second = a.passes
    for p in a.passes:
        # A few vectors of neighbouring columns are filtered together over their whole height, in parallel with others;
        # then they are transposed, a square of vectors at a time.
        out = p.transposed
        out.compute_root().split(y, yo, yi, vec * TILE_VECS).parallel(yo).tile(x, yi, xo, yi, xi, yii, vec, vec)
        out.reorder(xi, yii, yi, xo, yo, c).vectorize(xi).unroll(yii)
        p.blur.compute_at(out, yo).update(0).vectorize(x, vec)
        for i in (1, 2):
            p.blur.update(i).reorder(x, p.rows.x, c).vectorize(x, vec).unroll(x).unroll(p.rows.x, 4)
    # One channel after the other, so that what the passes exchange stays in cache.
    first.transposed.compute_at(second.transposed, c)
    return second.transposed
