"""Recordings of made-up spaces, small enough to know everything about."""

from __future__ import annotations

import random

from autosearch.choices import RandomChooser, draw
from autosearch.lab.recording import Point, Recording
from autosearch.records.identity import Identity
from autosearch.testing.synthetic import Synthetic, seconds_of
from benchmarks.exhaustive import walk

IDENTITY = Identity("fingerprint", "sizes", "host", "21", "a CPU", 2)


def whole(funcs: int = 2, failing: int = 0) -> Recording:
    """All points of a synthetic space; every `failing`-th one fails."""
    points: dict[str, Point] = {}
    for number, proposal in enumerate(walk(Synthetic(funcs, ("none", "vectorize")))):
        failed = bool(failing) and number % failing == 1
        seconds = None if failed else 1e-3 * seconds_of(proposal.schedule)
        points.setdefault(
            proposal.schedule.digest,
            Point(proposal.trace, proposal.schedule, 0.1, 0.05, seconds, "bounds" if failed else ""),
        )
    return Recording("whole", IDENTITY, tuple(points.values()), True, {"command": "made up"})


def sample(count: int, funcs: int = 3) -> Recording:
    """Random points of a larger one."""
    chooser, points = RandomChooser(random.Random(0)), {}
    while len(points) < count:
        one = draw(Synthetic(funcs), chooser)
        point = Point(one.trace, one.schedule, 0.1, 0.05, 1e-3 * seconds_of(one.schedule))
        points.setdefault(one.schedule.digest, point)
    return Recording("sample", IDENTITY, tuple(points.values()), False)
