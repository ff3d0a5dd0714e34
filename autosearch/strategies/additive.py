"""A model of schedules by their answers alone: where there is no cost model, it ranks what a strategy makes.

The logarithm of the seconds is taken for a sum of what each answer adds to it: ridge regression over answers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from autosearch.choices import Option, Proposal, Trace
from autosearch.strategies.base import Result

LEAST_DATA = 8
"""Measurements before it predicts anything."""
GROWTH = 1.15
"""It is fitted anew when the data has grown by this factor."""
FAILED = math.log(10.0)
"""A failure counts as a schedule ten times as slow as the fastest."""
SHRINKAGE = 1.0
"""How strongly what an answer adds is drawn to nothing: rarely measured answers say little."""

DIGITS = 6
"""Of a predicted logarithm: processors round otherwise beyond, and what is as good would be ranked otherwise."""


class AdditiveModel:
    """Learns from results; predicts seconds."""

    def __init__(self) -> None:
        self._traces: list[Trace] = []
        self._logs: list[float | None] = []
        """Logarithms of seconds, None for failures."""
        self._fitted_on = 0
        self._mean = 0.0
        self._adds: dict[tuple[str, Option], float] = {}
        """What each answer adds to the mean."""

    def observe(self, results: Sequence[Result]) -> None:
        """Learn from measurements, failures included."""
        for result in results:
            if len(result.trace):
                self._traces.append(result.trace)
                self._logs.append(math.log(result.seconds) if result.seconds is not None else None)

    @property
    def ready(self) -> bool:
        """Whether enough was measured, any of it with success."""
        return len(self._traces) >= LEAST_DATA and any(log is not None for log in self._logs)

    def predict(self, proposals: Sequence[Proposal]) -> list[float]:
        """Predicted seconds, once it is `ready`."""
        if len(self._traces) >= GROWTH * self._fitted_on:
            self._fit()
        logs = (self._mean + sum(self._adds.get(answer, 0.0) for answer in one.trace) for one in proposals)
        return [math.exp(round(log, DIGITS)) for log in logs]

    def _fit(self) -> None:
        slow = min(log for log in self._logs if log is not None) + FAILED
        logs = np.array([log if log is not None else slow for log in self._logs])
        columns: dict[tuple[str, Option], int] = {}
        for trace in self._traces:
            for answer in trace:
                columns.setdefault(answer, len(columns))
        given = np.zeros((len(logs), len(columns)))
        for row, trace in zip(given, self._traces, strict=True):
            row[[columns[answer] for answer in trace]] = 1.0
        self._mean = float(logs.mean())
        square = given.T @ given + SHRINKAGE * np.eye(len(columns))
        self._adds = dict(zip(columns, np.linalg.solve(square, given.T @ (logs - self._mean)).tolist(), strict=True))
        self._fitted_on = len(self._traces)
