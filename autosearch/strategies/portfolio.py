"""Several strategies that share the budget by what each delivered.

All learn from all results. Each batch is shared out by a bandit (Exp3-like): the more a strategy's proposals of late
were among the best, the larger its share; none is ever left without any.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from autosearch.choices import Proposal, Space
from autosearch.strategies.base import Predict, Result, Strategy
from autosearch.strategies.unseen import Unseen

LEAST_SHARE = 0.1
MEMORY = 0.8
"""How much of its credit a strategy keeps from one batch to the next."""
GOOD = 0.1
"""Results among this share of the best so far earn credit."""


class Portfolio:
    """Proposes what its members propose."""

    def __init__(self, members: Mapping[str, Strategy], seed: int = 0) -> None:
        self._members = dict(members)
        self._random = random.Random(seed)
        self._unseen = Unseen()
        self._credit = dict.fromkeys(self._members, GOOD)  # what one no better than the others earns
        self._owner: dict[str, str] = {}
        self._asked: set[str] = set()
        """Members whose turn it was since the last results."""
        self._seconds: list[float] = []

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        found: dict[str, Proposal] = {}
        for name, count in self._shares(n).items():
            self._take(name, count, found, predict)
        for name in self._members:  # where one has no more to propose, others fill in
            self._take(name, n - len(found), found, predict)
        return list(found.values())[:n]

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
        for member in self._members.values():
            member.observe(results)
        self._seconds = sorted([*self._seconds, *(one.seconds for one in results if one.seconds is not None)])
        if not self._seconds:
            return
        good = self._seconds[int(GOOD * len(self._seconds))]
        for name in self._asked:
            own = [one for one in results if self._owner.get(one.digest) == name]
            earned = sum(1.0 for one in own if one.seconds is not None and one.seconds <= good) / max(1, len(own))
            self._credit[name] = MEMORY * self._credit[name] + (1 - MEMORY) * earned
        self._asked = set()

    @property
    def shares(self) -> dict[str, float]:
        """Each member's part of the budget."""
        total = sum(self._credit.values()) or 1.0
        spare = 1.0 - LEAST_SHARE * len(self._members)
        return {name: LEAST_SHARE + spare * credit / total for name, credit in self._credit.items()}

    def _shares(self, n: int) -> dict[str, int]:
        """How many proposals each member makes."""
        names, chances = zip(*self.shares.items(), strict=True)
        drawn = self._random.choices(names, chances, k=n)
        return {name: drawn.count(name) for name in names}

    def _take(self, name: str, count: int, found: dict[str, Proposal], predict: Predict | None) -> None:
        """Add up to `count` proposals of a member that no other has made."""
        if count <= 0:
            return
        self._asked.add(name)
        for proposal in self._members[name].propose(count, predict):
            digest = proposal.schedule.digest
            if digest not in found and digest not in self._unseen.measured:
                found[digest] = proposal
                self._owner[digest] = name


def make_portfolio(makers: Mapping[str, Callable[[Space, int], Strategy]], space: Space, seed: int) -> Portfolio:
    """A portfolio of strategies made for one space, each with a seed of its own."""
    members = {name: make(space, seed + place) for place, (name, make) in enumerate(makers.items())}
    return Portfolio(members, seed)
