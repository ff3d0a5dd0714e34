"""Bilateral guided upsampling: the effect of a slow filter on a small image is carried over to the large one.

J. Chen et al., "Bilateral guided upsampling", SIGGRAPH Asia 2016, in its fast form: the small input and output fill a
bilateral grid with the moments of a least-squares problem, the grid is blurred, each cell is solved for an affine map
of colours, and each pixel of the large image takes its map from the grid. float32 RGB, 192x320 and 1536x2560.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

SMALL_WIDTH, SMALL_HEIGHT, FACTOR = 192, 320, 8
S_SIGMA, BINS, LAMBDA = 16, 8, 0.1
STRIP = 32


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    z: hl.Var
    cell: hl.RDom
    moments: hl.Func
    blurs: list[hl.Func]
    steps: list[hl.Func]
    maps: hl.Func
    rows: hl.Func
    sliced: hl.Func
    upsampled: hl.Func


def _brightness(image, x, y) -> hl.Expr:
    return hl.clamp(image[x, y, 0] / 4 + image[x, y, 1] / 2 + image[x, y, 2] / 4, 0.0, 1.0)


def _algorithm() -> _Algorithm:
    small_in = hl.ImageParam(hl.Float(32), 3, "small_in")
    small_out = hl.ImageParam(hl.Float(32), 3, "small_out")
    large_in = hl.ImageParam(hl.Float(32), 3, "large_in")
    x, y, z, c, i, j, m = hl.vars("x y z c i j m")

    # Row i, column j of a cell: the sums of u[i] * (u, v)[j] for u = (r, g, b, 1) of the input, v the output's colours.
    before, after = hl.BoundaryConditions.repeat_edge(small_in), hl.BoundaryConditions.repeat_edge(small_out)
    cell = hl.RDom([(0, S_SIGMA), (0, S_SIGMA)], "cell")
    sx, sy = x * S_SIGMA + cell.x - S_SIGMA // 2, y * S_SIGMA + cell.y - S_SIGMA // 2
    u = [hl.Expr(before[sx, sy, k]) for k in range(3)] + [hl.f32(1)]
    v = [hl.Expr(after[sx, sy, k]) for k in range(3)]
    level = hl.i32(_brightness(before, sx, sy) * BINS + 0.5)
    moments = hl.Func("moments")
    moments[x, y, z, j, i] = 0.0
    moments[x, y, level, j, i] += hl.mux(i, u) * hl.mux(j, u + v)

    def blur(name: str, at) -> hl.Func:
        """Seven taps that fall off quickly, around at(0)."""
        f = hl.Func(name)
        f[x, y, z, j, i] = at(0) + sum((at(k) + at(-k)) * hl.f32(w) for k, w in ((1, 1 / 8), (2, 1 / 27), (3, 1 / 64)))
        return f

    blur_z = blur("blur_z", lambda k: moments[x, y, z + k, j, i])
    blur_y = blur("blur_y", lambda k: blur_z[x, y + k, z, j, i])
    blur_x = blur("blur_x", lambda k: blur_y[x + k, y, z, j, i])

    # Gauss-Jordan elimination. The added diagonal pulls sparse cells to the identity and makes pivots safe.
    regular = hl.Func("step_0")
    regular[x, y, z, j, i] = blur_x[x, y, z, j, i] + hl.select((j == i) | ((j == i + 4) & (i < 3)), hl.f32(LAMBDA), 0.0)
    steps = [regular]
    for k in range(4):
        a, step = steps[-1], hl.Func(f"step_{k + 1}")
        pivot_row = a[x, y, z, j, k] / a[x, y, z, k, k]
        step[x, y, z, j, i] = hl.select(i == k, pivot_row, a[x, y, z, j, i] - a[x, y, z, k, i] * pivot_row)
        steps.append(step)
    # Weight m % 4 of colour m / 4.
    maps = hl.Func("maps")
    maps[x, y, z, m] = steps[-1][x, y, z, 4 + m / 4, m % 4]

    # Trilinear slicing, first along y, where a whole row shares the weights.
    size = S_SIGMA * FACTOR
    rows, sliced, upsampled = hl.Func("rows"), hl.Func("sliced"), hl.Func("upsampled")
    rows[x, y, z, m] = hl.lerp(maps[x, y / size, z, m], maps[x, y / size + 1, z, m], hl.f32(y % size) / size)
    col, col_f = x / size, hl.f32(x % size) / size
    depth = _brightness(large_in, x, y) * BINS
    zi = hl.i32(depth)
    near, far = (hl.lerp(rows[col, y, zi + k, m], rows[col + 1, y, zi + k, m], col_f) for k in (0, 1))
    sliced[x, y, m] = hl.lerp(near, far, depth - zi)
    mapped = sum(sliced[x, y, 4 * c + k] * large_in[x, y, k] for k in range(3)) + sliced[x, y, 4 * c + 3]
    upsampled[x, y, c] = hl.clamp(mapped, 0.0, 1.0)

    small, large = (SMALL_WIDTH, SMALL_HEIGHT), (FACTOR * SMALL_WIDTH, FACTOR * SMALL_HEIGHT)
    for f, (width, height) in ((small_in, small), (small_out, small), (large_in, large), (upsampled, large)):
        f.set_estimates([(0, width), (0, height), (0, 3)])
    return _Algorithm(x, y, z, cell, moments, [blur_z, blur_y, blur_x], steps, maps, rows, sliced, upsampled)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().upsampled


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, z = a.x, a.y, a.z
    _, _, c = a.upsampled.args()
    _, _, _, j, i = a.moments.args()
    m = a.sliced.args()[2]
    yi = hl.Var("yi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # The grid is small. Every pixel adds to 28 sums of one cell, which lie together.
    a.moments.compute_root().bound(j, 0, 7).bound(i, 0, 4).reorder_storage(j, i, z, x, y).parallel(y)
    a.moments.update().reorder(j, i, a.cell.x, a.cell.y, x, y).unroll(j).unroll(i).parallel(y)
    for f in (*a.blurs, *a.steps[1:]):
        f.compute_root().bound(j, 0, 7).bound(i, 0, 4).reorder_storage(j, i, z, x, y).reorder(j, i, z, x, y)
        f.parallel(y)
    a.maps.compute_root().bound(m, 0, 12).reorder_storage(m, z, x, y).reorder(m, z, x, y).vectorize(m, 4).parallel(y)
    # The twelve weights of a map lie together, so they are interpolated in vectors of four of them: vectors of pixels
    # would have to gather each weight from the grid.
    out = a.upsampled
    out.bound(c, 0, 3).split(y, y, yi, STRIP).reorder(c, x, yi, y).unroll(c).vectorize(x, vec).parallel(y)
    a.rows.compute_at(out, yi).reorder_storage(m, z, x, y).reorder(m, z, x, y).vectorize(m, 4).unroll(m)
    a.sliced.compute_at(out, yi).reorder_storage(m, x, y).reorder(m, x, y).vectorize(m, 4).unroll(m)
    return out
