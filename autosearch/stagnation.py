"""Whether a search still gets anywhere."""

from __future__ import annotations

import math


class Stagnation:
    """Counts the measurements since the last that was clearly faster than all before it."""

    def __init__(self, better: float) -> None:
        """`better`: what takes at most this share of the time is clearly faster; smaller differences are none."""
        self._better = better
        self._fastest = math.inf
        """As of the last that was clearly faster: many small steps make a large one."""
        self.in_vain = 0

    def observe(self, seconds: float) -> None:
        """Count a measurement; infinity where it failed."""
        if seconds < self._better * self._fastest:
            self._fastest, self.in_vain = seconds, 0
        else:
            self.in_vain += 1
