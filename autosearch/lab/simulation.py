"""A strategy's run against a recorded space: what each evaluation cost when it was recorded is charged to a simulated clock.

The batch is built side by side on some workers, none of which idles, then timed one by one: an evaluation takes its seconds
of compiling over the number of workers, and its seconds of timing. The strategy's own thinking isn't charged: it depends on
the machine that replays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autosearch.lab.recording import Point
from autosearch.lab.space import RecordedSpace
from autosearch.strategies import StrategyFactory, make_strategy
from autosearch.strategies.base import Result

BATCH = 8
"""Schedules between which a strategy learns nothing, as in `tune`."""
WORKERS = 2

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Progress:
    """How a run went."""

    moments: Floats
    """Simulated seconds at the end of each evaluation, ascending."""
    best: Floats
    """Seconds of the fastest so far at each of them; infinite while everything has failed."""

    def at(self, moments: Floats) -> Floats:
        """The fastest so far at some moments; infinite before the first evaluation."""
        return np.concatenate(([np.inf], self.best))[np.searchsorted(self.moments, moments, side="right")]


def cost(point: Point, workers: int = WORKERS) -> float:
    """Simulated seconds that evaluating a point takes."""
    return point.compile_seconds / workers + point.timing_seconds


def simulate(
    space: RecordedSpace,
    strategy: str | StrategyFactory,
    seed: int,
    seconds: float,
    evaluations: int,
    batch: int = BATCH,
    workers: int = WORKERS,
) -> Progress:
    """Run a strategy until so many simulated seconds or evaluations are used up, or the space is.

    Raises `ArgumentError` for a strategy that isn't known.
    """
    searcher = make_strategy(strategy, space, seed)
    moments: list[float] = []
    best: list[float] = []
    clock, fastest = 0.0, float("inf")
    while clock < seconds and len(moments) < evaluations:
        proposals = searcher.propose(min(batch, evaluations - len(moments)))
        if not proposals:
            break
        results = []
        for proposal in proposals:
            point = space.point(proposal.schedule.digest)
            clock += cost(point, workers)
            fastest = min(fastest, point.seconds if point.seconds is not None else fastest)
            moments.append(clock)
            best.append(fastest)
            results.append(Result(proposal.trace, proposal.schedule.digest, point.seconds))
        searcher.observe(results)
    return Progress(np.array(moments), np.array(best))
