"""A second population, apart from the main one: where that has collapsed around one schedule, another begins anew.

Its members breed among themselves until they, too, find nothing better; then the next island opens. What is fast enough
is in the main population as soon as it is measured, so nothing is ever lost (islands, Tanese 1989; restarts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autosearch.choices import Trace
from autosearch.stagnation import Stagnation
from autosearch.strategies.base import Result

Member = tuple[float, Trace]
"""Seconds, measured or predicted, and the trace."""
STAGNANT = 96
"""Measurements without a better schedule after which the first island opens."""
DESERTED = 32
"""Measurements of an island without a better one there after which the next opens."""
BETTER = 0.99
"""A schedule is better if it takes at most this share of the time: smaller differences are none."""
CAPACITY = 12
"""Members that an island keeps, the fastest: few, so that each island soon settles on something of its own."""


class Island:
    """Opens where the search stagnates."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.open = False
        self._settlers: set[str] = set()
        self._whole, self._own = Stagnation(BETTER), Stagnation(BETTER)
        """Of the whole search, and of the island."""

    def settle(self, digest: str) -> None:
        """A schedule was proposed for the island."""
        self._settlers.add(digest)

    def observe(self, results: Sequence[Result]) -> None:
        """Open, fill or abandon the island."""
        for result in results:
            seconds = result.seconds if result.seconds is not None else math.inf
            self._whole.observe(seconds)
            if result.digest in self._settlers:
                self._fill(seconds, result.trace)
        if (self.open and self._own.in_vain >= DESERTED) or (not self.open and self._whole.in_vain >= STAGNANT):
            self._begin()

    def _fill(self, seconds: float, trace: Trace) -> None:
        self._own.observe(seconds)
        if math.isfinite(seconds) and len(trace):
            self.members = sorted([*self.members, (seconds, trace)], key=lambda member: member[0])[:CAPACITY]

    def _begin(self) -> None:
        self.open = True
        self.members, self._settlers, self._own = [], set(), Stagnation(BETTER)
