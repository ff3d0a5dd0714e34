"""Several strategies that share the budget by what each delivered.

All learn from all results. A bandit shares out each batch: the more a strategy's proposals of late were among the best,
the larger its share; none is ever left without any. Where there is no cost model to choose among what they propose, the
portfolio asks them for more and chooses by what it has learned of answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from autosearch.choices import Proposal, Space
from autosearch.strategies.bandit import Bandit
from autosearch.strategies.base import Predict, Result, Strategy
from autosearch.strategies.forest import Forest
from autosearch.strategies.unseen import Unseen

SPARE = 4
"""Without a cost model so many times the schedules asked for are looked at."""
ANY = 0.25
"""Share of what is chosen of these that is drawn at random: what little the portfolio knows may be wrong."""


class Portfolio:
    """Proposes what its members propose."""

    def __init__(self, members: Mapping[str, Strategy], seed: int = 0) -> None:
        self._members = dict(members)
        self._random = random.Random(seed)
        self._unseen = Unseen()
        self._learned = Forest(seed)
        self._bandit = Bandit(dict.fromkeys(self._members, 1.0 / len(self._members)))

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        if predict is not None or not self._learned.ready:
            return self._collect(n, predict)
        looked_at = self._collect(SPARE * n, None)
        predicted = zip(self._learned.predict(looked_at), looked_at, strict=True)
        ranked = [one for _, one in sorted(predicted, key=lambda pair: pair[0])]
        best = sum(self._random.random() >= ANY for _ in range(n))
        rest = ranked[best:]
        return ranked[:best] + self._random.sample(rest, min(n - best, len(rest)))

    def _collect(self, n: int, predict: Predict | None) -> list[Proposal]:
        """What the members propose, each its share."""
        found: dict[str, Proposal] = {}
        turns = self._bandit.draw(self._random, n)
        for name in self._members:
            self._take(name, turns.count(name), found, predict)
        for name in self._members:  # where one has no more to propose, others fill in
            self._take(name, n - len(found), found, predict)
        return list(found.values())[:n]

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
        self._learned.observe(results)
        self._bandit.observe(results)
        for member in self._members.values():
            member.observe(results)

    @property
    def shares(self) -> dict[str, float]:
        """Each member's part of the budget."""
        return self._bandit.shares

    def _take(self, name: str, count: int, found: dict[str, Proposal], predict: Predict | None) -> None:
        """Add up to `count` proposals of a member that no other has made."""
        if count <= 0:
            return
        for proposal in self._members[name].propose(count, predict):
            digest = proposal.schedule.digest
            if digest not in found and digest not in self._unseen.measured:
                found[digest] = proposal
                self._bandit.made(name, digest)


def make_portfolio(makers: Mapping[str, Callable[[Space, int], Strategy]], space: Space, seed: int) -> Portfolio:
    """A portfolio of strategies made for one space, each with a seed of its own."""
    members = {name: make(space, seed + place) for place, (name, make) in enumerate(makers.items())}
    return Portfolio(members, seed)
