"""Pixels of unknown colour are filled in from coarser and coarser copies of the image.

The pull-push method of S. J. Gortler et al., "The Lumigraph", SIGGRAPH 1996: colours weighted by alpha are averaged
down a pyramid of 10 levels; on the way up each level shows the coarser one through its transparent pixels. float32 RGBA
in, RGB out, 1536x2560, edges repeated.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT, LEVELS = 1536, 2560, 10
STRIP, DOWN_STRIP, COARSE = 128, 8, 3


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    down_x: list[hl.Func]
    down: list[hl.Func]
    filled: list[hl.Func]
    normalised: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    image.dim(2).set_bounds(0, 4)
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    padded = hl.BoundaryConditions.repeat_edge(image)

    weighted = hl.Func("down_0")
    weighted[x, y, c] = hl.select(c < 3, padded[x, y, c] * padded[x, y, 3], padded[x, y, 3])
    down, down_x = [weighted], []
    for j in range(1, LEVELS):
        fine = down[-1]
        if j == 4:
            # Without a boundary here, the coarsest levels would reach far beyond the image.
            fine = hl.BoundaryConditions.repeat_edge(
                fine, [(0, image.width() / (1 << (j - 1)) + 1), (0, image.height() / (1 << (j - 1)) + 1)]
            )
        half, quarter = hl.Func(f"down_x_{j}"), hl.Func(f"down_{j}")
        half[x, y, c] = (fine[2 * x - 1, y, c] + 2 * fine[2 * x, y, c] + fine[2 * x + 1, y, c]) / 4
        quarter[x, y, c] = (half[x, 2 * y - 1, c] + 2 * half[x, 2 * y, c] + half[x, 2 * y + 1, c]) / 4
        down_x.append(half)
        down.append(quarter)

    filled = [hl.Func(f"filled_{j}") for j in range(LEVELS)]
    filled[-1][x, y, c] = down[-1][x, y, c]
    for j in reversed(range(LEVELS - 1)):
        up_x, up = hl.Func(f"up_x_{j}"), hl.Func(f"up_{j}")
        up_x[x, y, c] = (filled[j + 1][x / 2, y, c] + filled[j + 1][(x + 1) / 2, y, c]) / 2
        up[x, y, c] = (up_x[x, y / 2, c] + up_x[x, (y + 1) / 2, c]) / 2
        filled[j][x, y, c] = down[j][x, y, c] + (1 - down[j][x, y, 3]) * up[x, y, c]

    normalised = hl.Func("normalised")
    normalised[x, y, c] = filled[0][x, y, c] / filled[0][x, y, 3]

    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 4)])
    normalised.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, down_x, down, filled, normalised)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().normalised


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, c = a.x, a.y, a.c
    xo, xi, yo, yi = hl.Var("xo"), hl.Var("xi"), hl.Var("yo"), hl.Var("yi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # Down: each level is made of strips in parallel, from rows of weighted colours that slide down the first strip.
    for f in a.down[1:-1]:
        f.compute_root().reorder(x, c, y).split(y, yo, yi, DOWN_STRIP).parallel(yo).vectorize(x, vec)
    weighted = a.down[0].in_(a.down_x[0])
    weighted.store_at(a.down[1], yo).compute_at(a.down[1], yi).reorder(c, x, y).unroll(c).vectorize(x, vec)
    # Up: the coarse levels are small enough to be stored whole; the finest slide down the strips of the output.
    out = a.normalised
    out.bound(c, 0, 3).split(x, xo, xi, vec).split(y, yo, yi, STRIP).reorder(xi, c, xo, yi, yo)
    out.unroll(c).vectorize(xi).parallel(yo)
    for f in a.filled[1:COARSE]:
        f.store_at(out, yo).compute_at(out, yi).vectorize(x, vec)
    for f in a.filled[COARSE:]:
        f.compute_root().parallel(y, 16).vectorize(x, vec)
    return out
