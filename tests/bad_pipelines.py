"""Pipelines that can't be tuned, each for another reason."""

from __future__ import annotations

import halide as hl


def no_estimates() -> hl.Func:
    """It doesn't say its sizes."""
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    x, y, out = hl.Var("x"), hl.Var("y"), hl.Func("out")
    out[x, y] = image[x, y] + hl.u8(1)
    return out


def not_compilable() -> hl.Func:
    """It calls a function that is nowhere."""
    x, y, middle, out = hl.Var("x"), hl.Var("y"), hl.Func("middle"), hl.Func("out")
    middle.define_extern("no_such_function_anywhere", [], [hl.Int(32)], [x, y])
    out[x, y] = middle[x, y] + 1
    middle.set_estimates([(0, 16), (0, 16)])
    out.set_estimates([(0, 16), (0, 16)])
    return out


def deadly() -> hl.Func:
    """It ends every process that runs it."""
    x, y, middle, out = hl.Var("x"), hl.Var("y"), hl.Func("middle"), hl.Func("out")
    middle.define_extern("abort", [], [hl.Int(32)], [x, y])
    out[x, y] = middle[x, y] + 1
    middle.set_estimates([(0, 16), (0, 16)])
    out.set_estimates([(0, 16), (0, 16)])
    return out


def undefined() -> hl.Func:
    """It has a name, and no definition."""
    return hl.Func("nothing")


def raises() -> hl.Func:
    """Building it fails."""
    raise RuntimeError("no luck today")


def refused() -> hl.Func:
    """Halide refuses its definition."""
    x, out = hl.Var("x"), hl.Func("out")
    out[x] = hl.f32(1.0) % hl.Func("nothing")[x]
    return out


def needs_an_argument(size: int) -> hl.Func:
    """It isn't a function without arguments."""
    raise AssertionError(size)


number = 7
