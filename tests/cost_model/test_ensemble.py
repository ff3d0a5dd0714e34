"""An ensemble predicts as its members do, and says where they disagree."""

from __future__ import annotations

import numpy as np
import pytest

from autosearch.cost_model.base import Rows
from autosearch.cost_model.ensemble import Ensemble
from autosearch.cost_model.model import NotFittedError
from autosearch.errors import AutoSearchError


def _schedules(count: int, seed: int, low: float = 0.0, high: float = 6.0) -> tuple[list[Rows], list[float]]:
    """One stage each, whose time is two to the power of its first feature."""
    rows = np.random.default_rng(seed).uniform(low, high, (count, 1, 1)).astype(np.float32)
    return list(rows), [float(2.0 ** one[0, 0]) for one in rows]


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return Ensemble().fit(*_schedules(60, 0))


def test_it_predicts(ensemble: Ensemble) -> None:
    rows, seconds = _schedules(60, 1)
    assert np.corrcoef(np.log(ensemble.predict(rows)), np.log(seconds))[0, 1] > 0.9


def test_members_disagree_more_where_they_know_little() -> None:
    """Many schedules of one half of the range, a few of the other."""
    (many, known), (few, rare) = _schedules(60, 0, high=3.0), _schedules(6, 1, low=3.0)
    ensemble = Ensemble().fit(many + few, known + rare)
    (sure, fast), (doubtful, slow) = _schedules(100, 2, high=3.0), _schedules(100, 3, low=3.0)
    assert (ensemble.spread(sure) >= 0).all()
    assert ensemble.spread(doubtful).mean() > 1.5 * ensemble.spread(sure).mean()
    wrong = [np.abs(np.log(ensemble.predict(one) / np.asarray(t))).mean() for one, t in ((sure, fast), (doubtful, slow))]
    assert wrong[1] > 1.5 * wrong[0]


def test_caution_makes_what_is_uncertain_slower() -> None:
    data, (rows, _) = _schedules(40, 0), _schedules(20, 3)
    plain, careful = (Ensemble(caution=caution).fit(*data) for caution in (0.0, 1.0))
    assert np.log(careful.predict(rows) / plain.predict(rows)) == pytest.approx(plain.spread(rows), abs=1e-6)


def test_what_makes_no_sense_is_refused() -> None:
    rows, _ = _schedules(2, 0)
    with pytest.raises(NotFittedError, match="call fit first"):
        Ensemble().predict(rows)
    with pytest.raises(AutoSearchError, match="two members at least"):
        Ensemble(members=1)
    with pytest.raises(AutoSearchError, match="as many times as schedules"):
        Ensemble().fit(rows, [1.0])
