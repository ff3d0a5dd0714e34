"""Spaces whose schedules can be counted, and a time for each: strategies are tested on them without compiling anything."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from autosearch.choices import Chooser, Proposal
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import Parallel, Split, Unroll, Vectorize
from autosearch.schedule.schedule import Schedule, Step
from autosearch.strategies.base import Predict, Result

FACTORS = (2, 4, 8, 16, 32)


class Synthetic:
    """For each of several Funcs a factor, and for even ones a kind of loop: (5 * 3) ** funcs schedules at most."""

    def __init__(self, funcs: int, kinds: Sequence[str] = ("none", "vectorize", "unroll")) -> None:
        self.funcs = funcs
        self.kinds = kinds

    def build(self, chooser: Chooser) -> Schedule:
        """See `autosearch.choices.Space`."""
        steps: list[Step] = []
        for number in range(self.funcs):
            name = f"f{number}"
            key = StageKey(name)
            factor = int(chooser.choose(f"{name}.0/tile0/x", FACTORS, [1, 2, 3, 2, 1]))
            steps.append(Step(key, Split("x", "xo", "xi", factor)))
            if factor > 2:  # a question that depends on an earlier answer
                kind = chooser.choose(f"{name}.0/vector", self.kinds)
                steps += {"vectorize": [Step(key, Vectorize("xi"))], "unroll": [Step(key, Unroll("xi"))]}.get(
                    str(kind), []
                )
        if chooser.choose("f0.0/parallel", [0, 1]):
            steps.append(Step(StageKey("f0"), Parallel("xo")))
        return Schedule(tuple(steps))

    @property
    def size(self) -> int:
        """How many schedules there are."""
        return 2 * int((1 + 4 * len(self.kinds)) ** self.funcs)


class Placed:
    """Funcs that are placed and stored somewhere, and have a factor: as in real spaces, several kinds of decisions."""

    def __init__(self, funcs: int) -> None:
        self.funcs = funcs

    def build(self, chooser: Chooser) -> Schedule:
        """See `autosearch.choices.Space`."""
        steps: list[Step] = []
        for number in range(self.funcs):
            name = f"f{number}"
            for kind in ("place", "store"):
                level = chooser.choose(f"{name}/{kind}", [f"{kind}{level}" for level in range(8)])
                steps.append(Step(StageKey(name), Unroll(str(level))))
            factor = int(chooser.choose(f"{name}.0/tile0/x", FACTORS, [1, 2, 3, 2, 1]))
            steps.append(Step(StageKey(name), Split("x", "xo", "xi", factor)))
        return Schedule(tuple(steps))


class Single:
    """A space that asks nothing."""

    def build(self, chooser: Chooser) -> Schedule:
        """See `autosearch.choices.Space`."""
        return Schedule((Step(StageKey("f"), Parallel("x")),))


def seconds_of(schedule: Schedule) -> float:
    """The time of a synthetic schedule: least for factors of 16, vectorized, parallel. The Funcs' parts multiply."""
    seconds = 1.0
    for step in schedule:
        directive = step.directive
        if isinstance(directive, Split):
            seconds *= 1 + 0.5 * abs(FACTORS.index(directive.factor) - 3)
        elif isinstance(directive, Vectorize):
            seconds *= 0.5
        elif isinstance(directive, Parallel):
            seconds *= 0.6
    return seconds


def measured(proposals: Sequence[Proposal]) -> list[Result]:
    """What measuring the proposals gives."""
    return [Result(p.trace, p.schedule.digest, seconds_of(p.schedule)) for p in proposals]


def noisy_model(noise: float = 0.5) -> Predict:
    """A cost model that is right but for a factor, always the same for one schedule: exp of so many standard deviations."""

    def predict(proposals: Sequence[Proposal]) -> list[float]:
        return [
            seconds_of(one.schedule) * math.exp(noise * random.Random(one.schedule.digest).gauss(0.0, 1.0))
            for one in proposals
        ]

    return predict
