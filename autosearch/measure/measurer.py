"""Measures batches of schedules with a runner: all built side by side, then each timed alone and checked."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autosearch.errors import MeasureError
from autosearch.measure.protocol import Built, Candidate, Effort, Failure, Limits, Runner, Timed

LEAST_COMPILED = 10
"""Successful builds before the limit on compile time adapts to them."""
COMPILE_FACTOR = 8.0
RUN_FACTOR = 50.0
GIVE_UP = 1.4
"""A candidate whose first samples are this much slower than the best so far is not timed further."""


@dataclass(frozen=True)
class Measurement:
    """One candidate, measured: its times (seconds a call), or its failure, and what it cost."""

    candidate: Candidate
    times: tuple[float, ...] = ()
    failure: Failure | None = None
    message: str = ""
    compile_seconds: float = 0.0


class Measurer:
    """Builds and times candidates; the first one measured with `reference` defines what is right.

    The time that a candidate may take follows from the good ones so far: a multiple of what they took to compile, and
    of what the best one runs.
    """

    def __init__(self, runner: Runner, limits: Limits, effort: Effort | None = None) -> None:
        self.runner = runner
        self.limits = limits
        self.effort = effort or Effort()
        self._compile_seconds: list[float] = []

    def current_limits(self, best: float | None) -> Limits:
        """The limits for the next batch; `best` is the best time so far, in seconds."""
        compile_seconds, run_seconds = self.limits.compile_seconds, self.limits.run_seconds
        if len(self._compile_seconds) >= LEAST_COMPILED:
            typical = statistics.median(self._compile_seconds)
            compile_seconds = min(compile_seconds, max(4.0, COMPILE_FACTOR * typical))
        if best is not None:
            run_seconds = min(run_seconds, max(1.0, RUN_FACTOR * best))
        return replace(self.limits, compile_seconds=compile_seconds, run_seconds=run_seconds)

    def reference(self, candidate: Candidate) -> Measurement:
        """Measure `candidate` and make its output the reference. Raises `MeasureError` where it can't be run."""
        self.runner.limit(self.limits)
        built = self.runner.build([candidate])[0]
        timed = self.runner.publish(built, self.effort)
        self.runner.release([built])
        measurement = _join(built, timed)
        if measurement.failure is not None:
            raise MeasureError(
                "the pipeline can't be compiled and run even with compute_root everywhere, so there is nothing to tune "
                f"({measurement.failure.value}): {measurement.message}"
            )
        return measurement

    def measure(self, candidates: Sequence[Candidate], best: float | None) -> Iterator[Measurement]:
        """Measure candidates; yields each as soon as it is known. `best` (seconds) lets slow ones be given up early."""
        self.runner.limit(self.current_limits(best))
        built = self.runner.build(candidates)
        self._compile_seconds += [one.seconds for one in built if one.handle is not None]
        try:
            for one in built:
                limit = GIVE_UP * best if best is not None else float("inf")
                effort = Effort(
                    self.effort.samples,
                    self.effort.seconds,
                    self.effort.min_samples,
                    self.effort.sample_seconds,
                    limit,
                )
                measurement = _join(one, self.runner.run(one, effort) if one.handle is not None else Timed())
                if measurement.times:
                    seconds = min(measurement.times)
                    best = seconds if best is None else min(best, seconds)
                yield measurement
        finally:
            self.runner.release(built)


def _join(built: Built, timed: Timed) -> Measurement:
    failure = built.failure if built.failure is not None else timed.failure
    message = built.message if built.failure is not None else timed.message
    return Measurement(built.candidate, timed.times, failure, message, built.seconds)


class Stopwatch:
    """Adds up the time spent inside its `with` blocks."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._start = 0.0

    def __enter__(self) -> Stopwatch:
        self._start = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._start
