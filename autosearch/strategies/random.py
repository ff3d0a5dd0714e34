"""Random search: every answer drawn by the space's own weights."""

from __future__ import annotations

import random
from collections.abc import Sequence

from autosearch.choices import Proposal, RandomChooser, Space, draw
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.unseen import Unseen


class Random:
    """The baseline that every other strategy must beat."""

    def __init__(self, space: Space, seed: int = 0, sharpness: Sequence[float] = (1.0,)) -> None:
        """`sharpness`: how closely to keep to what an expert would try, see `RandomChooser`; one of these for each schedule."""
        self._space = space
        self._random = random.Random(seed)
        self._choosers = [RandomChooser(self._random, one) for one in sharpness]
        self._unseen = Unseen()

    @property
    def _chooser(self) -> RandomChooser:
        """Whose turn it is; where there is one alone, no random number goes to that."""
        return self._random.choice(self._choosers) if len(self._choosers) > 1 else self._choosers[0]

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        return self._unseen.collect(n, lambda: draw(self._space, self._chooser))

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
