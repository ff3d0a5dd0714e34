"""A random forest over answers.

After SMAC (Hutter, Hoos and Leyton-Brown 2011). Unlike a sum over answers, trees see that an answer is good only
beside others, and they need no guess of how a number matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autosearch.choices import Option, Proposal, Trace
from autosearch.strategies.base import Result
from autosearch.strategies.observed import GROWTH, Observed

if TYPE_CHECKING:  # it takes a second to import
    from sklearn.ensemble import RandomForestRegressor

LEAST_DATA = 16
"""Measurements before it predicts anything."""
TREES, COLUMNS = 40, 0.4
"""Trees of the forest, and the share of the answers that each split chooses among."""
NOT_ASKED = -1.0
"""Stands for the number that answers a question where that wasn't asked."""

Column = tuple[str, str]
"""A question whose answers are numbers, with no word; or a question with a word that may answer it."""


class Forest:
    """Learns from results; each of its trees predicts seconds."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._observed = Observed()
        self._fitted_on = 0
        self._columns: dict[Column, int] = {}
        self._forest: RandomForestRegressor | None = None

    def observe(self, results: Sequence[Result]) -> None:
        """Learn from measurements, failures included."""
        self._observed.add(results)

    @property
    def ready(self) -> bool:
        """Whether enough was measured, any of it with success."""
        return self._observed.enough(LEAST_DATA)

    def logs(self, proposals: Sequence[Proposal]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Logarithms of the predicted seconds, once it is `ready`: a row a tree, a column for each of one or more proposals."""
        if self._forest is None or len(self._observed) >= GROWTH * self._fitted_on:
            self._forest = self._fitted()
        rows = self._rows([one.trace for one in proposals])
        return np.array([tree.predict(rows) for tree in self._forest.estimators_])

    def _fitted(self) -> RandomForestRegressor:
        from sklearn.ensemble import RandomForestRegressor

        columns = dict.fromkeys(_column(answer) for trace in self._observed.traces for answer in trace)
        self._columns = {column: place for place, column in enumerate(columns)}
        self._fitted_on = len(self._observed)
        forest = RandomForestRegressor(TREES, max_features=COLUMNS, random_state=self._seed)
        return forest.fit(self._rows(self._observed.traces), self._observed.logs())

    def _rows(self, traces: Sequence[Trace]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """A row for each trace; answers that nobody gave before aren't told."""
        rows = np.full((len(traces), len(self._columns)), NOT_ASKED, np.float32)
        for row, trace in zip(rows, traces, strict=True):
            for answer in trace:
                place = self._columns.get(_column(answer))
                if place is not None:
                    row[place] = answer[1] if isinstance(answer[1], int) else 1.0
        return rows


def _column(answer: tuple[str, Option]) -> Column:
    key, option = answer
    return (key, "") if isinstance(option, int) else (key, option)
