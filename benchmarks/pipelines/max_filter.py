"""The maximum over a disc of radius 26 around each pixel (a morphological dilation).

Column maxima of any height come from two overlapping windows of a power of two, each of which takes one maximum per
doubling: the idea of M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and octagonal
kernels", 1992, in its logarithmic form. The disc is the maximum of the columns it is made of. float32 RGB, 1536x2560,
edges repeated.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT, RADIUS = 1536, 2560, 26
TILE_X, TILE_Y, GROUP = 128, 128, 4


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    padded: hl.Func
    runs: list[hl.Func]
    dilated: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    padded = hl.BoundaryConditions.repeat_edge(image)

    # runs[i] at (x, y) is the maximum of 2^i pixels downwards from y.
    runs = [padded]
    for i in range(1, (2 * RADIUS + 1).bit_length()):
        run = hl.Func(f"run_{1 << i}")
        run[x, y, c] = hl.max(runs[-1][x, y, c], runs[-1][x, y + (1 << (i - 1)), c])
        runs.append(run)

    def column(dx: int) -> hl.Expr:
        """The maximum of the disc's column at dx, from the two runs that cover it."""
        half = int(math.sqrt((RADIUS + 0.25) ** 2 - dx * dx))
        i = (2 * half + 1).bit_length() - 1
        return hl.max(runs[i][x + dx, y - half, c], runs[i][x + dx, y + half + 1 - (1 << i), c])

    dilated = hl.Func("dilated")
    dilated[x, y, c] = reduce(hl.max, [column(dx) for dx in range(-RADIUS, RADIUS + 1)])

    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    dilated.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, padded, runs[1:], dilated)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().dilated


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    tx, ty = hl.Var("tx"), hl.Var("ty")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # Tiles in cache: next to the 106 values of the disc the runs are cheap, so what the tiles repeat costs little.
    a.dilated.tile(a.x, a.y, tx, ty, a.x, a.y, TILE_X, TILE_Y).reorder(a.x, a.y, tx, ty, a.c)
    a.dilated.vectorize(a.x, vec * GROUP).parallel(ty).parallel(a.c)
    for f in (a.padded, *a.runs[1:]):
        f.compute_at(a.dilated, tx).vectorize(f.args()[0], vec)
    return a.dilated
