"""The Harris corner response of a colour image.

C. Harris and M. Stephens, "A combined corner and edge detector", Alvey Vision Conference 1988: Sobel gradients, the
structure tensor summed over 3x3 windows, and det - 0.04 trace^2. float32 RGB, 1536x2560, edges repeated.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT = 1536, 2560
STRIP = 32


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    gray: hl.Func
    grad_x: hl.Func
    grad_y: hl.Func
    response: hl.Func


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y = hl.Var("x"), hl.Var("y")

    padded = hl.BoundaryConditions.repeat_edge(image, [(0, image.width()), (0, image.height())])

    gray = hl.Func("gray")
    gray[x, y] = hl.f32(0.299) * padded[x, y, 0] + hl.f32(0.587) * padded[x, y, 1] + hl.f32(0.114) * padded[x, y, 2]

    # Sobel: a difference across, weighted 1 2 1 along.
    grad_x, grad_y = hl.Func("grad_x"), hl.Func("grad_y")
    smooth = ((-1, hl.f32(1 / 12)), (0, hl.f32(2 / 12)), (1, hl.f32(1 / 12)))
    grad_x[x, y] = sum(w * (gray[x + 1, y + i] - gray[x - 1, y + i]) for i, w in smooth)
    grad_y[x, y] = sum(w * (gray[x + i, y + 1] - gray[x + i, y - 1]) for i, w in smooth)

    def window_sum(name: str, product: hl.Func) -> hl.Func:
        total = hl.Func(name)
        total[x, y] = sum(product[x + i, y + j] for j in (-1, 0, 1) for i in (-1, 0, 1))
        return total

    grad_xx, grad_yy, grad_xy = hl.Func("grad_xx"), hl.Func("grad_yy"), hl.Func("grad_xy")
    grad_xx[x, y] = grad_x[x, y] * grad_x[x, y]
    grad_yy[x, y] = grad_y[x, y] * grad_y[x, y]
    grad_xy[x, y] = grad_x[x, y] * grad_y[x, y]
    sum_xx = window_sum("sum_xx", grad_xx)
    sum_yy = window_sum("sum_yy", grad_yy)
    sum_xy = window_sum("sum_xy", grad_xy)

    det, trace, response = hl.Func("det"), hl.Func("trace"), hl.Func("response")
    det[x, y] = sum_xx[x, y] * sum_yy[x, y] - sum_xy[x, y] * sum_xy[x, y]
    trace[x, y] = sum_xx[x, y] + sum_yy[x, y]
    response[x, y] = det[x, y] - hl.f32(0.04) * trace[x, y] * trace[x, y]

    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    response.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return _Algorithm(x, y, gray, grad_x, grad_y, response)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().response


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    yi = hl.Var("yi")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # Only what is read many times is kept: the gray image and both gradients, as rows that slide down a strip.
    a.response.split(a.y, a.y, yi, STRIP).parallel(a.y).vectorize(a.x, vec)
    for row in (a.gray, a.grad_x, a.grad_y):
        row.store_at(a.response, a.y).compute_at(a.response, yi).vectorize(a.x, vec)
    # One loop makes both gradients from the same loads.
    a.grad_x.compute_with(a.grad_y, a.x)
    return a.response
