"""What models of answers learn from: the traces measured, with the logarithms of their seconds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autosearch.choices import Trace
from autosearch.strategies.base import Result

FAILED = math.log(10.0)
"""A failure counts as a schedule ten times as slow as the fastest."""
GROWTH = 1.15
"""A model is fitted anew when the data has grown by this factor."""
DIGITS = 6
"""Of a predicted logarithm: processors round otherwise beyond, and what is as good would be ranked otherwise."""


class Observed:
    """All results so far, failures included."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []
        self._logs: list[float | None] = []
        """None for failures."""

    def add(self, results: Sequence[Result]) -> None:
        """Remember measurements; those of no trace say nothing of answers."""
        for result in results:
            if len(result.trace):
                self.traces.append(result.trace)
                self._logs.append(math.log(result.seconds) if result.seconds is not None else None)

    def __len__(self) -> int:
        return len(self.traces)

    def enough(self, least: int) -> bool:
        """Whether there are so many, any of them a success."""
        return len(self) >= least and any(log is not None for log in self._logs)

    def logs(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The logarithm of each one's seconds, once there is a success."""
        slow = min(log for log in self._logs if log is not None) + FAILED
        return np.array([log if log is not None else slow for log in self._logs])


def seconds_of(log: float) -> float:
    """The seconds that a model predicts the logarithm of."""
    return math.exp(round(log, DIGITS))
