"""Denoising by non-local means.

A. Buades, B. Coll, J.-M. Morel, "A non-local algorithm for image denoising", CVPR 2005: each pixel becomes the mean of
those in its 7x7 search window, weighted by how alike the 7x7 patches around them are. float32 RGB, 640x480, edges
repeated.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 640, 480
PATCH, SEARCH, SIGMA = 7, 7, 0.4
TILE_X, TILE_Y = 64, 32


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    window: hl.RDom
    padded: hl.Func
    distance: hl.Func
    patch_y: hl.Func
    total: hl.Func
    denoised: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c, dx, dy = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.Var("dx"), hl.Var("dy")
    padded = hl.BoundaryConditions.repeat_edge(image)

    # The squared distance of two patches, dx and dy apart.
    difference, distance = hl.Func("difference"), hl.Func("distance")
    difference[x, y, dx, dy, c] = padded[x, y, c] - padded[x + dx, y + dy, c]
    distance[x, y, dx, dy] = sum(difference[x, y, dx, dy, i] * difference[x, y, dx, dy, i] for i in range(3))
    patch_y, patch, weight = hl.Func("patch_y"), hl.Func("patch"), hl.Func("weight")
    taps = range(-(PATCH // 2), PATCH // 2 + 1)
    patch_y[x, y, dx, dy] = sum(distance[x, y + i, dx, dy] for i in taps)
    patch[x, y, dx, dy] = sum(patch_y[x + i, y, dx, dy] for i in taps)
    weight[x, y, dx, dy] = hl.fast_exp(patch[x, y, dx, dy] * hl.f32(-1 / (SIGMA * SIGMA * PATCH * PATCH)))

    # Channel 3 sums the weights.
    with_one, total, denoised = hl.Func("with_one"), hl.Func("total"), hl.Func("denoised")
    with_one[x, y, c] = hl.select(c < 3, padded[x, y, hl.min(c, 2)], 1.0)
    window = hl.RDom([(-(SEARCH // 2), SEARCH), (-(SEARCH // 2), SEARCH)], "window")
    total[x, y, c] = 0.0
    total[x, y, c] += weight[x, y, window.x, window.y] * with_one[x + window.x, y + window.y, c]
    denoised[x, y, c] = hl.clamp(total[x, y, c] / total[x, y, 3], 0.0, 1.0)

    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    denoised.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, window, padded, distance, patch_y, total, denoised)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().denoised


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, c = a.x, a.y, a.c
    tx, ty = hl.Var("tx"), hl.Var("ty")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # Tiles in parallel; for each offset of the search window the distances of a whole tile are made and summed in
    # cache, then added to the four running sums.
    a.denoised.bound(c, 0, 3).tile(x, y, tx, ty, x, y, TILE_X, TILE_Y).reorder(c, x, y, tx, ty)
    a.denoised.unroll(c).vectorize(x, vec).parallel(ty)
    a.total.compute_at(a.denoised, tx).bound(c, 0, 4).reorder(c, x, y).unroll(c).vectorize(x, vec)
    a.total.update().reorder(c, x, y, a.window.x, a.window.y).unroll(c).vectorize(x, vec)
    a.patch_y.compute_at(a.total, a.window.x).vectorize(x, vec)
    a.distance.compute_at(a.total, a.window.x).vectorize(x, vec)
    # The padded pixels of a tile are copied once, which keeps the clamped coordinates out of the inner loops.
    a.padded.compute_at(a.denoised, tx).vectorize(a.padded.args()[0], vec)
    return a.denoised
