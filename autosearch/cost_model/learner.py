"""Learns from what is measured how fast schedules are, and which of them fail."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autosearch.choices import Proposal
from autosearch.cost_model.base import CostModel, Rows
from autosearch.cost_model.batch import Derived, Featurizer
from autosearch.cost_model.feasibility import FeasibilityClassifier
from autosearch.cost_model.model import StageTimeModel
from autosearch.errors import ScheduleError
from autosearch.machine import Machine
from autosearch.schedule.schedule import Schedule

LEAST_DATA = 16
"""Measurements before the model is trusted to rank."""
LEAST_FAILURES = 8
"""Failures, and at least as many that ran, before it is foretold what fails."""
GROWTH = 1.15
"""What learns is trained anew when the data has grown by this factor."""


class Learner:
    """A cost model and a feasibility classifier, kept up to date during a search."""

    def __init__(
        self,
        derive: Callable[[Schedule], Derived],
        machine: Machine,
        seed: int = 0,
        prior: StageTimeModel | None = None,
        model: CostModel | None = None,
    ) -> None:
        """`derive` gives what is left to schedule under a structure; `prior` predicts until enough is measured, and is
        learned upon.

        `model` is what learns, if not a `StageTimeModel`; then there is no prior.
        """
        self._featurizer = Featurizer(derive, machine)
        self._seed = seed
        self._known: dict[str, Rows] = {}
        self._rows: list[Rows] = []
        self._seconds: list[float] = []
        self._failed: list[Rows] = []
        self._feasibility: FeasibilityClassifier | None = None
        self._trained_on = self._judged_on = 0
        self._own = model
        self._prior = prior if model is None else None
        self._model: CostModel | None = self._prior

    @property
    def ready(self) -> bool:
        """Whether there is a model to predict with."""
        return self._model is not None

    @property
    def model(self) -> CostModel:
        """What predicts now; raises `NotFittedError` at that when not `ready`."""
        return self._model or StageTimeModel()

    @property
    def count(self) -> int:
        """Measurements that were learned from, without failures."""
        return len(self._seconds)

    def features(self, schedules: Sequence[Schedule]) -> list[Rows]:
        """The features of schedules, one row a stage; worked out once."""
        new = list({one.digest: one for one in schedules if one.digest not in self._known}.values())
        self._known.update(zip((one.digest for one in new), self._featurizer.rows(new), strict=True))
        return [self._known[one.digest] for one in schedules]

    def forget_others(self, schedules: Sequence[Schedule]) -> None:
        """Drop the features of all schedules but these."""
        kept = {schedule.digest for schedule in schedules}
        self._known = {digest: rows for digest, rows in self._known.items() if digest in kept}

    def observe(self, measured: Sequence[tuple[Proposal, float | None]]) -> list[tuple[Proposal, float]]:
        """Learn from schedules and their times in seconds, None where they failed; returns those that ran.

        Those whose loops Halide makes otherwise than we do are left out.
        """
        ran = []
        found = self._featurizer.attempt([one.schedule for one, _ in measured])
        for (one, seconds), rows in zip(measured, found, strict=True):
            if isinstance(rows, ScheduleError):
                continue
            if seconds is None:
                self._failed.append(rows)
                continue
            self._rows.append(rows)
            self._seconds.append(seconds)
            ran.append((one, seconds))
        self._train()
        self._judge()
        return ran

    def _train(self) -> None:
        """Learn times, once there are enough to learn from."""
        if self.count >= LEAST_DATA and self.count >= self._trained_on * GROWTH:
            model = self._own or StageTimeModel(seed=self._seed, prior=self._prior)
            model.fit(self._rows, self._seconds)
            self._model = model
            self._trained_on = self.count

    def _judge(self) -> None:
        """Learn what fails, once there is enough to learn from."""
        count = self.count + len(self._failed)
        if min(len(self._failed), self.count) >= LEAST_FAILURES and count >= self._judged_on * GROWTH:
            ran = [True] * self.count + [False] * len(self._failed)
            self._feasibility = FeasibilityClassifier(seed=self._seed).fit(self._rows + self._failed, ran)
            self._judged_on = count

    def predict(self, schedules: Sequence[Schedule]) -> list[float]:
        """Predicted seconds of each schedule; raises `NotFittedError` when not `ready`."""
        return [float(seconds) for seconds in self.model.predict(self.features(schedules))]

    def feasible(self, schedules: Sequence[Schedule]) -> list[float]:
        """How likely each schedule is to run; 1 while too few have failed to tell."""
        if self._feasibility is None or not schedules:
            return [1.0] * len(schedules)
        return [float(one) for one in self._feasibility.predict_proba(self.features(schedules))[:, 1]]
