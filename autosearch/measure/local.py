"""Runs candidates in worker processes on this machine: several build at once, one is timed at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from autosearch.errors import MeasureError, ToolchainError
from autosearch.measure.autoschedulers import AutoschedulerReply, AutoschedulerRequest
from autosearch.measure.data import DataSets, SharedMemory
from autosearch.measure.kernel import Source
from autosearch.measure.libraries import Libraries
from autosearch.measure.linked import runtime
from autosearch.measure.messages import BuildReply, BuildRequest, ReleaseRequest, RunRequest, Setup, UnknownKernel
from autosearch.measure.process import Death, WorkerProcess
from autosearch.measure.protocol import Built, Candidate, Effort, Failure, Inputs, Limits, Timed
from autosearch.toolchain import find_compiler

_START_SECONDS = 60.0
_STARTS = 10
"""A process that somebody kills while it starts is started anew so many times in all."""


class LocalRunner:
    """Implements `Runner` with `workers` processes on `memory`, which it owns.

    A process that hangs, or dies, is replaced; its candidate fails. Where somebody else killed the
    process, the candidate gets one more try.
    """

    def __init__(
        self,
        source: Source,
        data: DataSets,
        memory: SharedMemory,
        limits: Limits,
        workers: int = 2,
        threads: int | None = None,
    ) -> None:
        self.limits = limits
        self.threads = threads or len(os.sched_getaffinity(0))
        self._setup = Setup(source, data, limits.memory_bytes, _runtime(source.target))
        self._memory = memory
        self._workers: list[WorkerProcess | None] = [None] * workers
        self._generations = [0] * workers
        self._next_kernel = 0
        self._rebuilt: dict[tuple[int, int], Built] = {}
        """By the old handle: kernels built again, since the process that held them is gone."""
        self._libraries = Libraries()
        self._closed = False

    # Runner --------------------------------------------------------------------------------------------------------

    def limit(self, limits: Limits) -> None:
        """See `Runner.limit`."""
        self.limits = limits

    @property
    def places(self) -> int:
        """The number of workers."""
        return len(self._workers)

    def build(self, candidates: Sequence[Candidate], places: Sequence[int] | None = None) -> list[Built]:
        """Compile the candidates, see `Runner.build`. What is linked is compiled once, whatever the places that want it."""
        results: list[Built | None] = [None] * len(candidates)
        waiting = list(enumerate(candidates))
        retried: set[int] = set()
        busy: dict[int, _Job] = {}
        while waiting or busy:
            for number in range(len(self._workers)):
                compiling = {job.request.candidate for job in busy.values() if self._setup.runtime}
                own = (
                    (place, candidate)
                    for place, candidate in waiting
                    if (places is None or places[place] == number) and candidate not in compiling
                )
                if number not in busy and (following := next(own, None)) is not None:
                    waiting.remove(following)
                    busy[number] = self._start_build(number, *following)
            for number in self._finished(busy):
                job = busy.pop(number)
                reply = self._collect(number)
                if self._deserves_another_try(job.place, reply, retried):
                    waiting.insert(0, (job.place, job.request.candidate))
                else:
                    results[job.place] = self._finish_build(number, job, reply)
        return [result for result in results if result is not None]

    def run(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """Time one kernel, see `Runner.run`."""
        return self._run(built, effort, inputs, publish=False)

    def publish(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """Time one kernel and make its output the reference, see `Runner.publish`."""
        return self._run(built, effort, inputs, publish=True)

    def _run(self, built: Built, effort: Effort, inputs: Inputs, publish: bool, tries: int = 2) -> Timed:
        if built.handle is None:
            return Timed(failure=built.failure, message=built.message)
        number, kernel = self._locate(built)
        if number is None:
            again = self.build([built.candidate], [built.place])[0]
            self._rebuilt[built.handle] = again
            if again.handle is None:
                return Timed(failure=again.failure, message=again.message)
            number, kernel = self._locate(again)
            assert number is not None
        calls = 2 + effort.samples
        limit = self.limits.run_seconds + min(effort.seconds * calls, 4 * self.limits.run_seconds)
        if publish:
            limit = self.limits.reference_seconds
        reply = self._ask(number, RunRequest(kernel, effort, inputs, publish), limit)
        if isinstance(reply, Timed):
            return reply
        if reply is Failure.RUN_TIMEOUT:
            return Timed(failure=reply, message=f"no end after {limit:.1f} s")
        if isinstance(reply, UnknownKernel):
            reply = Death("its process was killed", from_outside=True)
        if reply.from_outside and tries > 1:
            return self._run(built, effort, inputs, publish, tries - 1)
        return Timed(failure=Failure.CRASH, message=reply.message)

    def release(self, built: Sequence[Built]) -> None:
        """Forget kernels, see `Runner.release`."""
        by_worker: dict[int, list[int]] = {}
        for one in built:
            if one.handle is not None:
                number, kernel = self._locate(one)
                if number is not None:
                    by_worker.setdefault(number, []).append(kernel)
        for number, kernels in by_worker.items():
            self._ask(number, ReleaseRequest(tuple(kernels)), self.limits.run_seconds)
        for one in built:
            if one.handle is not None:
                again = self._rebuilt.pop(one.handle, None)
                self._libraries.drop(one.handle)
                if again is not None and again.handle is not None:
                    self._libraries.drop(again.handle)

    def reset(self) -> None:
        """Drop whatever is going on: all workers are replaced. See `Runner.reset`."""
        for number in range(len(self._workers)):
            self._kill(number)

    def close(self) -> None:
        """End all workers and give the memory back, see `Runner.close`."""
        if not self._closed:
            self._closed = True
            self.reset()
            self._libraries.close()
            self._memory.close()

    # More than a Runner must do ------------------------------------------------------------------------------------

    def autoschedule(self, requests: Sequence[AutoschedulerRequest], seconds: float) -> list[AutoschedulerReply]:
        """Run autoschedulers side by side, each for at most `seconds`."""
        results: list[AutoschedulerReply | None] = [None] * len(requests)
        waiting = list(enumerate(requests))
        waiting.reverse()
        retried: set[int] = set()
        busy: dict[int, _Job] = {}
        while waiting or busy:
            for number in range(len(self._workers)):
                if number not in busy and waiting:
                    place, request = waiting.pop()
                    busy[number] = self._start(number, place, request, seconds)
            for number in self._finished(busy):
                job = busy.pop(number)
                reply = self._collect(number)
                if self._deserves_another_try(job.place, reply, retried):
                    waiting.append((job.place, job.request))
                else:
                    results[job.place] = self._finish_autoschedule(job, reply, seconds)
        return [result for result in results if result is not None]

    def warm_up(self) -> None:
        """Start all workers, side by side. Raises `MeasureError` where they can't run."""
        for number in range(len(self._workers)):
            self._process(number, wait_ready=False)
        for number in range(len(self._workers)):
            self._process(number)

    def processes(self) -> list[int]:
        """Process identifiers of the workers alive."""
        return [worker.pid for worker in self._workers if worker is not None]

    # Requests ------------------------------------------------------------------------------------------------------

    def _start_build(self, number: int, place: int, candidate: Candidate) -> _Job:
        self._next_kernel += 1
        request = BuildRequest(self._next_kernel, candidate, self._libraries.of(candidate))
        return self._start(number, place, request, self.limits.compile_seconds)

    def _start(self, number: int, place: int, request: Any, seconds: float) -> _Job:
        for tries_left in reversed(range(_STARTS)):
            job = _Job(place, request, time.monotonic() + seconds)
            try:
                self._process(number).connection.send(request)
                break
            except OSError:  # it died since it was last heard of
                self._kill(number)
                if not tries_left:
                    raise MeasureError("worker processes die as soon as they have started") from None
        return job

    def _finished(self, busy: dict[int, _Job]) -> list[int]:
        """Numbers of workers that answered, died or ran out of time; waits for at least one where any is busy."""
        if not busy:
            return []
        connections = {self._process(number).connection: number for number in busy}
        nearest = min(job.deadline for job in busy.values())
        ready = wait(list(connections), timeout=max(0.0, nearest - time.monotonic()))
        done = [connections[connection] for connection in ready if isinstance(connection, Connection)]
        now = time.monotonic()
        return done + [number for number, job in busy.items() if job.deadline <= now and number not in done]

    def _collect(self, number: int) -> Any:
        """The answer of a finished worker; None if it ran out of time, a `Death` if it died."""
        worker = self._workers[number]
        assert worker is not None
        if not worker.connection.poll():
            self._kill(number)
            return None
        try:
            return worker.connection.recv()
        except (EOFError, OSError):
            message = worker.obituary()
            death = Death(message, worker.killed_from_outside)
            self._kill(number)
            return death

    @staticmethod
    def _deserves_another_try(place: int, reply: Any, retried: set[int]) -> bool:
        """Once, where the process that worked on it was killed from outside."""
        again = isinstance(reply, Death) and reply.from_outside and place not in retried
        if again:
            retried.add(place)
        return again

    def _finish_build(self, number: int, job: _Job, reply: Any) -> Built:
        candidate, kernel = job.request.candidate, job.request.kernel
        seconds = time.monotonic() - job.started
        if isinstance(reply, BuildReply):
            handle = (number + self._generations[number] * len(self._workers), kernel)
            made = handle if reply.failure is None else None
            if made is not None and reply.library:
                self._libraries.add(candidate, made, reply.library)
            return Built(candidate, made, number, reply.seconds, reply.failure, reply.message, bool(reply.library))
        if reply is None:
            message = f"not compiled after {seconds:.1f} s"
            return Built(candidate, None, number, seconds, Failure.COMPILE_TIMEOUT, message)
        return Built(candidate, None, number, seconds, Failure.CRASH, f"the compiler died: {reply.message}")

    def _finish_autoschedule(self, job: _Job, reply: Any, limit: float) -> AutoschedulerReply:
        seconds = time.monotonic() - job.started
        if isinstance(reply, AutoschedulerReply):
            return reply
        if reply is None:
            return AutoschedulerReply(None, "", seconds, Failure.COMPILE_TIMEOUT, f"no result after {limit:.0f} s")
        return AutoschedulerReply(None, "", seconds, Failure.CRASH, f"it crashed: {reply.message}")

    def _ask(self, number: int, request: Any, seconds: float) -> Any:
        job = self._start(number, 0, request, seconds)
        self._finished({number: job})
        reply = self._collect(number)
        if reply is None and not isinstance(request, ReleaseRequest):
            return Failure.RUN_TIMEOUT
        return reply

    def _locate(self, built: Built) -> tuple[int | None, int]:
        """The worker that holds a kernel; None if that process is gone."""
        assert built.handle is not None
        where, kernel = self._rebuilt.get(built.handle, built).handle or built.handle
        generation, number = divmod(where, len(self._workers))
        alive = generation == self._generations[number] and self._workers[number] is not None
        return (number if alive else None), kernel

    # Processes -----------------------------------------------------------------------------------------------------

    def _process(self, number: int, wait_ready: bool = True) -> WorkerProcess:
        if self._closed:
            raise MeasureError("the runner is closed")
        tries = 0
        while True:
            worker = self._workers[number]
            if worker is None:
                worker = WorkerProcess(self._setup, self._memory, self.threads)
                self._workers[number] = worker
                self._generations[number] += 1
                tries += 1
            if not wait_ready:
                return worker
            try:
                worker.await_ready()
                return worker
            except MeasureError:
                again = worker.killed_from_outside and tries < _STARTS
                self._kill(number)
                if not again:
                    raise

    def _kill(self, number: int) -> None:
        worker = self._workers[number]
        self._workers[number] = None
        if worker is not None:
            worker.kill()


def _runtime(target: str) -> str:
    """Where the library is that kernels are linked with; "" where there is nothing to link with."""
    try:
        find_compiler()
        return runtime(target)
    except ToolchainError:
        return ""


@dataclass
class _Job:
    place: int
    request: Any
    deadline: float
    started: float = field(default_factory=time.monotonic)
