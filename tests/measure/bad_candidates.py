"""Candidates in place of the sample `blur` that misbehave, each in its own way.

Each is a pipeline with the same input and output, so a runner takes it for a schedule of the sample. What no schedule of
a small pipeline does for certain (abort, never end), another algorithm does.
"""

from __future__ import annotations

from collections.abc import Callable

import halide as hl

from autosearch.measure.protocol import Candidate
from autosearch.schedule.schedule import Schedule

ILLEGAL = Candidate(
    Schedule.from_json([["blur_x", "compute_root"], ["image_im", "compute_at", ["blur_y", "x"]]]),
)
"""The input's wrapper can't be computed in the output's loops, for its consumer isn't."""

Definition = Callable[[hl.ImageParam, hl.Var, hl.Var, hl.Func], None]


def _instead_of_blur(define: Definition) -> Candidate:
    image, out = hl.ImageParam(hl.UInt(16), 2, "image"), hl.Func("blur_y")
    define(image, hl.Var("x"), hl.Var("y"), out)
    return Candidate(scheduled=hl.serialize_pipeline(hl.Pipeline([out])))


def wrong() -> Candidate:
    """It computes something else."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = image[x, y]

    return _instead_of_blur(define)


def wrong_in_one_element() -> Candidate:
    """The sample, but for one element of the output."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        across = hl.Func("blur_x")
        across[x, y] = (image[x, y] + image[x + 1, y] + image[x + 2, y]) / 3
        right = (across[x, y] + across[x, y + 1] + across[x, y + 2]) / 3
        out[x, y] = right + hl.select((x == 95) & (y == 63), hl.u16(1), hl.u16(0))

    return _instead_of_blur(define)


def reads_too_far() -> Candidate:
    """It asks for more of the input than there is."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = image[x + 1000, y]

    return _instead_of_blur(define)


def dies() -> Candidate:
    """It ends the process that runs it."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        middle = hl.Func("middle")
        middle.define_extern("abort", [], [hl.UInt(16)], [x, y])
        middle.compute_root()
        out[x, y] = image[x, y] + middle[x, y]

    return _instead_of_blur(define)


def never_ends() -> Candidate:
    """It computes for centuries."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        r = hl.RDom([(0, 1 << 30), (0, 1 << 30)], "r")
        out[x, y] = image[x, y]
        out[x, y] = out[x, y] * out[x, y] + hl.u16(r.x) + hl.u16(r.y)

    return _instead_of_blur(define)


def wants_memory() -> Candidate:
    """It allocates 1.5 GiB."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        large = hl.Func("large")
        large[x] = hl.u8(x)
        large.compute_root()
        out[x, y] = image[x, y] + hl.u16(large[x]) + hl.u16(large[x + (3 << 29)])

    return _instead_of_blur(define)


def compiles_for_ages() -> Candidate:
    """Its loops are unrolled into thousands of statements."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = image[x, y] * image[x + 1, y] + image[x, y + 1]
        out.bound(x, 0, 96).bound(y, 0, 64).unroll(x).unroll(y)

    return _instead_of_blur(define)


def kills_the_compiler() -> Candidate:
    """Bytes that aren't a pipeline: Halide's reader goes astray."""
    return Candidate(scheduled=b"garbage")
