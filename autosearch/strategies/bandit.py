"""A bandit: shares out tries among arms by what each delivered (after Exp3, Auer et al. 2002).

An arm earns by the schedules that it made: by how many of them were measured and came out among the best, so that both
what the cost model rejects and what disappoints count for nothing.
"""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Mapping, Sequence

from autosearch.strategies.base import Result

LEAST = 0.4
"""Part of the tries that is shared out as in the beginning, whatever was earned."""
MEMORY = 0.8
"""How much of its credit an arm keeps from one batch to the next."""
GOOD = 0.1
"""Results among this share of the best so far earn credit."""


class Bandit:
    """Keeps account of who made what, and what became of it."""

    def __init__(self, start: Mapping[str, float]) -> None:
        """`start`: the share of each arm to begin with; they sum to 1."""
        self._start = dict(start)
        self._credit = dict.fromkeys(start, GOOD)  # what an arm no better than the others earns
        self._makers: dict[str, str] = {}
        self._seconds: list[float] = []

    @property
    def shares(self) -> dict[str, float]:
        """Each arm's part of the tries."""
        earned = {arm: start * self._credit[arm] for arm, start in self._start.items()}
        total = sum(earned.values())
        if not total:
            return dict(self._start)
        return {arm: LEAST * start + (1 - LEAST) * earned[arm] / total for arm, start in self._start.items()}

    def draw(self, generator: random.Random, n: int = 1) -> list[str]:
        """Whose turn it is, `n` times."""
        return generator.choices(list(self._start), list(self.shares.values()), k=n)

    def made(self, arm: str, digest: str) -> None:
        """An arm has made a schedule; the first to make it counts."""
        self._makers.setdefault(digest, arm)

    def observe(self, results: Sequence[Result]) -> None:
        """Give credit for what was measured since the last results; what no arm made only sets the standard."""
        for result in results:
            if result.seconds is not None:
                insort(self._seconds, result.seconds)
        own = [(self._makers[one.digest], one.seconds) for one in results if one.digest in self._makers]
        if not own or not self._seconds:
            return
        good = self._seconds[int(GOOD * len(self._seconds))]
        made = list(self._makers.values())
        for arm in self._start:
            if count := made.count(arm):
                best = sum(maker == arm and seconds is not None and seconds <= good for maker, seconds in own)
                earned = min(1.0, best / count * len(made) / len(own))
                self._credit[arm] = MEMORY * self._credit[arm] + (1 - MEMORY) * earned
        self._makers = {}
