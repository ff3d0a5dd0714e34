"""An unsharp mask over a 1536 x 2560 RGB photograph, unscheduled: `autosearch tune examples/unsharp.py:pipeline`."""

import math

import halide as hl

WIDTH, HEIGHT = 1536, 2560
SIGMA = 1.5


def pipeline() -> hl.Func:
    """The luminance is sharpened against its Gaussian blur; each colour is scaled by the ratio."""
    image = hl.ImageParam(hl.Float(32), 3, "image")
    x, y, c, tap = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.Var("tap")
    padded = hl.BoundaryConditions.repeat_edge(image)

    kernel, gray = hl.Func("kernel"), hl.Func("gray")
    kernel[tap] = hl.exp(hl.f32(-tap * tap) / (2 * SIGMA * SIGMA)) / hl.f32(math.sqrt(2 * math.pi) * SIGMA)
    gray[x, y] = hl.f32(0.299) * padded[x, y, 0] + hl.f32(0.587) * padded[x, y, 1] + hl.f32(0.114) * padded[x, y, 2]

    blur_y, blur_x = hl.Func("blur_y"), hl.Func("blur_x")
    blur_y[x, y] = kernel[0] * gray[x, y] + sum(kernel[i] * (gray[x, y - i] + gray[x, y + i]) for i in (1, 2, 3))
    blur_x[x, y] = kernel[0] * blur_y[x, y] + sum(kernel[i] * (blur_y[x - i, y] + blur_y[x + i, y]) for i in (1, 2, 3))

    ratio, sharpened = hl.Func("ratio"), hl.Func("sharpened")
    ratio[x, y] = (2 * gray[x, y] - blur_x[x, y]) / gray[x, y]
    sharpened[x, y, c] = ratio[x, y] * image[x, y, c]

    # The sizes to tune for. Without estimates, pass example arrays: tune(..., inputs={"image": array}).
    image.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    sharpened.set_estimates([(0, WIDTH), (0, HEIGHT), (0, 3)])
    return sharpened
