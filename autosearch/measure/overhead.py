"""What calling a kernel from Python takes by itself, which a program that calls it from C++ doesn't spend."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from statistics import median
from typing import Any

import halide as hl

from autosearch.pipeline.ir import Algorithm

_CALLS = 31
SHORT = 5e-4
"""Seconds of a kernel from which on it doesn't matter."""

Call = Callable[..., int]


def without_call(times: tuple[float, ...], overhead: float) -> tuple[float, ...]:
    """Times without what the calls took; never less than a tenth of them."""
    return tuple(max(0.1 * one, one - overhead) for one in times)


def call_seconds(kernel: Call, arguments: Sequence[Any], algorithm: Algorithm, target: str) -> float:
    """Seconds that a call of this kernel takes besides the kernel.

    They are those of a kernel that does nothing, called each time right after this one, for that is when calls happen:
    what the kernel leaves of the caches decides how long Python's own code takes, by up to twice.
    """
    scalars = sum(one.dimensions is None for one in algorithm.inputs)
    outputs = sum(len(algorithm.func(name).types) for name in algorithm.outputs)
    nothing, empty = nothing_kernel(len(algorithm.inputs) - scalars, scalars, outputs, target)
    clock, calls = [], []
    for _ in range(_CALLS):
        kernel(*arguments)
        start = time.perf_counter_ns()
        clock.append(time.perf_counter_ns() - start)
        kernel(*arguments)
        start = time.perf_counter_ns()
        nothing(*empty)
        calls.append(time.perf_counter_ns() - start)
    return max(0.0, median(calls) - median(clock)) * 1e-9


@cache
def nothing_kernel(buffers: int, scalars: int, outputs: int, target: str) -> tuple[Call, tuple[Any, ...]]:
    """A kernel of so many input buffers, scalars and output buffers that does next to nothing, and what to call it with.

    Compiled once in a process, which takes some 50 ms.
    """
    images = [hl.ImageParam(hl.UInt(8), 1, f"image{number}") for number in range(buffers)]
    values = [hl.Param(hl.UInt(8), f"value{number}") for number in range(scalars)]
    x = hl.Var("x")
    total = hl.u8(0)
    for image in images:
        total = total + image[x]
    for value in values:
        total = total + value
    funcs = []
    for number in range(outputs):
        func = hl.Func(f"output{number}")
        func[x] = total
        funcs.append(func)
    pipeline = hl.Pipeline(funcs)
    call = pipeline.compile_to_callable(pipeline.infer_arguments(), hl.Target(target))
    one = [hl.Buffer(hl.UInt(8), [1]) for _ in range(buffers + outputs)]
    return call, (*one[:buffers], *[1] * scalars, *one[buffers:])
