"""What a cost model is: it learns seconds from features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

Rows = np.ndarray[Any, np.dtype[np.float32]]
"""A schedule's features: one row a stage, one column for each of `autosearch.cost_model.features.FEATURES`."""


class CostModel(Protocol):
    """Predicts how long schedules take, by scikit-learn's conventions. The one that ships is `StageTimeModel`."""

    def fit(self, schedules: Sequence[Rows], seconds: Sequence[float]) -> Any:
        """Learn from all that was measured so far, forgetting what was learned before."""
        ...

    def predict(self, schedules: Sequence[Rows]) -> Sequence[float] | np.ndarray[Any, Any]:
        """Seconds for each schedule. Not called before `fit`."""
        ...
