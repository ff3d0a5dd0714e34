"""A model of schedules by their answers alone: where there is no cost model, it ranks what a strategy makes.

The logarithm of the seconds is taken for a sum of what each answer adds to it: ridge regression over answers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autosearch.choices import Option, Proposal
from autosearch.strategies.base import Result
from autosearch.strategies.observed import GROWTH, Observed, seconds_of

LEAST_DATA = 8
"""Measurements before it predicts anything."""
SHRINKAGE = 1.0
"""How strongly what an answer adds is drawn to nothing: rarely measured answers say little."""


class AdditiveModel:
    """Learns from results; predicts seconds."""

    def __init__(self) -> None:
        self._observed = Observed()
        self._fitted_on = 0
        self._mean = 0.0
        self._adds: dict[tuple[str, Option], float] = {}
        """What each answer adds to the mean."""

    def observe(self, results: Sequence[Result]) -> None:
        """Learn from measurements, failures included."""
        self._observed.add(results)

    @property
    def ready(self) -> bool:
        """Whether enough was measured, any of it with success."""
        return self._observed.enough(LEAST_DATA)

    def predict(self, proposals: Sequence[Proposal]) -> list[float]:
        """Predicted seconds, once it is `ready`."""
        return [seconds_of(log) for log in self.logs(proposals)]

    def logs(self, proposals: Sequence[Proposal]) -> list[float]:
        """Logarithms of the predicted seconds, once it is `ready`."""
        if len(self._observed) >= GROWTH * self._fitted_on:
            self._fit()
        return [self._mean + sum(self._adds.get(answer, 0.0) for answer in one.trace) for one in proposals]

    def _fit(self) -> None:
        logs = self._observed.logs()
        columns: dict[tuple[str, Option], int] = {}
        for trace in self._observed.traces:
            for answer in trace:
                columns.setdefault(answer, len(columns))
        given = np.zeros((len(logs), len(columns)))
        for row, trace in zip(given, self._observed.traces, strict=True):
            row[[columns[answer] for answer in trace]] = 1.0
        self._mean = float(logs.mean())
        square = given.T @ given + SHRINKAGE * np.eye(len(columns))
        self._adds = dict(zip(columns, np.linalg.solve(square, given.T @ (logs - self._mean)).tolist(), strict=True))
        self._fitted_on = len(logs)
