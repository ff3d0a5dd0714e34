"""Several cost models that have seen other parts of the data: where they disagree, little is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autosearch.cost_model.base import Rows
from autosearch.cost_model.model import NotFittedError, StageTimeModel
from autosearch.errors import AutoSearchError

Seconds = np.ndarray[Any, np.dtype[np.float64]]


class Ensemble:
    """A `CostModel` made of several `StageTimeModel`s, each fitted to a sample with replacement (bagging).

    `tune(..., cost_model=Ensemble())` searches with one.
    """

    def __init__(
        self, members: int = 4, seed: int = 0, prior: StageTimeModel | None = None, caution: float = 0.0
    ) -> None:
        if members < 2:
            raise AutoSearchError(f"an ensemble needs two members at least, not {members}")
        self.members = members
        self.seed = seed
        self.prior = prior
        self.caution = caution
        """What `predict` adds for each standard deviation, as a logarithm; negative: what is uncertain is tried sooner."""

    def fit(self, schedules: Sequence[Rows], seconds: Sequence[float]) -> Ensemble:
        """Learn from schedules, each an array (stages, features), and their measured times."""
        if not schedules or len(schedules) != len(seconds):
            raise AutoSearchError("a cost model needs as many times as schedules, and at least one")
        generator = np.random.default_rng(self.seed)
        self.members_: list[StageTimeModel] = []
        for number in range(self.members):
            drawn = generator.integers(0, len(schedules), len(schedules)).tolist()
            member = StageTimeModel(seed=self.seed + number, prior=self.prior)
            self.members_.append(member.fit([schedules[k] for k in drawn], [seconds[k] for k in drawn]))
        return self

    def predict(self, schedules: Sequence[Rows]) -> Seconds:
        """Seconds for each schedule: the geometric mean of what the members say. Raises `NotFittedError`."""
        logarithms = self._logarithms(schedules)
        return np.asarray(np.exp(logarithms.mean(axis=0) + self.caution * logarithms.std(axis=0)))

    def spread(self, schedules: Sequence[Rows]) -> Seconds:
        """The standard deviation of the logarithms of what the members say of each schedule: 0.1 is some 10 %."""
        return np.asarray(self._logarithms(schedules).std(axis=0))

    def _logarithms(self, schedules: Sequence[Rows]) -> Seconds:
        if not hasattr(self, "members_"):
            raise NotFittedError("the cost model has learned nothing yet: call fit first")
        return np.log(np.stack([member.predict(schedules) for member in self.members_]))
