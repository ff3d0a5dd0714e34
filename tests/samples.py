"""Small pipelines that between them use everything the intermediate representation must read."""

from __future__ import annotations

from collections.abc import Callable

import halide as hl

from autosearch.testing.sample import HEIGHT, WIDTH, blur


def sharpen() -> hl.Func:
    """Boundary condition, colour channels, a Func used by two others."""
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c = hl.Var("x"), hl.Var("y"), hl.Var("c")
    padded = hl.BoundaryConditions.repeat_edge(image)
    gray, smooth, out = hl.Func("gray"), hl.Func("smooth"), hl.Func("out")
    gray[x, y] = hl.f32(0.3) * padded[x, y, 0] + hl.f32(0.6) * padded[x, y, 1] + hl.f32(0.1) * padded[x, y, 2]
    smooth[x, y] = (gray[x - 1, y] + gray[x, y - 1] + gray[x, y] + gray[x + 1, y] + gray[x, y + 1]) * hl.f32(0.2)
    out[x, y, c] = image[x, y, c] * (2.0 * gray[x, y] - smooth[x, y])
    out.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return out


def histogram() -> hl.Func:
    """A scatter over a reduction domain, a scan, a lookup."""
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    x, y, i = hl.Var("x"), hl.Var("y"), hl.Var("i")
    r = hl.RDom([(0, image.width()), (0, image.height())], "r")
    b = hl.RDom([(1, 255)], "b")
    hist, cdf, out = hl.Func("hist"), hl.Func("cdf"), hl.Func("out")
    hist[i] = hl.u32(0)
    hist[hl.i32(image[r.x, r.y])] += hl.u32(1)
    cdf[i] = hist[i]
    cdf[b.x] = cdf[b.x - 1] + hist[b.x]
    out[x, y] = hl.u8(hl.clamp(cdf[hl.i32(image[x, y])] * 255 / (WIDTH * HEIGHT), 0, 255))
    image.set_estimates([(0, WIDTH), (0, HEIGHT)])
    out.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return out


def matmul() -> hl.Func:
    """A reduction whose loops may be reordered and split."""
    a, b = hl.ImageParam(hl.Float(32), 2, "a"), hl.ImageParam(hl.Float(32), 2, "b")
    x, y = hl.Var("x"), hl.Var("y")
    k = hl.RDom([(0, 48)], "k")
    product, out = hl.Func("product"), hl.Func("out")
    product[x, y] = 0.0
    product[x, y] += a[k, y] * b[x, k]
    out[x, y] = product[x, y]
    out.set_estimates([(0, 64), (0, 40)])
    return out


def tuples() -> list[hl.Func]:
    """Tuples, two outputs, a scalar parameter, an update without a reduction domain, a predicate."""
    image = hl.ImageParam(hl.Int(32), 2, "image")
    gain = hl.Param(hl.Float(32), "gain", 1.5)
    x, y = hl.Var("x"), hl.Var("y")
    both, row_sum, left, right = hl.Func("both"), hl.Func("row_sum"), hl.Func("left"), hl.Func("right")
    both[x, y] = hl.Tuple((image[x, y] + 1, hl.f32(image[x, y]) * gain))
    both[x, 0] = hl.Tuple((both[x, 0][0] * 2, both[x, 0][1]))
    r = hl.RDom([(0, WIDTH), (0, 8)], "r")
    r.where(r.x + r.y < 80)
    row_sum[y] = 0
    row_sum[r.y] += image[r.x, r.y]
    left[x, y] = both[x, y][0] + row_sum[hl.clamp(y, 0, 7)]
    right[x, y] = both[x, y][1]
    for out in (left, right):
        out.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return [left, right]


def pyramid() -> hl.Func:
    """Downsampling, upsampling and division in indices."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    padded = hl.BoundaryConditions.repeat_edge(image)
    down, up, out = hl.Func("down"), hl.Func("up"), hl.Func("out")
    down[x, y] = (padded[2 * x, 2 * y] + padded[2 * x + 1, 2 * y] + padded[2 * x, 2 * y + 1]) / 3.0
    up[x, y] = (down[x / 2, y / 2] + down[(x + 1) / 2, y / 2]) * 0.5
    out[x, y] = padded[x, y] - up[x, y]
    image.set_estimates([(0, WIDTH), (0, HEIGHT)])
    out.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return out


def gradients() -> hl.Func:
    """Two Funcs that read the same one, which could be made together."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    gray, across, along, out = hl.Func("gray"), hl.Func("across"), hl.Func("along"), hl.Func("out")
    gray[x, y] = hl.sqrt(image[x + 2, y + 2])
    across[x, y] = gray[x + 1, y] - gray[x - 1, y] + gray[x, y]
    along[x, y] = gray[x, y + 1] - gray[x, y - 1] + gray[x, y]
    out[x, y] = across[x, y] * along[x, y] + across[x, y + 1] * along[x, y + 1]
    out.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return out


def lookup() -> hl.Func:
    """A small grid of tables with a few channels, read at cells that depend on data."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y, z, j, i, m, c = hl.vars("x y z j i m c")
    tables, maps, sliced, out = hl.Func("tables"), hl.Func("maps"), hl.Func("sliced"), hl.Func("out")
    tables[x, y, z, j, i] = hl.sqrt(hl.f32(x + 3 * y + 5 * z + 7 * j + 11 * i) + hl.f32(x * y))
    maps[x, y, z, m] = tables[x, y, z, m / 2, m % 2] + tables[x + 1, y, z, m / 2, m % 2]
    near = hl.clamp(hl.i32(image[x, y] * 4), 0, 3)
    sliced[x, y, m] = maps[x / 8, y / 8, near, m] + maps[x / 8, y / 8 + 1, near + 1, m]
    out[x, y, c] = sliced[x, y, 2 * c] * image[x, y] + sliced[x, y, 2 * c + 1]
    out.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return out


SAMPLES: dict[str, Callable[[], object]] = {
    "blur": blur,
    "sharpen": sharpen,
    "histogram": histogram,
    "matmul": matmul,
    "tuples": tuples,
    "pyramid": pyramid,
}
OTHERS: dict[str, Callable[[], object]] = {"lookup": lookup}
"""Samples for some tests alone."""
