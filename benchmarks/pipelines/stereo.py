"""Disparities of a rectified stereo pair by block matching.

The local method of D. Scharstein and R. Szeliski, "A taxonomy and evaluation of dense two-frame stereo correspondence
algorithms", IJCV 2002: truncated absolute differences for 32 disparities, summed over 9x9 windows, and the winner takes
all. uint8 gray images of 1024x768, edges repeated; the output is the disparity as uint8.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 1024, 768
DISPARITIES, RADIUS, TRUNCATE = 32, 4, 60
TILE_X, TILE_Y = 128, 64


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    candidate: hl.RDom
    cost: hl.Func
    box_x: hl.Func
    left_padded: hl.Func
    right_padded: hl.Func
    best: hl.Func
    disparity: hl.Func


def _algorithm() -> _Algorithm:
    left, right = hl.ImageParam(hl.UInt(8), 2, "left"), hl.ImageParam(hl.UInt(8), 2, "right")
    x, y, d = hl.Var("x"), hl.Var("y"), hl.Var("d")
    left_padded = hl.BoundaryConditions.repeat_edge(left)
    right_padded = hl.BoundaryConditions.repeat_edge(right)

    cost, box_x, box_y = hl.Func("cost"), hl.Func("box_x"), hl.Func("box_y")
    cost[x, y, d] = hl.min(hl.absd(left_padded[x, y], right_padded[x - d, y]), hl.u8(TRUNCATE))
    window = range(-RADIUS, RADIUS + 1)
    box_x[x, y, d] = sum((hl.u16(cost[x + i, y, d]) for i in window), hl.u16(0))
    box_y[x, y, d] = sum((box_x[x, y + i, d] for i in window), hl.u16(0))

    # The smallest sum so far and its disparity; of equal sums the smaller disparity stays.
    candidate = hl.RDom([(0, DISPARITIES)], "candidate")
    best, disparity = hl.Func("best"), hl.Func("disparity")
    best[x, y] = (hl.u16(65535), hl.u16(0))
    total = box_y[x, y, candidate.x]
    better = total < best[x, y][0]
    best[x, y] = (hl.min(total, best[x, y][0]), hl.select(better, hl.u16(candidate.x), best[x, y][1]))
    disparity[x, y] = hl.u8(best[x, y][1])

    for f in (left, right, disparity):
        f.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return _Algorithm(x, y, candidate, cost, box_x, left_padded, right_padded, best, disparity)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().disparity


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y = a.x, a.y
    tx, ty = hl.Var("tx"), hl.Var("ty")
    vec = hl.get_host_target().natural_vector_size(hl.UInt(16))
    # Tiles in parallel. For each disparity in turn the windows of the whole tile are summed, while they are in cache,
    # so the cost volume is never stored.
    a.disparity.tile(x, y, tx, ty, x, y, TILE_X, TILE_Y).vectorize(x, vec).parallel(ty)
    a.best.compute_at(a.disparity, tx).vectorize(x, vec)
    a.best.update().reorder(x, y, a.candidate.x).vectorize(x, vec)
    a.box_x.compute_at(a.best, a.candidate.x).vectorize(x, vec)
    a.cost.compute_at(a.box_x, y).vectorize(x, 2 * vec)
    # The padded pixels of a tile are copied once, which keeps the clamped coordinates out of the inner loops.
    for padded in (a.left_padded, a.right_padded):
        padded.compute_at(a.disparity, tx).vectorize(padded.args()[0], 2 * vec)
    return a.disparity
