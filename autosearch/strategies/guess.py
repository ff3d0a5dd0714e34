"""Chooses among what several strategies propose by what was learned of answers, where there is no cost model.

Two models are asked together: a sum over answers soon knows something, a forest what answers are worth beside others. For
each choice another tree of the forest is asked, so that the more they disagree, the more is tried (Thompson 1933; trees as
samples of what may be true: Russo et al. 2018, A Tutorial on Thompson Sampling, ensemble sampling).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from autosearch.choices import Proposal
from autosearch.strategies.additive import AdditiveModel
from autosearch.strategies.base import Result
from autosearch.strategies.forest import Forest
from autosearch.strategies.observed import DIGITS


class Guess:
    """Learns from results; chooses what may be fast."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._sum = AdditiveModel()
        self._forest = Forest(seed)

    def observe(self, results: Sequence[Result]) -> None:
        """Learn from measurements, failures included."""
        self._sum.observe(results)
        self._forest.observe(results)

    @property
    def ready(self) -> bool:
        """Whether enough was measured, any of it with success."""
        return self._sum.ready and self._forest.ready

    def choose(self, proposals: Sequence[Proposal], n: int) -> list[Proposal]:
        """The `n` most promising, once it is `ready`; fewer where there are no more."""
        if not proposals:
            return []
        opinions = np.round(self._forest.logs(proposals) + self._sum.logs(proposals), DIGITS)
        left = np.zeros(len(proposals))
        chosen = []
        for _ in range(min(n, len(proposals))):
            place = int(np.argmin(opinions[self._random.randrange(len(opinions))] + left))
            left[place] = np.inf
            chosen.append(proposals[place])
        return chosen
