"""The pipeline that the suites work on: a small blur, with schedules of it."""

from __future__ import annotations

import halide as hl

from autosearch.schedule.schedule import Schedule

WIDTH, HEIGHT = 96, 64


def blur() -> hl.Func:
    """Two stencils in a row, no boundary condition."""
    image = hl.ImageParam(hl.UInt(16), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    blur_x, blur_y = hl.Func("blur_x"), hl.Func("blur_y")
    blur_x[x, y] = (image[x, y] + image[x + 1, y] + image[x + 2, y]) / 3
    blur_y[x, y] = (blur_x[x, y] + blur_x[x, y + 1] + blur_x[x, y + 2]) / 3
    blur_y.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return blur_y


ROOT = Schedule.from_json([["blur_x", "compute_root"]])
TILED = Schedule.from_json(
    [
        ["blur_y", "split", "y", "yo", "yi", 8, "GuardWithIf"],
        ["blur_y", "split", "x", "xo", "xi", 16, "ShiftInwards"],
        ["blur_y", "reorder", ["xi", "xo", "yi", "yo"]],
        ["blur_y", "vectorize", "xi"],
        ["blur_y", "parallel", "yo"],
        ["blur_x", "compute_at", ["blur_y", "yo"]],
        ["blur_x", "split", "x", "xo", "xi", 16, "GuardWithIf"],
        ["blur_x", "vectorize", "xi"],
    ]
)
