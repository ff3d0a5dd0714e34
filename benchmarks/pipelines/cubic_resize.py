"""An image at half its size, resampled with the Catmull-Rom cubic.

R. G. Keys, "Cubic convolution interpolation for digital image processing", 1981. The kernel is stretched to twice its
width, which makes eight taps each way, against aliasing. float32 RGB, 1536x2560 to 768x1280, edges repeated.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT, TAPS = 768, 1280, 8
STRIP = 16


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    tap: hl.RDom
    kernel: hl.Func
    resized_y: hl.Func
    resized_x: hl.Func
    resized: hl.Func


def _cubic(distance: hl.Expr) -> hl.Expr:
    """The piecewise cubic of Keys with a = -1/2."""
    d = hl.abs(distance)
    near = (hl.f32(1.5) * d - hl.f32(2.5)) * d * d + 1
    far = ((hl.f32(-0.5) * d + hl.f32(2.5)) * d - 4) * d + 2
    return hl.select(d < 1, near, d < 2, far, 0.0)


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c, k = hl.vars("x y c k")
    padded = hl.BoundaryConditions.repeat_edge(image)

    # An output pixel lies in the middle of two input pixels, so all pixels have the same weights.
    tap = hl.RDom([(0, TAPS)], "tap")
    weight, weight_sum, kernel = hl.Func("weight"), hl.Func("weight_sum"), hl.Func("kernel")
    weight[k] = _cubic((hl.f32(k) - hl.f32((TAPS - 1) / 2)) / 2)
    weight_sum[()] = 0.0
    weight_sum[()] += weight[tap.x]
    kernel[k] = weight[k] / weight_sum[()]

    first = 1 - TAPS // 2
    resized_y, resized_x, resized = hl.Func("resized_y"), hl.Func("resized_x"), hl.Func("resized")
    resized_y[x, y, c] = 0.0
    resized_y[x, y, c] += kernel[tap.x] * padded[x, 2 * y + first + tap.x, c]
    resized_x[x, y, c] = 0.0
    resized_x[x, y, c] += kernel[tap.x] * resized_y[2 * x + first + tap.x, y, c]
    resized[x, y, c] = hl.clamp(resized_x[x, y, c], 0.0, 1.0)

    image.set_estimates([(0, 2 * WIDTH), (0, 2 * HEIGHT), (0, 3)])
    resized.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, tap, kernel, resized_y, resized_x, resized)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().resized


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y, c = a.x, a.y, a.c
    yo, xi = hl.Var("yo"), hl.Var("xi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    a.kernel.compute_root()
    # Row by row in parallel strips: first the taps of eight rows, then those along the row; the sums stay in registers.
    a.resized.bound(c, 0, 3).split(y, yo, y, STRIP).reorder(x, y, c, yo).parallel(yo).vectorize(x, vec)
    a.resized_x.compute_at(a.resized, x).vectorize(x).update().reorder(x, a.tap.x).vectorize(x).unroll(a.tap.x)
    row = a.resized_y.in_()
    row.compute_at(a.resized, y).split(x, x, xi, 2 * vec).vectorize(xi, vec).unroll(xi)
    a.resized_y.compute_at(row, x).vectorize(x, vec).unroll(x)
    a.resized_y.update().reorder(x, a.tap.x).vectorize(x, vec).unroll(x).unroll(a.tap.x)
    return a.resized
