"""An unsharp mask: the luminance is sharpened against its Gaussian blur and each colour is scaled by the ratio.

The classical darkroom technique as image editors have it (R. Gonzalez and R. Woods, "Digital Image Processing",
unsharp masking). A separable Gaussian of seven taps with sigma 1.5, edges repeated; float32 RGB, 1536x2560.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 1536, 2560
SIGMA = 1.5
STRIP = 64


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    c: hl.Var
    gray: hl.Func
    blur_y: hl.Func
    ratio: hl.Func
    sharpened: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c, tap = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.Var("tap")
    padded = hl.BoundaryConditions.repeat_edge(image)

    kernel = hl.Func("kernel")
    kernel[tap] = hl.exp(hl.f32(-tap * tap) / (2 * SIGMA * SIGMA)) / hl.f32(math.sqrt(2 * math.pi) * SIGMA)

    gray = hl.Func("gray")
    gray[x, y] = hl.f32(0.299) * padded[x, y, 0] + hl.f32(0.587) * padded[x, y, 1] + hl.f32(0.114) * padded[x, y, 2]

    def seven_taps(at) -> hl.Expr:
        """The symmetric kernel on the values at(-3) to at(3)."""
        return kernel[0] * at(0) + sum(kernel[i] * (at(-i) + at(i)) for i in range(1, 4))

    blur_y, blur_x = hl.Func("blur_y"), hl.Func("blur_x")
    blur_y[x, y] = seven_taps(lambda i: gray[x, y + i])
    blur_x[x, y] = seven_taps(lambda i: blur_y[x + i, y])

    sharpen, ratio, sharpened = hl.Func("sharpen"), hl.Func("ratio"), hl.Func("sharpened")
    sharpen[x, y] = 2 * gray[x, y] - blur_x[x, y]
    ratio[x, y] = sharpen[x, y] / gray[x, y]
    sharpened[x, y, c] = ratio[x, y] * image[x, y, c]

    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    sharpened.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return _Algorithm(x, y, c, gray, blur_y, ratio, sharpened)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().sharpened


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    yi = hl.Var("yi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # The four weights become constants once inlined. Rows of gray slide down each strip; the colours share one ratio.
    a.sharpened.bound(a.c, 0, 3).split(a.y, a.y, yi, STRIP).reorder(a.c, a.x, yi, a.y)
    a.sharpened.unroll(a.c).vectorize(a.x, vec).parallel(a.y)
    a.gray.store_at(a.sharpened, a.y).compute_at(a.sharpened, yi).vectorize(a.x, vec)
    a.blur_y.compute_at(a.sharpened, yi).vectorize(a.x, vec)
    a.ratio.compute_at(a.sharpened, a.x).vectorize(a.x)
    return a.sharpened
