"""The worker process: compiles and runs candidates for `LocalRunner`, and dies in its stead.

Started as `python -m autosearch.measure.worker CHANNEL MEMORY NOISE`, three inherited file descriptors: a connection,
the shared memory, and a file for whatever Halide or a kernel prints. It answers one request at a time. It limits its
own memory and the size of files it may write, and the kernel kills it when its parent dies.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import resource
import signal
import sys
import time
import traceback
from dataclasses import replace
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any

from autosearch.errors import ToolchainError
from autosearch.measure.autoschedulers import AutoschedulerRequest, run_autoscheduler
from autosearch.measure.kernel import Bench, CandidateError, Kernel, time_kernel
from autosearch.measure.linked import Runtime
from autosearch.measure.messages import BuildReply, BuildRequest, ReleaseRequest, RunRequest, Setup, UnknownKernel
from autosearch.measure.over_sizes import over_sizes
from autosearch.measure.overhead import SHORT, without_call
from autosearch.measure.protect import Access, protect
from autosearch.measure.protocol import Inputs, Timed

_PR_SET_PDEATHSIG = 1
_FILE_BYTES = 1 << 26
"""For what is printed, and for what is compiled."""


class _Worker:
    def __init__(self, setup: Setup, memory_fd: int) -> None:
        self.setup = setup
        self.memory_fd = memory_fd
        self.memory: mmap.mmap | None = None
        self.benches: dict[Inputs, list[Bench]] = {}
        self.kernels: dict[int, Kernel] = {}
        self.overheads: dict[int, float] = {}
        """Seconds that calling each short kernel takes by itself."""

    @cached_property
    def runtime(self) -> Runtime | None:
        """What kernels are linked with."""
        try:
            return Runtime(self.setup.runtime) if self.setup.runtime else None
        except ToolchainError:
            return None

    def handle(self, request: Any) -> Any:
        if isinstance(request, BuildRequest):
            return self.build(request)
        if isinstance(request, RunRequest):
            return self.run(request)
        if isinstance(request, ReleaseRequest):
            for number in request.kernels:
                self.overheads.pop(number, None)
                kernel = self.kernels.pop(number, None)
                if kernel is not None:
                    kernel.close()
            return None
        if isinstance(request, AutoschedulerRequest):
            return run_autoscheduler(self.setup.source, request)
        raise TypeError(f"unknown request {type(request).__name__}")

    def build(self, request: BuildRequest) -> BuildReply:
        start = time.perf_counter()
        try:
            kernel = self.setup.source.compile(request.candidate, self.runtime, request.library)
        except CandidateError as error:
            return BuildReply(time.perf_counter() - start, error.failure, error.message)
        self.kernels[request.kernel] = kernel
        return BuildReply(time.perf_counter() - start, library=kernel.library)

    def run(self, request: RunRequest) -> Timed | UnknownKernel:
        if request.kernel not in self.kernels:
            return UnknownKernel()
        found: list[Timed] = []
        benches = self.at_sizes(request.inputs)
        for bench in benches:
            found.append(self.run_on(bench, request))
            if found[-1].failure is not None:
                where = " x ".join(str(extent) for extent in bench.spec.outputs[0].shape)
                message = found[-1].message if len(benches) == 1 else f"at {where}: {found[-1].message}"
                found[-1] = replace(found[-1], message=message)
                break
        return over_sizes(found)

    def run_on(self, bench: Bench, request: RunRequest) -> Timed:
        call = self.kernels[request.kernel].on(bench.arguments(self.setup.source.algorithm))
        timed = time_kernel(call, bench, request.effort, request.publish)
        if not timed.times or min(timed.times) >= SHORT:
            return timed
        if request.kernel not in self.overheads:
            self.overheads[request.kernel] = call.overhead(self.setup.source.algorithm, self.setup.source.target)
        return replace(timed, times=without_call(timed.times, self.overheads[request.kernel]))

    def at_sizes(self, inputs: Inputs) -> list[Bench]:
        if inputs not in self.benches:
            if self.memory is None:
                self.memory = mmap.mmap(self.memory_fd, 0)
                protect(self.memory, 0, len(self.memory), Access.READ)
            sets = self.setup.data[inputs.value]
            self.benches[inputs] = [Bench(one, self.memory, self.setup.source.tolerance) for one in sets]
        return self.benches[inputs]


def main() -> None:
    """Serve requests until the connection closes."""
    channel_fd, memory_fd, noise_fd = (int(argument) for argument in sys.argv[1:4])
    _die_with_parent()
    os.dup2(noise_fd, 1)
    os.dup2(noise_fd, 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the tuner's to answer
    connection = Connection(channel_fd)
    try:
        setup = connection.recv()
        resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _limit_memory(setup.memory_bytes)
        worker = _Worker(setup, memory_fd)
        connection.send("ready")
        while True:
            request = connection.recv()
            os.ftruncate(noise_fd, 0)
            connection.send(worker.handle(request))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # don't run destructors of half-broken kernels
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _limit_memory(limit: int) -> None:
    """Bound the address space to what is mapped now and `limit` bytes more."""
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * mmap.PAGESIZE
    resource.setrlimit(resource.RLIMIT_AS, (mapped + limit, mapped + limit))


def _die_with_parent() -> None:
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return  # not Linux: the connection's end is all there is
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main()
