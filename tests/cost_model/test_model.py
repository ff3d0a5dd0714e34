"""The model of stage times: it learns from times of whole schedules to rank others."""

from __future__ import annotations

import numpy as np
import pytest

from autosearch.cost_model.base import Rows
from autosearch.cost_model.model import NotFittedError, StageTimeModel
from autosearch.errors import AutoSearchError

WEIGHTS = np.array([1.5, -1.0, 0.5, 0.0])


def _schedules(count: int, seed: int) -> tuple[list[Rows], list[float]]:
    """Schedules of one to four stages; a stage's time is log-linear in its features, a schedule's their sum."""
    generator = np.random.default_rng(seed)
    rows = [generator.random((generator.integers(1, 5), 4), np.float32) * 3 for _ in range(count)]
    return rows, [float(np.exp(one @ WEIGHTS).sum()) * 1e-3 for one in rows]


def _rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    ranks = [np.argsort(np.argsort(values)) for values in (one, other)]
    return float(np.corrcoef(*ranks)[0, 1])


def test_it_learns_to_rank_schedules_never_seen() -> None:
    model = StageTimeModel().fit(*_schedules(300, 1))
    rows, seconds = _schedules(200, 2)
    assert _rank_correlation(model.predict(rows), np.array(seconds)) > 0.9


def test_predictions_are_seconds() -> None:
    model = StageTimeModel().fit(*_schedules(300, 1))
    rows, seconds = _schedules(200, 2)
    errors = np.abs(np.log(model.predict(rows) / np.array(seconds)))
    assert np.median(errors) < 0.4


def test_more_data_make_it_better() -> None:
    rows, seconds = _schedules(200, 2)
    few, many = (_rank_correlation(StageTimeModel().fit(*_schedules(n, 1)).predict(rows), np.array(seconds))
                 for n in (16, 300))  # fmt: skip
    assert few < many


def test_a_schedule_takes_as_long_as_its_stages_together() -> None:
    model = StageTimeModel().fit(*_schedules(100, 1))
    (rows,), _ = _schedules(1, 3)
    stages = model.predict([row[None] for row in rows])
    assert model.predict([rows])[0] == pytest.approx(stages.sum())
    assert model.predict([rows[::-1]])[0] == pytest.approx(stages.sum())  # their order is nothing to it


def test_the_same_data_and_seed_make_the_same_model() -> None:
    data, (rows, _) = _schedules(60, 1), _schedules(20, 2)
    one, same, other = (StageTimeModel(seed=seed).fit(*data).predict(rows) for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_a_unit_of_time_is_no_matter() -> None:
    rows, seconds = _schedules(60, 1)
    slow, fast = (StageTimeModel().fit(rows, [s * scale for s in seconds]).predict(rows) for scale in (1e3, 1e-3))
    assert slow == pytest.approx(fast * 1e6, rel=1e-3)


def test_one_schedule_is_enough_to_fit() -> None:
    rows, seconds = _schedules(1, 1)
    assert StageTimeModel().fit(rows, seconds).predict(rows)[0] == pytest.approx(seconds[0], rel=0.5)


def test_nothing_to_predict() -> None:
    assert StageTimeModel().fit(*_schedules(5, 1)).predict([]).shape == (0,)


def test_what_makes_no_sense_is_refused() -> None:
    rows, seconds = _schedules(3, 1)
    with pytest.raises(NotFittedError, match="call fit first"):
        StageTimeModel().predict(rows)
    for schedules, times in (([], []), (rows, seconds[:2])):
        with pytest.raises(AutoSearchError, match="as many times as schedules"):
            StageTimeModel().fit(schedules, times)
