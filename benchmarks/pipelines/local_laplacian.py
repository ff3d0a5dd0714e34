"""A local Laplacian filter that enhances detail.

S. Paris, S. W. Hasinoff, J. Kautz, "Local Laplacian filters: edge-aware image processing with a Laplacian pyramid",
SIGGRAPH 2011, in the fast form of M. Aubry et al., 2014: the image is remapped around 8 gray levels, a pyramid of 8
levels is built of each, and the output pyramid interpolates between them. uint16 RGB, 1536x2560, edges repeated.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 1536, 2560
PYRAMID, GRAYS = 8, 8
ALPHA, BETA = 1 / (GRAYS - 1), 1.0
STRIP, LOW = 64, 4


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    k: hl.Var
    remap: hl.Func
    luma: hl.Func
    guide: list[hl.Func]
    gauss: list[hl.Func]
    gauss_y: list[hl.Func]
    result: list[hl.Func]
    enhanced: hl.Func


def _downsample(f: hl.Func, name: str, x: hl.Var, y: hl.Var, *rest: hl.Var) -> tuple[hl.Func, hl.Func]:
    """Half the size each way by the taps 1 3 3 1."""
    down_y, down = hl.Func(f"{name}_down_y"), hl.Func(name)
    down_y[(x, y, *rest)] = (
        f[(x, 2 * y - 1, *rest)] + 3 * (f[(x, 2 * y, *rest)] + f[(x, 2 * y + 1, *rest)]) + f[(x, 2 * y + 2, *rest)]
    ) / 8
    g = down_y
    down[(x, y, *rest)] = (
        g[(2 * x - 1, y, *rest)] + 3 * (g[(2 * x, y, *rest)] + g[(2 * x + 1, y, *rest)]) + g[(2 * x + 2, y, *rest)]
    ) / 8
    return down_y, down


def _upsample(f: hl.Func, name: str, x: hl.Var, y: hl.Var, *rest: hl.Var) -> hl.Func:
    """Twice the size each way by linear interpolation."""
    up_x, up = hl.Func(f"{name}_up_x"), hl.Func(f"{name}_up")
    up_x[(x, y, *rest)] = hl.lerp(f[((x + 1) / 2, y, *rest)], f[((x - 1) / 2, y, *rest)], hl.f32((x % 2) * 2 + 1) / 4)
    up[(x, y, *rest)] = hl.lerp(
        up_x[(x, (y + 1) / 2, *rest)], up_x[(x, (y - 1) / 2, *rest)], hl.f32((y % 2) * 2 + 1) / 4
    )
    return up


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.UInt(16), 3, "image")
    x, y, c, k, i = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.Var("k"), hl.Var("i")
    padded = hl.BoundaryConditions.repeat_edge(image)

    # The remapping of differences, a table of 256 steps from one gray level to the next.
    remap = hl.Func("remap")
    difference = hl.f32(i) / 256
    remap[i] = hl.f32(ALPHA) * difference * hl.exp(-difference * difference / 2)

    # The luminance in integers, so that no rounding can move a pixel to another step of the table.
    luma, gray = hl.Func("luma"), hl.Func("gray")
    luma[x, y] = hl.u16(
        (77 * hl.u32(padded[x, y, 0]) + 150 * hl.u32(padded[x, y, 1]) + 29 * hl.u32(padded[x, y, 2])) >> 8
    )
    gray[x, y] = hl.f32(luma[x, y]) / 65535

    # Gaussian pyramids of the image and of its remapped versions.
    step = hl.i32(hl.u32(luma[x, y]) * ((GRAYS - 1) * 256) / 65535)
    center = hl.f32(k) / (GRAYS - 1)
    remapped = hl.Func("gauss_0")
    remapped[x, y, k] = BETA * (gray[x, y] - center) + center + remap[step - 256 * k]
    guide, gauss, gauss_y = [gray], [remapped], []
    for j in range(1, PYRAMID):
        guide.append(_downsample(guide[-1], f"guide_{j}", x, y)[1])
        down_y, down = _downsample(gauss[-1], f"gauss_{j}", x, y, k)
        gauss_y.append(down_y)
        gauss.append(down)

    # Laplacian pyramids of the remapped versions; the coarsest level stays as it is.
    laplace = []
    for j in range(PYRAMID):
        band = hl.Func(f"laplace_{j}")
        coarser = _upsample(gauss[j + 1], f"gauss_{j + 1}", x, y, k)[x, y, k] if j < PYRAMID - 1 else 0.0
        band[x, y, k] = gauss[j][x, y, k] - coarser
        laplace.append(band)

    # Each pixel of the output pyramid mixes the two versions next to its gray level; the pyramid is then collapsed.
    result: list[hl.Func] = []
    for j in reversed(range(PYRAMID)):
        level = guide[j][x, y] * (GRAYS - 1)
        low = hl.clamp(hl.i32(level), 0, GRAYS - 2)
        mix = level - low
        chosen, total = hl.Func(f"chosen_{j}"), hl.Func(f"result_{j}")
        chosen[x, y] = (1 - mix) * laplace[j][x, y, low] + mix * laplace[j][x, y, low + 1]
        total[x, y] = chosen[x, y] + (_upsample(result[0], f"result_{j + 1}", x, y)[x, y] if result else 0.0)
        result.insert(0, total)

    # The colours keep their ratios to the gray value.
    coloured, enhanced = hl.Func("coloured"), hl.Func("enhanced")
    eps = hl.f32(0.01)
    coloured[x, y, c] = hl.f32(image[x, y, c]) * (result[0][x, y] + eps) / (gray[x, y] + eps)
    enhanced[x, y, c] = hl.u16(hl.clamp(coloured[x, y, c], 0.0, 65535.0))

    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    enhanced.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, k, remap, luma, guide, gauss, gauss_y, result, enhanced)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().enhanced


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, c, k = a.x, a.y, a.c, a.k
    yo = hl.Var("yo")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    a.remap.compute_root().vectorize(a.remap.args()[0], vec)
    a.luma.compute_root().parallel(y, 32).vectorize(x, vec)
    a.enhanced.bound(c, 0, 3).reorder(c, x, y).unroll(c).split(y, yo, y, STRIP).parallel(yo).vectorize(x, vec)
    # The fine levels are made in parallel on the way down. On the way up they slide down the strips of the output.
    for j in range(1, LOW):
        a.guide[j].compute_root().parallel(y, 32).vectorize(x, vec)
        a.gauss[j].compute_root().reorder_storage(x, k, y).reorder(x, k, y).split(y, yo, y, 16).parallel(yo)
        a.gauss[j].vectorize(x, vec)
        a.result[j].store_at(a.enhanced, yo).compute_at(a.enhanced, y).fold_storage(y, 4)
        a.result[j].vectorize(x, vec, hl.TailStrategy.RoundUp)
    # The table is looked up once per pixel and gray level, in rows, rather than once per tap.
    remapped = a.gauss[0].in_(a.gauss_y[0])
    remapped.store_at(a.gauss[1], yo).compute_at(a.gauss[1], y).reorder_storage(x, k, y).reorder(k, x, y)
    remapped.vectorize(x, vec)
    a.result[0].compute_at(a.enhanced, y).vectorize(x, vec, hl.TailStrategy.RoundUp)
    # The coarse levels are so small that any order will do.
    for j in range(LOW, PYRAMID):
        a.guide[j].compute_root()
        a.gauss[j].compute_root().parallel(k)
        a.result[j].compute_root()
    return a.enhanced
