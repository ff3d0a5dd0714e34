"""Which schedules are likely to fail: to exceed the time or memory limit, not to compile, to be refused by Halide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autosearch.cost_model.base import Rows
from autosearch.cost_model.model import NotFittedError
from autosearch.errors import AutoSearchError

if TYPE_CHECKING:  # it takes seconds to import
    from sklearn.ensemble import RandomForestClassifier

Probabilities = np.ndarray[Any, np.dtype[np.float64]]


class FeasibilityClassifier:
    """Tells schedules that run from those that fail. scikit-learn's conventions; classes are False (fails) and True."""

    def __init__(self, trees: int = 100, seed: int = 0) -> None:
        self.trees = trees
        self.seed = seed

    def fit(self, schedules: Sequence[Rows], ran: Sequence[bool]) -> FeasibilityClassifier:
        """Learn from schedules, each an array (stages, features), and whether they ran. Some of both kinds are needed."""
        from sklearn.ensemble import RandomForestClassifier

        if len(schedules) != len(ran) or len(set(map(bool, ran))) != 2:
            raise AutoSearchError("a classifier of failures needs schedules that ran and schedules that failed")
        forest = RandomForestClassifier(self.trees, min_samples_leaf=2, class_weight="balanced", random_state=self.seed)
        self.forest_: RandomForestClassifier = forest.fit(_whole(schedules), np.asarray(ran, dtype=bool))
        return self

    def predict_proba(self, schedules: Sequence[Rows]) -> Probabilities:
        """For each schedule how likely it is to fail, and to run: (schedules, 2). Raises `NotFittedError`."""
        if not hasattr(self, "forest_"):
            raise NotFittedError("the classifier of failures has learned nothing yet: call fit first")
        if not schedules:
            return np.zeros((0, 2))
        return np.asarray(self.forest_.predict_proba(_whole(schedules)), dtype=np.float64)

    def predict(self, schedules: Sequence[Rows]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether each schedule is more likely to run than to fail. Raises `NotFittedError`."""
        return np.asarray(self.predict_proba(schedules)[:, 1] >= 0.5)


def _whole(schedules: Sequence[Rows]) -> Rows:
    """A schedule as one row, however many stages it has: the largest, smallest and mean value of each feature, and the
    logarithm of the sum of the magnitudes that they stand for."""
    return np.stack([
        np.concatenate([
            rows.max(axis=0), rows.min(axis=0), rows.mean(axis=0), np.log2(np.exp2(np.clip(rows, -60, 60)).sum(axis=0)),
            [len(rows)],
        ])
        for rows in schedules
    ]).astype(np.float32)  # fmt: skip
