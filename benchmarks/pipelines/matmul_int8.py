"""A product of two 1024x1024 matrices of int8 with sums of int32, as quantised networks use it.

B. Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference", 2018.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

SIZE = 1024
TILE_VECS, TILE_ROWS = 2, 6


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    k: hl.RDom
    a_wide: hl.Func
    b_pairs: hl.Func
    prod: hl.Func
    out: hl.Func


def _algorithm() -> _Algorithm:
    a, b = hl.ImageParam(hl.Int(8), 2, "a"), hl.ImageParam(hl.Int(8), 2, "b")
    x, y, i, j = hl.vars("x y i j")
    # Both in 16 bits; b with each two rows interleaved, so that the factors of two neighbouring products lie together.
    a_wide, b_pairs = hl.Func("a_wide"), hl.Func("b_pairs")
    a_wide[x, y] = hl.i16(a[x, y])
    b_pairs[i, x, j] = hl.i16(b[x, 2 * j + i])

    k = hl.RDom([(0, a.width())], "k")
    prod, out = hl.Func("prod"), hl.Func("out")
    prod[x, y] = 0
    prod[x, y] += hl.i32(a_wide[k.x, y]) * hl.i32(b_pairs[k.x % 2, x, k.x / 2])
    out[x, y] = prod[x, y]

    for matrix in (a, b, out):
        matrix.set_estimates([(0, SIZE), (0, SIZE)])
    return _Algorithm(x, y, k, a_wide, b_pairs, prod, out)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().out


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, k = a.x, a.y, a.k
    xo, xi, yo, yi = hl.vars("xo yo xi yi")
    ko, ki = hl.RVar("ko"), hl.RVar("ki")
    vec = hl.get_host_target().natural_vector_size(hl.Int(32))
    # A register tile of 6 rows by 2 vectors: 12 accumulators, two vectors of b and one broadcast pair of a.
    a.out.tile(x, y, xo, yo, xi, yi, TILE_VECS * vec, TILE_ROWS).reorder(xi, yi, yo, xo)
    a.out.vectorize(xi, vec).unroll(xi).unroll(yi).parallel(xo)
    a.prod.compute_at(a.out, yo).vectorize(x, vec).unroll(x).unroll(y)
    # Pairs of products are summed by one instruction (pmaddwd on x86).
    update = a.prod.update().split(k.x, ko, ki, 2).reorder(ki, x, y, ko)
    update.vectorize(x, vec).unroll(x).unroll(y).atomic().vectorize(ki)
    # The panel of b that a column of tiles reads is packed once and stays in cache.
    i, _, j = a.b_pairs.args()
    a.b_pairs.compute_at(a.out, xo).bound(i, 0, 2).reorder(i, x, j).unroll(i).vectorize(x, vec).unroll(x)
    a.a_wide.compute_root().vectorize(x, 2 * vec).parallel(y, 64)
    return a.out
