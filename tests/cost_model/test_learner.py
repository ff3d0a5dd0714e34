"""The learner: when it predicts, what it learns from, what it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import pytest

from autosearch.cost_model.base import Rows
from autosearch.cost_model.learner import LEAST_DATA, LEAST_FAILURES, Learner
from autosearch.cost_model.model import NotFittedError, StageTimeModel
from autosearch.machine import Machine
from tests.conftest import random_proposal, space_of
from tests.cost_model.learned import gray_at_root, made_up_seconds

DRAWN = [random_proposal("sharpen", seed) for seed in range(160)]
KNOWN, NEW = DRAWN[:80], DRAWN[80:]
SCHEDULES = [one.schedule for one in NEW]


def _learner() -> Learner:
    return Learner(space_of("sharpen").ground, Machine())


def test_it_is_ready_once_it_has_seen_enough() -> None:
    learner = _learner()
    measured = [(one, made_up_seconds(learner, one.schedule)) for one in KNOWN[:LEAST_DATA]]
    assert learner.observe(measured[:-1]) == measured[:-1]
    assert not learner.ready
    with pytest.raises(NotFittedError):
        learner.predict(SCHEDULES)
    learner.observe(measured[-1:])
    assert learner.ready and learner.count == LEAST_DATA
    assert len(learner.predict(SCHEDULES)) == len(NEW)


class _Nearest:
    """A cost model as a user may write one: the time of the most similar schedule that was measured."""

    def fit(self, schedules: Sequence[Rows], seconds: Sequence[float]) -> None:
        self.known = [(rows.sum(0), time) for rows, time in zip(schedules, seconds)]

    def predict(self, schedules: Sequence[Rows]) -> list[float]:
        return [min(self.known, key=lambda one: float(abs(one[0] - rows.sum(0)).sum()))[1] for rows in schedules]


def test_a_model_of_the_users_own_decides() -> None:
    learner = Learner(space_of("sharpen").ground, Machine(), 0, StageTimeModel(), _Nearest())
    assert not learner.ready  # a prior is of the other kind
    measured = [(one, made_up_seconds(learner, one.schedule)) for one in KNOWN]
    learner.observe(measured)
    assert learner.predict([one.schedule for one in KNOWN]) == [seconds for _, seconds in measured]


def test_features_forgotten_are_worked_out_again() -> None:
    learner = _learner()
    before, kept = learner.features(SCHEDULES[:2])
    learner.forget_others([SCHEDULES[1]])
    [after] = learner.features(SCHEDULES[:1])
    assert after is not before and (after == before).all()
    assert learner.features(SCHEDULES[:1])[0] is after
    assert learner.features([SCHEDULES[1]])[0] is kept


def test_it_learns_what_fails() -> None:
    """Here whatever computes `gray` at root does."""
    assert LEAST_FAILURES <= sum(map(gray_at_root, KNOWN)) <= len(KNOWN) - LEAST_DATA
    learner = _learner()
    assert learner.feasible(SCHEDULES) == [1.0] * len(SCHEDULES)
    ran = learner.observe([(one, None if gray_at_root(one) else made_up_seconds(learner, one.schedule)) for one in KNOWN])
    assert [one for one, _ in ran] == [one for one in KNOWN if not gray_at_root(one)]
    chances = learner.feasible(SCHEDULES)
    failing = [chance for one, chance in zip(NEW, chances, strict=True) if gray_at_root(one)]
    others = [chance for one, chance in zip(NEW, chances, strict=True) if not gray_at_root(one)]
    assert mean(failing) < 0.5 < 0.7 < mean(others)
