"""The decision: the best schedules found and the baselines, timed in turn, round after round."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from autosearch.measure.protocol import Built, Candidate, Effort, Runner
from autosearch.schedule.schedule import Schedule

LEAST_ROUNDS = 5
MOST_ROUNDS = 60
SLOW = 4.0
"""A contender this much slower than the fastest sits out most rounds: its ratio is clear after a few."""
HOPELESS, HOPELESS_ROUNDS = 20.0, 3
"""One this much slower takes part in so many rounds only: it would take most of the time."""


@dataclass(frozen=True)
class Contender:
    """Who takes part: a name (a baseline's, or `found 1`, ...), what to build, and its schedule if it has one."""

    name: str
    candidate: Candidate
    schedule: Schedule | None


@dataclass(frozen=True)
class Race:
    """Samples in seconds, a row a contender, a column a round; None where it sat out, or failed."""

    contenders: tuple[Contender, ...]
    samples: tuple[tuple[float | None, ...], ...]


def run_race(runner: Runner, contenders: Sequence[Contender], seconds: float, seed: int) -> Race:
    """Time all contenders in one process, in a new random order each round, for about `seconds`."""
    built = runner.build([contender.candidate for contender in contenders], together=True)
    samples: list[list[float | None]] = [[] for _ in contenders]
    generator = random.Random(seed)
    end = time.monotonic() + seconds
    alive = [place for place, one in enumerate(built) if one.handle is not None]
    rounds = 0
    while alive and rounds < MOST_ROUNDS and (rounds < LEAST_ROUNDS or time.monotonic() < end):
        order = [place for place in alive if not _sits_out(samples, place, rounds)]
        generator.shuffle(order)
        for row in samples:
            row.append(None)
        for place in order:
            samples[place][rounds] = _sample(runner, built[place], first=rounds == 0)
            if samples[place][rounds] is None:
                alive.remove(place)
        rounds += 1
    runner.release(built)
    return Race(tuple(contenders), tuple(tuple(row) for row in samples))


def _sample(runner: Runner, built: Built, first: bool) -> float | None:
    timed = runner.run(built, Effort(samples=1, seconds=0.0, min_samples=1, sample_seconds=0.002, check=first))
    return timed.times[0] if timed.times else None


def _sits_out(samples: Sequence[Sequence[float | None]], place: int, rounds: int) -> bool:
    fastest = min(_least(row) for row in samples)
    if rounds >= HOPELESS_ROUNDS and _least(samples[place]) > HOPELESS * fastest:
        return True
    if rounds < LEAST_ROUNDS:
        return False
    return _least(samples[place]) > SLOW * fastest and rounds % 8 != 0


def _least(row: Sequence[float | None]) -> float:
    return min((sample for sample in row if sample is not None), default=float("inf"))
