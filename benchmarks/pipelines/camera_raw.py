"""From a raw Bayer image to RGB, as a camera does it.

The stages of A. Adams et al., "The Frankencamera", SIGGRAPH 2010: hot pixels are suppressed, the colours are
interpolated along the smaller green gradient and by colour differences (J. F. Hamilton and J. E. Adams, US patent
5,629,734, in its first-order form), a matrix in fixed point corrects the colours, a table applies the tone curve, and
a 3x3 unsharp mask sharpens. Raw data of 10 bits in the high bits of uint16, 2592x1968; output uint8 RGB, 2560x1920.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

RAW_WIDTH, RAW_HEIGHT, WIDTH, HEIGHT = 2592, 1968, 2560, 1920
OFFSET_X, OFFSET_Y = 16, 24
BLACK, WHITE, GAMMA = 25, 1023, 2.0
# Rows: red, green, blue; columns: their weights and an offset, in units of 1/256.
MATRIX = ((430, -110, -40, -70 * 16), (-80, 420, -75, -60 * 16), (-30, -150, 450, -40 * 16))
STRIP = 128


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    denoised: hl.Func
    bayer: hl.Func
    green_at_red: hl.Func
    green_at_blue: hl.Func
    demosaiced: hl.Func
    corrected: hl.Func
    curve: hl.Func
    curved: hl.Func
    sharpened: hl.Func


def _average(a: hl.Expr, b: hl.Expr) -> hl.Expr:
    return hl.rounding_halving_add(a, b)


def _demosaic(bayer: hl.Func, x: hl.Var, y: hl.Var, c: hl.Var) -> tuple[hl.Func, hl.Func, hl.Func]:
    """Full colours from the four half-size planes: green and red on even rows, blue and green on odd rows."""
    planes = [hl.Func(name) for name in ("gr", "red", "blue", "gb")]
    for i, plane in enumerate(planes):
        plane[x, y] = bayer[x, y, i]
    gr, red, blue, gb = planes

    # Green at red and blue pixels: along the direction in which the green neighbours differ less.
    green_at_red, green_at_blue = hl.Func("green_at_red"), hl.Func("green_at_blue")

    def along_smaller(h0: hl.Expr, h1: hl.Expr, v0: hl.Expr, v1: hl.Expr) -> hl.Expr:
        return hl.select(hl.absd(h0, h1) < hl.absd(v0, v1), _average(h0, h1), _average(v0, v1))

    green_at_red[x, y] = along_smaller(gr[x, y], gr[x + 1, y], gb[x, y - 1], gb[x, y])
    green_at_blue[x, y] = along_smaller(gb[x - 1, y], gb[x, y], gr[x, y], gr[x, y + 1])

    def by_difference(plane: hl.Func, at: hl.Func, green: hl.Expr, p: tuple, q: tuple) -> hl.Expr:
        """The mean of a plane at two places, moved by how far green here differs from the mean of green there."""
        return green - _average(at[p], at[q]) + _average(plane[p], plane[q])

    here = (x, y)
    red_at_gr, red_at_gb, red_at_blue = hl.Func("red_at_gr"), hl.Func("red_at_gb"), hl.Func("red_at_blue")
    blue_at_gr, blue_at_gb, blue_at_red = hl.Func("blue_at_gr"), hl.Func("blue_at_gb"), hl.Func("blue_at_red")
    red_at_gr[x, y] = by_difference(red, green_at_red, gr[here], (x - 1, y), here)
    red_at_gb[x, y] = by_difference(red, green_at_red, gb[here], here, (x, y + 1))
    blue_at_gr[x, y] = by_difference(blue, green_at_blue, gr[here], (x, y - 1), here)
    blue_at_gb[x, y] = by_difference(blue, green_at_blue, gb[here], here, (x + 1, y))

    def diagonal(plane: hl.Func, at: hl.Func, green: hl.Expr, down: tuple, up: tuple) -> hl.Expr:
        """Along the diagonal on which the plane changes less."""
        smaller = hl.absd(plane[down[0]], plane[down[1]]) < hl.absd(plane[up[0]], plane[up[1]])
        return hl.select(smaller, by_difference(plane, at, green, *down), by_difference(plane, at, green, *up))

    red_at_blue[x, y] = diagonal(
        red, green_at_red, green_at_blue[here], ((x - 1, y), (x, y + 1)), (here, (x - 1, y + 1))
    )
    blue_at_red[x, y] = diagonal(
        blue, green_at_blue, green_at_red[here], (here, (x + 1, y - 1)), ((x, y - 1), (x + 1, y))
    )

    def interleave(even_row: tuple, odd_row: tuple) -> hl.Expr:
        at = (x / 2, y / 2)
        rows = [hl.select(x % 2 == 0, hl.Expr(even[at]), hl.Expr(odd[at])) for even, odd in (even_row, odd_row)]
        return hl.select(y % 2 == 0, *rows)

    demosaiced = hl.Func("demosaiced")
    r = interleave((red_at_gr, red), (red_at_blue, red_at_gb))
    g = interleave((gr, green_at_red), (green_at_blue, gb))
    b = interleave((blue_at_gr, blue_at_red), (blue, blue_at_gb))
    demosaiced[x, y, c] = hl.i16(hl.mux(c, [r, g, b]))
    return green_at_red, green_at_blue, demosaiced


def _algorithm() -> _Algorithm:
    raw = hl.ImageParam(hl.UInt(16), 2, "raw")
    x, y, c, i = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.Var("i")

    shifted, denoised, bayer = hl.Func("shifted"), hl.Func("denoised"), hl.Func("bayer")
    shifted[x, y] = raw[x + OFFSET_X, y + OFFSET_Y] >> 6
    around = [shifted[x - 2, y], shifted[x + 2, y], shifted[x, y - 2], shifted[x, y + 2]]
    denoised[x, y] = hl.min(shifted[x, y], hl.max(hl.max(around[0], around[1]), hl.max(around[2], around[3])))
    quad = [hl.Expr(denoised[2 * x + dx, 2 * y + dy]) for dy in (0, 1) for dx in (0, 1)]
    bayer[x, y, c] = hl.mux(c, quad)
    green_at_red, green_at_blue, demosaiced = _demosaic(bayer, x, y, c)

    corrected = hl.Func("corrected")
    rgb = [hl.i32(demosaiced[x, y, j]) for j in range(3)]
    sums = [sum(m * v for m, v in zip(row, rgb, strict=False)) + row[3] for row in MATRIX]
    corrected[x, y, c] = hl.mux(c, [hl.i16(total >> 8) for total in sums])

    # The curve: black and white points, gamma, and an S that lifts the contrast.
    curve, curved = hl.Func("curve"), hl.Func("curved")
    linear = hl.clamp(hl.f32(i - BLACK) / (WHITE - BLACK), 0.0, 1.0)
    bright = hl.pow(linear, hl.f32(1 / GAMMA))
    curve[i] = hl.u8(255 * bright * bright * (3 - 2 * bright) * hl.f32(0.5) + 255 * bright * hl.f32(0.5) + hl.f32(0.5))
    curved[x, y, c] = curve[hl.i32(hl.clamp(corrected[x, y, c], 0, WHITE))]

    blur_y, blur, sharpened = hl.Func("blur_y"), hl.Func("blur"), hl.Func("sharpened")
    blur_y[x, y, c] = _average(_average(curved[x, y - 1, c], curved[x, y + 1, c]), curved[x, y, c])
    blur[x, y, c] = _average(_average(blur_y[x - 1, y, c], blur_y[x + 1, y, c]), blur_y[x, y, c])
    sharpened[x, y, c] = hl.u8_sat(2 * hl.i16(curved[x, y, c]) - hl.i16(blur[x, y, c]))

    raw.set_estimates([(0, RAW_WIDTH), (0, RAW_HEIGHT)])
    sharpened.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(
        x, y, c, denoised, bayer, green_at_red, green_at_blue, demosaiced, corrected, curve, curved, sharpened
    )


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().sharpened


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, c = a.x, a.y, a.c
    yo, yi, yii, xi = hl.Var("yo"), hl.Var("yi"), hl.Var("yii"), hl.Var("xi")
    vec = hl.get_host_target().natural_vector_size(hl.UInt(16))
    out = a.sharpened
    a.curve.compute_root().vectorize(a.curve.args()[0], vec)
    # Strips in parallel, two rows at a time, as the Bayer pattern wants; everything slides down the strip.
    out.bound(c, 0, 3).reorder(c, x, y).split(y, yi, yii, 2, hl.TailStrategy.RoundUp).split(yi, yo, yi, STRIP // 2)
    out.unroll(c).vectorize(x, 2 * vec).parallel(yo)
    a.denoised.compute_at(out, yi).store_at(out, yo).fold_storage(y, 4).vectorize(x, 2 * vec)
    a.bayer.compute_at(out, yi).store_at(out, yo).fold_storage(y, 4).reorder(c, x, y).vectorize(x, vec).unroll(c)
    a.curved.compute_at(out, yi).store_at(out, yo).reorder(c, x, y)
    a.curved.tile(x, y, x, y, xi, yi, 2 * vec, 2, hl.TailStrategy.RoundUp).vectorize(xi).unroll(yi).unroll(c)
    a.corrected.compute_at(a.curved, x).reorder(c, x, y).vectorize(x).unroll(y).unroll(c)
    a.demosaiced.compute_at(a.curved, x).reorder(c, x, y).vectorize(x).unroll(y).unroll(c)
    for green in (a.green_at_red, a.green_at_blue):
        green.compute_at(out, yi).store_at(out, yo).fold_storage(y, 4).vectorize(x, vec)
    return out
