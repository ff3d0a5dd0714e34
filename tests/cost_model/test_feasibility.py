"""What fails is foretold, once some of both kinds were seen."""

from __future__ import annotations

import numpy as np
import pytest

from autosearch.cost_model.base import Rows
from autosearch.cost_model.feasibility import FeasibilityClassifier
from autosearch.cost_model.model import NotFittedError
from autosearch.errors import AutoSearchError


def _schedules(count: int, seed: int) -> tuple[list[Rows], list[bool]]:
    """Schedules of 2 to 5 stages, of which those fail in which any stage unrolls a lot (the first feature)."""
    generator = np.random.default_rng(seed)
    rows = [generator.uniform(0, 8, (generator.integers(2, 6), 5)).astype(np.float32) for _ in range(count)]
    return rows, [bool(one[:, 0].max() < 7) for one in rows]


def test_it_tells_what_fails() -> None:
    model = FeasibilityClassifier().fit(*_schedules(200, 0))
    rows, ran = _schedules(100, 1)
    assert (model.predict(rows) == ran).mean() > 0.85
    chances = model.predict_proba(rows)
    assert chances.shape == (100, 2) and chances.sum(axis=1) == pytest.approx(1.0)


def test_the_same_data_and_seed_make_the_same_classifier() -> None:
    rows, _ = _schedules(30, 2)
    one, same = (FeasibilityClassifier(seed=3).fit(*_schedules(60, 0)).predict_proba(rows) for _ in range(2))
    assert np.array_equal(one, same)


def test_what_makes_no_sense_is_refused() -> None:
    rows, _ = _schedules(4, 0)
    with pytest.raises(NotFittedError, match="call fit first"):
        FeasibilityClassifier().predict(rows)
    for ran in ([True] * 4, [False] * 4, [True, False]):
        with pytest.raises(AutoSearchError, match="schedules that ran and schedules that failed"):
            FeasibilityClassifier().fit(rows, ran)


def test_nothing_to_predict() -> None:
    assert FeasibilityClassifier().fit(*_schedules(20, 0)).predict([]).shape == (0,)
