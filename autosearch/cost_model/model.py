"""The learned part: stage features in, seconds out.

One regression tree ensemble (XGBoost) gives every stage a time; a schedule's time is the sum over its stages, and only
that sum is known, so the loss is on the sum and its gradient is shared out among the stages by their part of it. A
model so trained can be used for other pipelines, whose stages are other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xgboost

from autosearch.errors import AutoSearchError

Rows = np.ndarray[Any, np.dtype[np.float32]]


class NotFittedError(AutoSearchError):
    """A model was asked to predict before it was fitted."""


class StageTimeModel:
    """Predicts the time of a schedule as the sum of its stages' times. scikit-learn's conventions."""

    def __init__(
        self,
        rounds: int = 100,
        depth: int = 6,
        learning_rate: float = 0.15,
        subsample: float = 0.8,
        focus: float = 0.5,
        threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.rounds = rounds
        self.depth = depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.focus = focus
        """How much more fast schedules count: weights are relative throughput to this power."""
        self.threads = threads
        self.seed = seed

    def fit(self, schedules: Sequence[Rows], seconds: Sequence[float]) -> StageTimeModel:
        """Learn from schedules, each an array (stages, features), and their measured times."""
        if not schedules or len(schedules) != len(seconds):
            raise AutoSearchError("a cost model needs as many times as schedules, and at least one")
        rows, owner = _stack(schedules)
        times = np.asarray(seconds, dtype=np.float64)
        target = np.log(times)
        weights = (times.min() / times) ** self.focus
        weights /= weights.mean()
        self.start_ = float(np.median(target) - np.log(len(rows) / len(schedules)))
        count = len(schedules)

        def objective(margins: np.ndarray[Any, Any], _: xgboost.DMatrix) -> tuple[Any, Any]:
            stage = np.exp(np.clip(margins.reshape(-1).astype(np.float64) + self.start_, -40, 20))
            total = np.bincount(owner, stage, minlength=count)
            share = stage / total[owner]
            error = ((np.log(total) - target) * weights)[owner]
            return error * share, np.maximum(share * weights[owner], 1e-4)

        parameters = {
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bytree": 0.7,
            "min_child_weight": 0.5,
            "lambda": 1.0,
            "nthread": self.threads,
            "seed": self.seed,
            "base_score": 0.0,
            "tree_method": "hist",
            "disable_default_eval_metric": True,
        }
        matrix = xgboost.DMatrix(rows, nthread=self.threads)
        self.booster_ = xgboost.train(parameters, matrix, self.rounds, obj=objective)
        return self

    def predict(self, schedules: Sequence[Rows]) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Seconds for each schedule."""
        if not hasattr(self, "booster_"):
            raise NotFittedError("the cost model has learned nothing yet: call fit first")
        if not schedules:
            return np.zeros(0)
        rows, owner = _stack(schedules)
        margins = self.booster_.inplace_predict(rows, predict_type="margin")
        stage = np.exp(np.clip(margins.astype(np.float64) + self.start_, -40, 20))
        return np.asarray(np.bincount(owner, stage, minlength=len(schedules)), dtype=np.float64)


def _stack(schedules: Sequence[Rows]) -> tuple[Rows, np.ndarray[Any, np.dtype[np.int64]]]:
    """All rows, and for each the schedule that it belongs to."""
    owner = np.repeat(np.arange(len(schedules)), [len(rows) for rows in schedules])
    return np.concatenate(list(schedules)), owner
