"""One compiled kernel in this process: compile it, call it on guarded buffers, time it. Runs inside a worker."""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import compress
from typing import Any, Protocol

import halide as hl
import numpy as np

from autosearch.errors import ScheduleError, ToolchainError
from autosearch.machine import cache_bytes
from autosearch.measure.check import Tolerance, compare
from autosearch.measure.data import GUARD, PAGE, BufferSpec, DataSpec
from autosearch.measure.linked import Runtime
from autosearch.measure.overhead import call_seconds
from autosearch.measure.protect import Access, protect
from autosearch.measure.protocol import Candidate, Effort, Failure, Timed
from autosearch.pipeline.ir import Algorithm
from autosearch.pipeline.parameters import Parameters
from autosearch.pipeline.sizes import Sizes
from autosearch.pipeline.snapshot import numpy_type
from autosearch.schedule.apply import apply

_POISON = 0xA5
_LONG = 0.01
"""Seconds from which a first, cold call is as good a sample as any."""
_MEMORY_WORDS = ("out of memory", "bad_alloc", "too large", "Out of memory", "halide_malloc")
_BOUNDS_WORDS = ("is accessed at", "is smaller than", "extent", "beyond the")


class CandidateError(Exception):
    """A candidate failed in a way that says which."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure
        self.message = message


@dataclass(frozen=True)
class Source:
    """The pipeline that kernels are made of, as it crosses to a worker."""

    data: bytes
    parameters: Parameters
    algorithm: Algorithm
    sizes: Sizes
    target: str
    tolerance: Tolerance

    def compile(self, candidate: Candidate, runtime: Runtime | None = None, library: str = "") -> Kernel:
        """Compile a candidate for this process, ahead of time where there is a runtime. Raises `CandidateError`.

        `library`: what was made of it before.
        """
        params = self.parameters.restore()
        try:
            if candidate.scheduled is not None:
                pipeline = hl.deserialize_pipeline(candidate.scheduled, params)
            else:
                assert candidate.schedule is not None
                pipeline = hl.deserialize_pipeline(self.data, params)
                apply(candidate.schedule, pipeline, self.algorithm)
            by_name = {argument.name: argument for argument in pipeline.infer_arguments()}
            missing = [one.name for one in self.algorithm.inputs if one.name not in by_name]
            arguments = [by_name[one.name] for one in self.algorithm.inputs if one.name not in missing]
            kernel = compile_pipeline(pipeline, arguments, self.target, runtime, library)
        except ScheduleError as error:
            raise CandidateError(Failure.ILLEGAL, str(error)) from error
        except (hl.HalideError, RuntimeError) as error:
            text = _summary(error)
            internal = "Internal error" in str(error)
            raise CandidateError(Failure.COMPILE if internal else Failure.ILLEGAL, text) from error
        except MemoryError as error:
            raise CandidateError(Failure.MEMORY, "the compiler ran out of memory") from error
        return _Sparing(kernel, tuple(one.name not in missing for one in self.algorithm.inputs)) if missing else kernel


class Call(Protocol):
    """A kernel and what it is called with."""

    def repeat(self, times: int) -> None:
        """Call it so often, one call after the other. Raises what Halide does, or `RuntimeError`."""
        ...

    def overhead(self, algorithm: Algorithm, target: str) -> float:
        """Seconds of each call that a program in C++ doesn't spend."""
        ...


class Kernel(Protocol):
    """Something compiled, in this process."""

    @property
    def library(self) -> str:
        """What it was linked as, ahead of time, where other processes find it; "" where it was compiled in memory."""
        ...

    def close(self) -> None:
        """Give back what it takes: it isn't called any more."""
        ...

    def on(self, arguments: Sequence[Any]) -> Call:
        """The call on these arguments: inputs in the algorithm's order, then outputs."""
        ...


@dataclass(frozen=True)
class _InMemory:
    """Compiled by Halide into this process."""

    function: Callable[..., int]
    library: str = ""

    def close(self) -> None:
        pass

    def on(self, arguments: Sequence[Any]) -> Call:
        return _CallInMemory(self.function, tuple(arguments))


@dataclass(frozen=True)
class _CallInMemory:
    function: Callable[..., int]
    arguments: tuple[Any, ...]

    def repeat(self, times: int) -> None:
        function, arguments = self.function, self.arguments
        for _ in range(times):
            function(*arguments)

    def overhead(self, algorithm: Algorithm, target: str) -> float:
        return call_seconds(self.function, self.arguments, algorithm, target)


@dataclass(frozen=True)
class _Sparing:
    """A kernel that turned out not to use some of the inputs."""

    kernel: Kernel
    uses: tuple[bool, ...]

    @property
    def library(self) -> str:
        return self.kernel.library

    def close(self) -> None:
        self.kernel.close()

    def on(self, arguments: Sequence[Any]) -> Call:
        outputs = arguments[len(self.uses) :]
        return self.kernel.on([*compress(arguments, self.uses), *outputs])


def compile_pipeline(
    pipeline: hl.Pipeline, arguments: Sequence[Any], target: str, runtime: Runtime | None, library: str = ""
) -> Kernel:
    """A scheduled pipeline as a kernel; ahead of time where there is a runtime and linking works. Raises what Halide does.

    `library`: what was made of the same before.
    """
    if runtime is not None:
        if library:
            with suppress(ToolchainError):  # the file may be gone
                return runtime.load(library, arguments)
        with suppress(ToolchainError):  # no compiler, no disk: in memory it takes nearly the same time
            return runtime.link(pipeline, arguments, hl.Target(target))
    return _InMemory(pipeline.compile_to_callable(list(arguments), hl.Target(target)))


class Bench:
    """The buffers of one set of inputs, mapped into this process, with private outputs between guards."""

    def __init__(self, spec: DataSpec, memory: mmap.mmap, tolerance: Tolerance) -> None:
        self.spec = spec
        self.memory = memory
        self.tolerance = tolerance
        self.outputs = [_Guarded(buffer) for buffer in spec.outputs]
        self.buffers = {buffer.name: _halide_buffer(buffer, buffer.view(memory)) for buffer in spec.inputs}
        for buffer in (*spec.inputs, *spec.outputs):
            protect(memory, buffer.guard, PAGE, Access.NONE)

    def arguments(self, algorithm: Algorithm) -> list[Any]:
        """What to call a kernel with: inputs in the algorithm's order, then outputs."""
        values: list[Any] = []
        for one in algorithm.inputs:
            if one.dimensions is None:
                kind, value = self.spec.scalars[one.name]
                values.append(numpy_type(kind).type(value).item())
            else:
                values.append(self.buffers[one.name])
        return values + [output.buffer for output in self.outputs]

    def poison(self) -> None:
        """Fill outputs and guards with a pattern, so that what isn't written, or is written outside, shows."""
        for output in self.outputs:
            output.poison()

    def verify(self) -> None:
        """Compare outputs with the reference and look at the guards. Raises `CandidateError`."""
        for output, buffer in zip(self.outputs, self.spec.outputs, strict=True):
            if not output.guards_intact():
                raise CandidateError(Failure.BOUNDS, f"it wrote outside of output {buffer.name}")
            reason = compare(output.array, buffer.view(self.memory), self.tolerance, buffer.type.code == "bfloat")
            if reason:
                raise CandidateError(Failure.WRONG, f"output {buffer.name}: {reason}")

    def publish(self) -> None:
        """Make the outputs just computed the reference for all."""
        for output, buffer in zip(self.outputs, self.spec.outputs, strict=True):
            protect(self.memory, buffer.offset, buffer.nbytes, Access.WRITE)
            buffer.view(self.memory)[...] = output.array
            protect(self.memory, buffer.offset, buffer.nbytes, Access.READ)


class _Guarded:
    """An output buffer in memory of its own, page-aligned, between two guard areas."""

    def __init__(self, spec: BufferSpec) -> None:
        self.spec = spec
        size = -(-spec.nbytes // 64) * 64
        self.memory = mmap.mmap(-1, GUARD + size + GUARD)
        self.bytes = np.frombuffer(self.memory, np.uint8)
        self.array = spec.view(self.memory, GUARD)
        self.buffer = _halide_buffer(spec, self.array)

    def poison(self) -> None:
        self.bytes.fill(_POISON)

    def guards_intact(self) -> bool:
        end = GUARD + self.spec.nbytes
        return bool((self.bytes[:GUARD] == _POISON).all() and (self.bytes[end:] == _POISON).all())


def _halide_buffer(spec: BufferSpec, array: np.ndarray[Any, Any]) -> Any:
    if not spec.box:
        buffer = hl.Buffer(array, reverse_axes=False)
        return buffer
    buffer = hl.Buffer(array, reverse_axes=False)
    buffer.set_min([int(low) for low, _ in spec.box])
    return buffer


def time_kernel(call: Call, bench: Bench, effort: Effort, publish: bool) -> Timed:
    """Run a kernel: check its output (or publish it as the reference), then take samples of its time."""
    try:
        if effort.check or publish:
            bench.poison()
            first = _sample(call, 1)
            if publish:
                bench.publish()
            else:
                bench.verify()
            if first > 4 * effort.give_up or first > 4 * effort.seconds:
                return Timed((first,), checked=True)
        return Timed(_samples(call, effort), checked=effort.check)
    except CandidateError as error:
        return Timed(failure=error.failure, message=error.message, checked=True)
    except (hl.HalideError, RuntimeError, MemoryError) as error:
        text = _summary(error)
        failure = Failure.RUNTIME
        if any(word in text for word in _MEMORY_WORDS):
            failure = Failure.MEMORY
        elif any(word in text for word in _BOUNDS_WORDS):
            failure = Failure.BOUNDS
        return Timed(failure=failure, message=text)


def _samples(call: Call, effort: Effort) -> tuple[float, ...]:
    if effort.cold:
        return _cold_samples(call, effort)
    trial = _sample(call, 1)  # warms caches up, and tells how many calls make a sample
    calls = max(1, min(10_000, int(effort.sample_seconds / max(trial, 1e-7))))
    times = [trial] if trial > _LONG else []
    spent = sum(times)
    while len(times) < effort.samples and (spent < effort.seconds or len(times) < effort.min_samples):
        if spent > 4 * effort.seconds and times:
            break
        times.append(_sample(call, calls))
        spent += times[-1] * calls
        if times[-1] > effort.give_up and len(times) >= min(2, effort.samples):
            break
    return tuple(times)


def _cold_samples(call: Call, effort: Effort) -> tuple[float, ...]:
    times: list[float] = []
    while len(times) < effort.samples and (sum(times) < effort.seconds or len(times) < effort.min_samples):
        _empty_caches()
        times.append(_sample(call, 1))
    return tuple(times)


@cache
def _filler() -> np.ndarray[Any, Any]:
    return np.zeros(2 * cache_bytes()[-1], np.uint8)


def _empty_caches() -> None:
    """Write twice as much as the last cache holds, so that nothing else is left in it."""
    filler = _filler()
    filler += 1


def _sample(call: Call, calls: int) -> float:
    start = time.perf_counter_ns()
    call.repeat(calls)
    return (time.perf_counter_ns() - start) / calls * 1e-9


def _summary(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3])[:400] if lines else type(error).__name__
