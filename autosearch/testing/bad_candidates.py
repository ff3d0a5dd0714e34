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


def _blurred(image: hl.ImageParam, x: hl.Var, y: hl.Var) -> hl.Expr:
    across = hl.Func("blur_x")
    across[x, y] = (image[x, y] + image[x + 1, y] + image[x + 2, y]) / 3
    return (across[x, y] + across[x, y + 1] + across[x, y + 2]) / 3


def wrong() -> Candidate:
    """It computes something else."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = image[x, y]

    return _instead_of_blur(define)


def wrong_in_one_element() -> Candidate:
    """The sample, but for one element of the output."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = _blurred(image, x, y) + hl.select((x == 95) & (y == 63), hl.u16(1), hl.u16(0))

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


def wants_all_memory() -> Candidate:
    """It allocates 30 GB, in blocks of what Halide allows at once."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        total = image[x, y]
        for number in range(15):
            large = hl.Func(f"large{number}")
            large[x] = hl.u8(x)
            large.compute_root()
            total = total + hl.u16(large[x]) + hl.u16(large[x + 2_000_000_000])
        out[x, y] = total

    return _instead_of_blur(define)


def prints_megabytes() -> Candidate:
    """It prints a line for every element, and is right."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = hl.print(_blurred(image, x, y), *["so many words that say nothing" for _ in range(30)])

    return _instead_of_blur(define)


def writes_outside() -> Candidate:
    """It computes 16 columns more than there are. Only a target without assertions lets it."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = _blurred(image, x, y)
        out.bound(x, 0, 112)

    return _instead_of_blur(define)


def right_on_one_input(first: int) -> Candidate:
    """The sample where the input's first element is this one, and something else otherwise."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = _blurred(image, x, y) + hl.select(image[0, 0] == hl.u16(first), hl.u16(0), hl.u16(1))

    return _instead_of_blur(define)


def right_at_one_size() -> Candidate:
    """The sample where the output has 96 columns, and something else otherwise."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = _blurred(image, x, y)
        out[x, y] += hl.select(out.output_buffer().width() == 96, hl.u16(0), hl.u16(1))

    return _instead_of_blur(define)


def only_at_the_size_tuned_for() -> Candidate:
    """The sample, which demands that the output has 96 columns."""

    def define(image: hl.ImageParam, x: hl.Var, y: hl.Var, out: hl.Func) -> None:
        out[x, y] = _blurred(image, x, y)
        out.bound(x, 0, 96)

    return _instead_of_blur(define)
