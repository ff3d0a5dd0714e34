"""The decision: the best schedules found and the baselines, timed in turn, round after round."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from autosearch.measure.protocol import Built, Candidate, Effort, Runner
from autosearch.schedule.schedule import Schedule

LEAST_ROUNDS = 5
MOST_ROUNDS = 60
CLOSE_ROUNDS = 20
"""Rounds that contenders close to the fastest get, whatever it takes."""
CLOSE = 1.15
"""A contender whose median is this much longer than the fastest's sits out most rounds: it won't win any more."""
HOPELESS, HOPELESS_ROUNDS = 20.0, 2
"""One this much slower takes part in so few rounds only: it would take most of the time."""


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
    built = runner.build([contender.candidate for contender in contenders], place=0)
    samples: list[list[float | None]] = [[] for _ in contenders]
    generator = random.Random(seed)
    alive = [place for place, one in enumerate(built) if one.handle is not None]
    rounds, spent = 0, 0.0
    while alive and rounds < MOST_ROUNDS and (rounds < LEAST_ROUNDS or _goes_on(rounds, spent, seconds)):
        order = [place for place in alive if not _sits_out(samples, place, rounds)]
        generator.shuffle(order)
        for row in samples:
            row.append(None)
        started = time.monotonic()
        for place in order:
            samples[place][rounds] = _sample(runner, built[place], first=rounds == 0)
            if samples[place][rounds] is None:
                alive.remove(place)
        rounds += 1
        if rounds > HOPELESS_ROUNDS:  # before, the slowest take nearly all of it
            spent += time.monotonic() - started
    runner.release(built)
    return Race(tuple(contenders), tuple(tuple(row) for row in samples))


def _sample(runner: Runner, built: Built, first: bool) -> float | None:
    timed = runner.run(built, Effort(samples=1, seconds=0.0, min_samples=1, sample_seconds=0.002, check=first))
    return timed.times[0] if timed.times else None


def _goes_on(rounds: int, spent: float, seconds: float) -> bool:
    return spent < seconds or (rounds < CLOSE_ROUNDS and spent < 3 * seconds)


def _sits_out(samples: Sequence[Sequence[float | None]], place: int, rounds: int) -> bool:
    if rounds < HOPELESS_ROUNDS:
        return False
    fastest = min(_median(row) for row in samples)
    slower = _median(samples[place]) / fastest
    if slower > HOPELESS:
        return True
    return rounds >= LEAST_ROUNDS and slower > CLOSE and rounds % 5 != 0


def _median(row: Sequence[float | None]) -> float:
    present = [sample for sample in row if sample is not None]
    return median(present) if present else float("inf")
