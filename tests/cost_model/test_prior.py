"""A model that outlives its run: saved, loaded, corrected by new measurements."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from autosearch.cost_model.features import FEATURES
from autosearch.cost_model.model import StageTimeModel
from autosearch.cost_model.prior import load_prior, save_prior, shipped_prior
from autosearch.errors import AutoSearchError


def _samples(count: int, scale: float, seed: int) -> tuple[list[np.ndarray], list[float]]:
    """Schedules of two stages whose time depends on their first two features."""
    rows = np.random.default_rng(seed).uniform(0, 8, (count, 2, len(FEATURES))).astype(np.float32)
    seconds = scale * (2.0 ** rows[:, :, 0] + 3.0 * rows[:, :, 1]).sum(axis=1)
    return list(rows), [float(one) for one in seconds]


def _correlation(model: StageTimeModel, rows: list[np.ndarray], seconds: list[float]) -> float:
    return float(np.corrcoef(np.log(model.predict(rows)), np.log(seconds))[0, 1])


@pytest.fixture(scope="module")
def prior() -> StageTimeModel:
    return StageTimeModel(rounds=80).fit(*_samples(300, 1e-3, 0))


def test_round_trip(prior: StageTimeModel, tmp_path: Path) -> None:
    rows, _ = _samples(20, 1.0, 1)
    save_prior(prior, tmp_path / "prior.ubj")
    assert load_prior(tmp_path / "prior.ubj").predict(rows) == pytest.approx(prior.predict(rows))


def test_a_few_measurements_correct_a_prior(prior: StageTimeModel) -> None:
    """Ten times slower here: the order is known already, the scale follows from a few."""
    few, unseen = _samples(12, 1e-2, 2), _samples(100, 1e-2, 3)
    corrected, alone = StageTimeModel(prior=prior).fit(*few), StageTimeModel().fit(*few)
    assert _correlation(corrected, *unseen) > max(0.9, _correlation(alone, *unseen))
    assert np.median(corrected.predict(unseen[0]) / np.asarray(unseen[1])) == pytest.approx(1.0, abs=0.3)


def test_each_pipeline_is_weighted_by_its_own_best() -> None:
    """Schedules of a slow pipeline are not taken for bad ones."""
    rows, seconds = _samples(100, 1e-3, 4)
    slow_rows, slow = _samples(100, 1.0, 5)
    for one in slow_rows:
        one[:, 2] += 100.0  # how the model can tell the two apart
    owners = [0] * 100 + [1] * 100
    model = StageTimeModel(features=1.0, focus=2.0).fit(rows + slow_rows, seconds + slow, owners)
    assert _correlation(model, slow_rows, slow) > 0.9


@pytest.mark.parametrize("content", [b"", b"not a model", b"{}"])
def test_what_is_no_model_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "prior.ubj"
    path.write_bytes(content)
    with pytest.raises(AutoSearchError, match="holds no cost model"):
        load_prior(path)


def test_a_model_of_other_features_is_refused(
    prior: StageTimeModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the names are the same and a meaning is not."""
    save_prior(prior, tmp_path / "prior.ubj")
    other = (*FEATURES[:-1], replace(FEATURES[-1], meaning="something else"))
    monkeypatch.setattr("autosearch.cost_model.prior.FEATURES", other)
    with pytest.raises(AutoSearchError, match="goes by other features than this version: train it anew"):
        load_prior(tmp_path / "prior.ubj")


def test_the_shipped_model_is_for_this_version() -> None:
    model = shipped_prior()
    assert model is not None
    assert (model.predict([np.zeros((3, len(FEATURES)), np.float32)]) > 0).all()
