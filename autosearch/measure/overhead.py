"""What calling a kernel from Python takes by itself, which a program that calls it from C++ doesn't spend."""

from __future__ import annotations

import time
from functools import cache

import halide as hl

from autosearch.pipeline.ir import Algorithm

_CALLS, _REPEATS = 200, 9
_SHORT = 5e-4
"""Seconds of a kernel from which on it doesn't matter."""


def without_call(times: tuple[float, ...], algorithm: Algorithm, target: str) -> tuple[float, ...]:
    """Times of an algorithm's kernel without what the calls took; never less than a tenth of them."""
    if not times or min(times) >= _SHORT:
        return times
    scalars = sum(one.dimensions is None for one in algorithm.inputs)
    outputs = sum(len(algorithm.func(name).types) for name in algorithm.outputs)
    overhead = call_seconds(len(algorithm.inputs) - scalars, scalars, outputs, target)
    return tuple(max(0.1 * one, one - overhead) for one in times)


@cache
def call_seconds(buffers: int, scalars: int, outputs: int, target: str) -> float:
    """Seconds that a call takes of a kernel with so many input buffers, scalars and output buffers that does nothing.

    Compiled and measured once in a process, which takes some 50 ms.
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
    arguments = (
        [hl.Buffer(hl.UInt(8), [1]) for _ in images] + [1] * scalars + [hl.Buffer(hl.UInt(8), [1]) for _ in funcs]
    )
    return min(_mean(call, arguments) for _ in range(_REPEATS))


def _mean(call: object, arguments: list[object]) -> float:
    assert callable(call)
    start = time.perf_counter_ns()
    for _ in range(_CALLS):
        call(*arguments)
    return (time.perf_counter_ns() - start) / _CALLS * 1e-9
