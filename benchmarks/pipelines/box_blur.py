"""A 3x3 box blur in two separable passes, the running example of the Halide papers.

J. Ragan-Kelley et al., "Halide: a language and compiler for optimizing parallelism, locality, and recomputation",
PLDI 2013. A 2048x2048 image of uint16; there is no boundary condition, so the input is two pixels larger each way.
Sums stay in 16 bits, as in the original: they are exact for data of up to 14 bits and wrap around above.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 2048, 2048
STRIP = 64


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    blur_x: hl.Func
    blur_y: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.UInt(16), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    blur_x, blur_y = hl.Func("blur_x"), hl.Func("blur_y")
    blur_x[x, y] = (image[x, y] + image[x + 1, y] + image[x + 2, y]) / 3
    blur_y[x, y] = (blur_x[x, y] + blur_x[x, y + 1] + blur_x[x, y + 2]) / 3

    image.set_estimates([(0, WIDTH + 2), (0, HEIGHT + 2)])
    blur_y.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return _Algorithm(x, y, blur_x, blur_y)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().blur_y


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    yi = hl.Var("yi")
    vec = hl.get_host_target().natural_vector_size(hl.UInt(16))
    # Strips of rows run in parallel; inside a strip rows of blur_x are kept and slide down, so none is computed twice.
    # Each of its vectors is computed right before it is used, while it is still in a register.
    a.blur_y.split(a.y, a.y, yi, STRIP).parallel(a.y).vectorize(a.x, vec)
    a.blur_x.store_at(a.blur_y, a.y).compute_at(a.blur_y, a.x).vectorize(a.x, vec)
    return a.blur_y
