"""A matrix product, C = A B, of two 1024x1024 matrices of float32.

The level-3 BLAS operation (J. Dongarra et al., "A set of level 3 basic linear algebra subprograms", 1990); the schedule
follows K. Goto and R. van de Geijn, "Anatomy of high-performance matrix multiplication", 2008.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

SIZE = 1024
TILE_VECS, TILE_ROWS = 3, 4


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    k: hl.RDom
    b: hl.ImageParam
    prod: hl.Func
    out: hl.Func


def _algorithm() -> _Algorithm:
    a = hl.ImageParam(hl.Float(32), 2, "a")
    b = hl.ImageParam(hl.Float(32), 2, "b")
    x, y = hl.Var("x"), hl.Var("y")
    k = hl.RDom([(0, a.width())], "k")
    prod, out = hl.Func("prod"), hl.Func("out")
    prod[x, y] = 0.0
    prod[x, y] += a[k.x, y] * b[x, k.x]
    out[x, y] = prod[x, y]

    for matrix in (a, b, out):
        matrix.set_estimates([(0, SIZE), (0, SIZE)])
    return _Algorithm(x, y, k, b, prod, out)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().out


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, k = a.x, a.y, a.k
    xo, xi, yo, yi = hl.Var("xo"), hl.Var("xi"), hl.Var("yo"), hl.Var("yi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # A register tile of 4 rows by 3 vectors: 12 accumulators, 3 vectors of b and one value of a fill the 16 registers.
    width = TILE_VECS * vec
    a.out.tile(x, y, xo, yo, xi, yi, width, TILE_ROWS).reorder(xi, yi, yo, xo).vectorize(xi, vec).unroll(xi).unroll(yi)
    a.out.parallel(xo)
    a.prod.compute_at(a.out, yo).vectorize(x, vec).unroll(x).unroll(y)
    a.prod.update().reorder(x, y, k.x).vectorize(x, vec).unroll(x).unroll(y)
    # The panel of b that a column of tiles reads is packed once, so that it is contiguous and stays in cache.
    packed = a.b.in_()
    px, _ = packed.args()
    packed.compute_at(a.out, xo).vectorize(px, vec).unroll(px)
    return a.out
