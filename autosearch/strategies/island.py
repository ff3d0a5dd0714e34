"""A second population, apart from the main one: where that has collapsed around one schedule, another begins anew.

Its members breed among themselves until they, too, find nothing better; then the next island opens. What is fast enough
is in the main population as soon as it is measured, so nothing is ever lost (islands, Tanese 1989; restarts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from autosearch.choices import Trace
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
        self._fastest = math.inf
        """Of the whole search."""
        self._in_vain = 0
        self._own_in_vain = 0

    def settle(self, digest: str) -> None:
        """A schedule was proposed for the island."""
        self._settlers.add(digest)

    def observe(self, results: Sequence[Result]) -> None:
        """Open, fill or abandon the island."""
        for result in results:
            seconds = result.seconds if result.seconds is not None else math.inf
            better = seconds < BETTER * self._fastest
            self._fastest = min(self._fastest, seconds)
            self._in_vain = 0 if better else self._in_vain + 1
            if result.digest in self._settlers:
                self._fill(seconds, result.trace)
        if (self.open and self._own_in_vain >= DESERTED) or (not self.open and self._in_vain >= STAGNANT):
            self._begin()

    def _fill(self, seconds: float, trace: Trace) -> None:
        fastest = min((member[0] for member in self.members), default=math.inf)
        self._own_in_vain = 0 if seconds < BETTER * fastest else self._own_in_vain + 1
        if math.isfinite(seconds) and len(trace):
            self.members = sorted([*self.members, (seconds, trace)], key=lambda member: member[0])[:CAPACITY]

    def _begin(self) -> None:
        self.open = True
        self.members, self._settlers, self._own_in_vain = [], set(), 0
