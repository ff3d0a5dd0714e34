"""A bilateral filter by way of the bilateral grid.

J. Chen, S. Paris, F. Durand, "Real-time edge-aware image processing with the bilateral grid", SIGGRAPH 2007: blocks of
8x8 pixels are binned by intensity (steps of 0.1), the grid is blurred along its three axes with five taps and sampled
trilinearly. float32 gray image, 1536x2560.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 1536, 2560
S_SIGMA, R_SIGMA = 8, 0.1


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    z: hl.Var
    c: hl.Var
    block: hl.RDom
    histogram: hl.Func
    blur_z: hl.Func
    blur_x: hl.Func
    blur_y: hl.Func
    slice_y: hl.Func
    filtered: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y, z, c = hl.Var("x"), hl.Var("y"), hl.Var("z"), hl.Var("c")
    padded = hl.BoundaryConditions.repeat_edge(image)

    # Channel 0 of the grid sums the values, channel 1 counts them.
    block = hl.RDom([(0, S_SIGMA), (0, S_SIGMA)], "block")
    value = hl.clamp(padded[x * S_SIGMA + block.x - S_SIGMA // 2, y * S_SIGMA + block.y - S_SIGMA // 2], 0.0, 1.0)
    level = hl.i32(value * (1 / R_SIGMA) + 0.5)
    histogram = hl.Func("histogram")
    histogram[x, y, z, c] = 0.0
    histogram[x, y, level, c] += hl.mux(c, [value, 1.0])

    def five_taps(at) -> hl.Expr:
        return at(-2) + 4 * at(-1) + 6 * at(0) + 4 * at(1) + at(2)

    blur_z, blur_x, blur_y = hl.Func("blur_z"), hl.Func("blur_x"), hl.Func("blur_y")
    blur_z[x, y, z, c] = five_taps(lambda i: histogram[x, y, z + i, c])
    blur_x[x, y, z, c] = five_taps(lambda i: blur_z[x + i, y, z, c])
    blur_y[x, y, z, c] = five_taps(lambda i: blur_x[x, y + i, z, c])

    # Trilinear sampling, first along y, where a whole row shares the weights.
    slice_y, slice_xyz, filtered = hl.Func("slice_y"), hl.Func("slice_xyz"), hl.Func("filtered")
    row, row_f = y / S_SIGMA, hl.f32(y % S_SIGMA) / S_SIGMA
    slice_y[x, y, z, c] = hl.lerp(blur_y[x, row, z, c], blur_y[x, row + 1, z, c], row_f)

    col, col_f = x / S_SIGMA, hl.f32(x % S_SIGMA) / S_SIGMA
    depth = hl.clamp(image[x, y], 0.0, 1.0) * (1 / R_SIGMA)
    zi = hl.i32(depth)
    near, far = (hl.lerp(slice_y[col, y, zi + k, c], slice_y[col + 1, y, zi + k, c], col_f) for k in (0, 1))
    slice_xyz[x, y, c] = hl.lerp(near, far, depth - zi)
    filtered[x, y] = slice_xyz[x, y, 0] / slice_xyz[x, y, 1]

    image.set_estimates([(0, WIDTH), (0, HEIGHT)])
    filtered.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return _Algorithm(x, y, z, c, block, histogram, blur_z, blur_x, blur_y, slice_y, filtered)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().filtered


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    yi = hl.Var("yi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # First pass: a row of grid blocks is binned (scalar: the bin depends on the data) and blurred along z and x.
    a.blur_x.compute_root().reorder(a.c, a.x, a.z, a.y).parallel(a.y).vectorize(a.x, vec).bound(a.c, 0, 2).unroll(a.c)
    a.blur_z.compute_at(a.blur_x, a.y).reorder(a.c, a.z, a.x, a.y).vectorize(a.x, vec).unroll(a.c)
    a.histogram.compute_at(a.blur_z, a.y)
    a.histogram.update().reorder(a.c, a.block.x, a.block.y, a.x, a.y).unroll(a.c)
    # Second pass: the S_SIGMA rows of pixels between two rows of the grid share them.
    a.filtered.split(a.y, a.y, yi, S_SIGMA).parallel(a.y).vectorize(a.x, vec)
    a.blur_y.compute_at(a.filtered, a.y).reorder(a.c, a.x, a.z, a.y).vectorize(a.x, vec).unroll(a.c)
    a.slice_y.compute_at(a.filtered, yi).reorder(a.c, a.x, a.z, a.y).vectorize(a.x, vec).unroll(a.c)
    return a.filtered
