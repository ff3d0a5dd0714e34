"""Random search: every answer drawn by the space's own weights."""

from __future__ import annotations

import random
from collections.abc import Sequence

from autosearch.choices import Proposal, RandomChooser, Space, draw
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.unseen import Unseen


class Random:
    """The baseline that every other strategy must beat."""

    def __init__(self, space: Space, seed: int = 0) -> None:
        self._space = space
        self._chooser = RandomChooser(random.Random(seed))
        self._unseen = Unseen()

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        return self._unseen.collect(n, lambda: draw(self._space, self._chooser))

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
