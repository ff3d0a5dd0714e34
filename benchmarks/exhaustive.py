"""All points of a space, one after the other: exhaustive search, for spaces that are small enough."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from autosearch.choices import Option, Proposal, Space, draw
from autosearch.errors import InfeasibleError
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.unseen import Unseen


def walk(space: Space) -> Iterator[Proposal]:
    """Every proposal of a space, in the order of the options; different answers may make the same schedule."""
    path: list[tuple[int, int]] = []
    while True:
        along = _Along(path)
        try:
            yield draw(space, along)
        except InfeasibleError:
            pass
        path = along.path
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        place, count = path.pop()
        path.append((place + 1, count))


class Exhaustive:
    """Proposes every schedule of a space once, in random order: a strategy (`autosearch.strategies.base.Strategy`)."""

    def __init__(self, space: Space, seed: int = 0) -> None:
        self.points: dict[str, Proposal] = {}
        """All, by digest of the schedule, each with the first answers that make it."""
        for proposal in walk(space):
            self.points.setdefault(proposal.schedule.digest, proposal)
        self._left = list(self.points.values())
        random.Random(seed).shuffle(self._left)
        self._unseen = Unseen()

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        self._left = [one for one in self._left if one.schedule.digest not in self._unseen.measured]
        return self._left[:n]

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)


class _Along:
    """Follows a path of places among the options, then takes the first of each."""

    def __init__(self, path: Sequence[tuple[int, int]]) -> None:
        self._given = list(path)
        self.path: list[tuple[int, int]] = []
        """(place taken, number of options) of every question."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        """See `Chooser.choose`."""
        number = len(self.path)
        place = self._given[number][0] if number < len(self._given) else 0
        self.path.append((place, len(options)))
        return options[place]
