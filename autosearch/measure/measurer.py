"""Measures batches of schedules with a runner: all built side by side, then checked and timed in turn."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from autosearch.errors import MeasureError
from autosearch.measure.anchors import Anchors
from autosearch.measure.protocol import Built, Candidate, Effort, Failure, Inputs, Limits, Runner, Timed
from autosearch.measure.standing import Standing
from autosearch.measure.statistics import adjusted, typical
from autosearch.measure.turns import Turns, take_turns

LEAST_COMPILED = 4
"""Successful builds before the limit on compile time adapts to them."""
COMPILE_FACTOR = 4.0
FASTEST = 8
RUN_FACTOR = 50.0
_CHECK = Effort(samples=1, seconds=0.0, min_samples=1, sample_seconds=0.0)
_SIZES = {Inputs.ODD: "an odd", Inputs.SMALL: "a small"}
SLOWED, NEAR = 1.25, 1.15
"""What was timed while the machine took this many times as long as usual, and may be the best or nearly, is timed again.

A slowed machine slows kernels differently: where a core is taken, those with few tasks more than those with many.
"""


@dataclass(frozen=True)
class Measurement:
    """One candidate, measured: its times (seconds a call), or its failure, and what it cost."""

    candidate: Candidate
    times: tuple[float, ...] = ()
    paces: tuple[float, ...] = ()
    """How slow the machine was at each of `times`, as a factor, see `autosearch.measure.turns`."""
    failure: Failure | None = None
    message: str = ""
    compile_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """The time to go by, at the machine's usual pace. Needs `times`."""
        return typical(adjusted(self.times, self.paces))


class Measurer:
    """Builds and times candidates; the first one measured with `reference` defines what is right.

    The time that a candidate may take follows from the good ones so far: a multiple of what they took to compile, and
    of what the best one runs. With `any_size`, candidates must also work at the sizes that are there to check at. The
    kernels of the reference, of baselines and of the `fastest` others are held, see `Standing`.
    """

    def __init__(
        self,
        runner: Runner,
        limits: Limits,
        effort: Effort | None = None,
        any_size: bool = False,
        fastest: int = FASTEST,
    ) -> None:
        self._beside: tuple[Inputs, ...] = (Inputs.ODD, Inputs.SMALL) if any_size else ()
        self.runner = runner
        self.limits = limits
        self.effort = effort or Effort()
        self._compile_seconds: list[float] = []
        self.anchors = Anchors(runner)
        self.standing = Standing(runner, fastest)

    def current_limits(self, best: float | None) -> Limits:
        """The limits for the next batch; `best` is the best time so far, in seconds."""
        compile_seconds, run_seconds = self.limits.compile_seconds, self.limits.run_seconds
        if len(self._compile_seconds) >= LEAST_COMPILED:
            usual = statistics.median(self._compile_seconds)
            compile_seconds = min(compile_seconds, max(4.0, COMPILE_FACTOR * usual))
        if best is not None:
            run_seconds = min(run_seconds, max(1.0, RUN_FACTOR * best))
        return replace(self.limits, compile_seconds=compile_seconds, run_seconds=run_seconds)

    def reference(self, candidate: Candidate) -> Measurement:
        """Measure `candidate` and make its output the reference. Raises `MeasureError` where it can't be run."""
        self.runner.limit(self.limits)
        built = self.runner.build([candidate])[0]
        timed = self.runner.publish(built, self.effort)
        if timed.failure is None:  # an algorithm need not work at every size
            self._beside = tuple(one for one in self._beside if self.runner.publish(built, _CHECK, one).failure is None)
        self.standing.keep([built])
        measurement = _join(built, timed)
        if measurement.failure is not None:
            raise MeasureError(
                "the pipeline can't be compiled and run even with compute_root everywhere, so there is nothing to tune "
                f"({measurement.failure.value}): {measurement.message}"
            )
        return measurement

    def measure(
        self, candidates: Sequence[Candidate], best: float | None, baselines: bool = False, limits: Limits | None = None
    ) -> Iterator[Measurement]:
        """Measure candidates and yield the results in order. `best` (seconds) lets slow ones be given up early.

        `baselines`: they are such, which count even where they work only at the sizes tuned for; `limits`: others than
        usual.
        """
        self.runner.limit(limits or self.current_limits(best))
        built = self.runner.build(candidates)
        self._compile_seconds += [one.seconds for one in built if one.handle is not None]
        found: list[Measurement] = []
        try:
            turns: dict[int, Turns] = {}
            for place in range(self.runner.places):
                members = [number for number, one in enumerate(built) if one.place == place]
                turns.update(zip(members, self._turns(place, [built[number] for number in members], best), strict=True))
            found = [_join(one, turns[number].timed, turns[number].paces) for number, one in enumerate(built)]
            if not baselines:
                found = [self._checked(one, measured) for one, measured in zip(built, found, strict=True)]
            yield from found
        finally:
            if baselines:
                self.standing.keep(built)
            else:
                seconds = [one.seconds if one.times else None for one in found] or [None] * len(built)
                self.standing.consider(built, seconds)
        good = [one for one in found if one.times]
        if good:
            fastest = min(good, key=lambda one: one.seconds)
            self.anchors.consider(fastest.candidate, fastest.seconds)

    def _checked(self, built: Built, measured: Measurement) -> Measurement:
        """What was measured, or the failure where it doesn't work at a size to check at."""
        for inputs in self._beside if measured.times else ():
            timed = self.runner.run(built, _CHECK, inputs)
            if timed.failure is not None:
                message = f"at {_SIZES[inputs]} size: {timed.message}"
                return replace(measured, times=(), paces=(), failure=timed.failure, message=message)
        return measured

    def _turns(self, place: int, built: Sequence[Built], best: float | None) -> list[Turns]:
        """Time all that was built in one process, and what was timed on a slowed machine and may matter once more."""
        turns, anchors = take_turns(self.runner, built, self.anchors.at(place), self.effort, best)
        self.anchors.observe(anchors)
        again = _worth_another_time(turns, best)
        if again:
            effort = replace(self.effort, check=False)
            chosen = [built[number] for number in again]
            later, anchors = take_turns(self.runner, chosen, self.anchors.at(place), effort, best)
            self.anchors.observe(anchors)
            for number, turn in zip(again, later, strict=True):
                turns[number] = min(turns[number], turn, key=_pace)
        return turns


def _worth_another_time(turns: Sequence[Turns], best: float | None) -> list[int]:
    """The places of those that are near the best, and were timed on a slowed machine."""
    seconds = {n: typical(adjusted(one.timed.times, one.paces)) for n, one in enumerate(turns) if one.timed.times}
    fastest = min([*seconds.values(), *([best] if best is not None else [])], default=0.0)
    return [n for n, one in seconds.items() if one <= NEAR * fastest and _pace(turns[n]) >= SLOWED]


def _pace(turn: Turns) -> float:
    """How slow the machine was, as a factor; without end where the kernel failed."""
    return statistics.median(turn.paces) if turn.paces else math.inf


def _join(built: Built, timed: Timed, paces: tuple[float, ...] = ()) -> Measurement:
    failure = built.failure if built.failure is not None else timed.failure
    message = built.message if built.failure is not None else timed.message
    return Measurement(built.candidate, timed.times, paces, failure, message, built.seconds)


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
