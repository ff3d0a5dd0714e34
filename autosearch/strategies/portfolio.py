"""Several strategies that share the budget by what each delivered.

All learn from all results. A bandit shares out each batch: the more a strategy's proposals of late were among the best,
the larger its share; none is ever left without any. Where there is no cost model to choose among what they propose, most of
the first schedules are what an expert would try, for no member knows anything yet; later the portfolio asks the members for
more and chooses by what it has learned of answers.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence

from autosearch.choices import Proposal, Space
from autosearch.strategies.bandit import Bandit
from autosearch.strategies.base import Predict, Result, Strategy
from autosearch.strategies.genetic import SHARPNESS
from autosearch.strategies.guess import Guess
from autosearch.strategies.random import Random
from autosearch.strategies.unseen import Unseen

OPENING, LIKELY = 32, 0.6
"""Without a cost model this share of the first so many schedules is drawn closely to what an expert would try."""
SPARE = 4
"""Without a cost model so many times the schedules asked for are looked at."""


class Portfolio:
    """Proposes what its members propose."""

    def __init__(self, members: Mapping[str, Strategy], seed: int = 0, opening: Strategy | None = None) -> None:
        """`opening`: makes most of the first schedules, where there is no cost model."""
        self._members = dict(members)
        self._opening = opening
        self._random = random.Random(seed)
        self._unseen = Unseen()
        self._guess = Guess(seed)
        self._bandit = Bandit(dict.fromkeys(self._members, 1.0 / len(self._members)))

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        if predict is not None:
            return self._collect(n, predict)
        found = self._likely(n)
        return found + self._promising(n - len(found), {one.schedule.digest for one in found})

    def _likely(self, n: int) -> list[Proposal]:
        """What of `n` schedules is drawn as an expert would."""
        if self._opening is None or len(self._unseen.measured) >= OPENING:
            return []
        return self._opening.propose(sum(self._random.random() < LIKELY for _ in range(n)))

    def _promising(self, n: int, besides: Collection[str]) -> list[Proposal]:
        """What the members propose; the better of it, once something is known."""
        many = SPARE * n if self._guess.ready else n
        new = [one for one in self._collect(many + len(besides), None) if one.schedule.digest not in besides]
        return self._guess.choose(new, n) if self._guess.ready else new[:n]

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
        if self._opening is not None:
            self._opening.observe(results)
        self._guess.observe(results)
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
    return Portfolio(members, seed, Random(space, seed + len(makers), SHARPNESS))
