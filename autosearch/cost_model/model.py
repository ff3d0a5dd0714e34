"""The learned part: stage features in, seconds out.

One regression tree ensemble (XGBoost) gives every stage a time; a schedule's time is the sum over its stages, and only
that sum is known, so the loss is on the sum and its gradient is shared out among the stages by their part of it. A
model so trained can be used for other pipelines, whose stages are other rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from autosearch.cost_model.alike import different
from autosearch.cost_model.base import Rows
from autosearch.errors import AutoSearchError

if TYPE_CHECKING:  # it takes seconds to import, and a wrong argument should be refused at once
    import xgboost


class NotFittedError(AutoSearchError):
    """A model was asked to predict before it was fitted."""


class StageTimeModel:
    """Predicts the time of a schedule as the sum of its stages' times. scikit-learn's conventions."""

    def __init__(
        self,
        rounds: int = 100,
        depth: int = 4,
        learning_rate: float = 0.15,
        subsample: float = 0.8,
        features: float = 0.1,
        focus: float = 1.0,
        threads: int = 1,
        seed: int = 0,
        prior: StageTimeModel | None = None,
    ) -> None:
        self.rounds = rounds
        self.depth = depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.features = features
        """Share of the features, drawn anew, that each split of a tree may use. Few: what the schedules of one search have in
        common says of many features alike that they are good, and none should get all of it."""
        self.focus = focus
        """How much more fast schedules count: weights are relative throughput to this power."""
        self.threads = threads
        self.seed = seed
        self.prior = prior
        """A fitted model whose predictions are corrected rather than learned anew."""

    def fit(
        self, schedules: Sequence[Rows], seconds: Sequence[float], pipelines: Sequence[int] | None = None
    ) -> StageTimeModel:
        """Learn from schedules, each an array (stages, features), and their measured times.

        `pipelines` says for each schedule which pipeline it is of, where there are several: a schedule's weight is its
        throughput relative to the best of its own pipeline.
        """
        import xgboost

        if not schedules or len(schedules) != len(seconds):
            raise AutoSearchError("a cost model needs as many times as schedules, and at least one")
        rows, owner = _stack(schedules)
        times = np.asarray(seconds, dtype=np.float64)
        target = np.log(times)
        weights = (_best_of_own(times, pipelines) / times) ** self.focus
        weights /= weights.mean()
        count = len(schedules)
        base = self._base(rows)
        spread = np.log(np.bincount(owner, np.exp(base - base.max()), minlength=count)) + base.max()
        self.start_ = float(np.average(target - spread, weights=weights))

        def objective(margins: np.ndarray[Any, Any], _: xgboost.DMatrix) -> tuple[Any, Any]:
            stage = self._stage_seconds(margins, base)
            total = np.bincount(owner, stage, minlength=count)
            share = stage / total[owner]
            error = ((np.log(total) - target) * weights)[owner]
            return error * share, np.maximum(share * weights[owner], 1e-4)

        parameters = {
            "max_depth": self.depth,
            "eta": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bynode": self.features,
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
        if not schedules:
            return np.zeros(0)
        rows, owner = _stack(schedules)
        first, which = different([rows])
        seconds = np.exp(self.margins(rows[first]))[which]
        return np.asarray(np.bincount(owner, seconds, minlength=len(schedules)), dtype=np.float64)

    def margins(self, rows: Rows) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The logarithm of the seconds of each stage. Raises `NotFittedError`."""
        if not hasattr(self, "booster_"):
            raise NotFittedError("the cost model has learned nothing yet: call fit first")
        own = self.booster_.inplace_predict(rows, predict_type="margin")
        return np.asarray(np.clip(own.astype(np.float64) + self._base(rows) + self.start_, -40, 20))

    def _base(self, rows: Rows) -> np.ndarray[Any, np.dtype[np.float64]]:
        return self.prior.margins(rows) if self.prior is not None else np.zeros(len(rows))

    def _stage_seconds(self, margins: np.ndarray[Any, Any], base: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray(np.exp(np.clip(margins.reshape(-1).astype(np.float64) + base + self.start_, -40, 20)))


def _best_of_own(
    times: np.ndarray[Any, np.dtype[np.float64]], pipelines: Sequence[int] | None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """For each schedule the time of the best of its pipeline."""
    owner = np.zeros(len(times), dtype=np.int64) if pipelines is None else np.asarray(pipelines, dtype=np.int64)
    best = np.full(int(owner.max()) + 1, np.inf)
    np.minimum.at(best, owner, times)
    return np.asarray(best[owner])


def _stack(schedules: Sequence[Rows]) -> tuple[Rows, np.ndarray[Any, np.dtype[np.int64]]]:
    """All rows, and for each the schedule that it belongs to."""
    owner = np.repeat(np.arange(len(schedules)), [len(rows) for rows in schedules])
    return np.concatenate(list(schedules)), owner
