"""Histogram equalisation of a colour image by its luminance.

The textbook method (R. Gonzalez and R. Woods, "Digital Image Processing", histogram equalization): the distribution
of the luminance becomes a look-up table. Adding the change of luminance to red, green and blue alike keeps both chroma
differences. uint8 RGB, 1536x2560.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT, BINS = 1536, 2560, 256
STRIP, LANES = 64, 4


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    level: hl.Var
    pixel: hl.RDom
    luma: hl.Func
    histogram: hl.Func
    cdf: hl.Func
    lut: hl.Func
    equalised: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.UInt(8), 3, "image")
    x, y, c, level = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.Var("level")

    luma = hl.Func("luma")
    weighted = 77 * hl.u16(image[x, y, 0]) + 150 * hl.u16(image[x, y, 1]) + 29 * hl.u16(image[x, y, 2])
    luma[x, y] = hl.u8(weighted >> 8)

    pixel = hl.RDom([(0, image.width()), (0, image.height())], "pixel")
    histogram = hl.Func("histogram")
    histogram[level] = hl.u32(0)
    histogram[hl.i32(luma[pixel.x, pixel.y])] += hl.u32(1)

    rest = hl.RDom([(1, BINS - 1)], "rest")
    cdf = hl.Func("cdf")
    cdf[level] = histogram[0]
    cdf[rest.x] = cdf[rest.x - 1] + histogram[rest.x]

    lut = hl.Func("lut")
    scale = 255.0 / hl.f32(image.width() * image.height())
    lut[level] = hl.u8_sat(hl.f32(cdf[level]) * scale)

    equalised = hl.Func("equalised")
    change = hl.i16(lut[hl.i32(luma[x, y])]) - hl.i16(luma[x, y])
    equalised[x, y, c] = hl.u8_sat(hl.i16(image[x, y, c]) + change)

    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    equalised.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, level, pixel, luma, histogram, cdf, lut, equalised)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().equalised


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    strip, lane = hl.Var("strip"), hl.Var("lane")
    ro, ri, xi = hl.RVar("ro"), hl.RVar("ri"), hl.RVar("xi")
    vec = hl.get_host_target().natural_vector_size(hl.UInt(8))
    # Each strip of rows counts into its own histograms, in parallel: neighbouring pixels go to different ones, so that
    # an increment need not wait for the one before it. The luminance is computed a row ahead, in vectors.
    a.histogram.compute_root().vectorize(a.level, vec)
    a.histogram.update().split(a.pixel.y, ro, ri, STRIP).split(a.pixel.x, a.pixel.x, xi, LANES)
    by_strip = a.histogram.update().rfactor(ro, strip)
    by_strip.compute_root().vectorize(a.level, vec).parallel(strip).update().parallel(strip)
    by_lane = by_strip.update().rfactor(xi, lane)
    by_lane.compute_at(by_strip, strip).vectorize(a.level, vec)
    by_lane.update().reorder(lane, a.pixel.x, ri, strip).unroll(lane)
    a.luma.in_(by_lane).compute_at(by_lane, ri).vectorize(a.x, vec)
    by_strip.update().reorder(a.level, xi, strip).vectorize(a.level, vec)
    a.histogram.update().reorder(a.level, ro).vectorize(a.level, vec)

    a.cdf.compute_root()
    a.cdf.update().unscheduled()
    a.lut.compute_root().vectorize(a.level, vec)
    a.equalised.bound(a.c, 0, 3).reorder(a.c, a.x, a.y).unroll(a.c).vectorize(a.x, vec).parallel(a.y, STRIP)
    return a.equalised
