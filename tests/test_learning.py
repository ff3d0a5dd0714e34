"""A cost model of the user's own: trained on logs that hold their pipelines, and used by later runs."""

from __future__ import annotations

from pathlib import Path

import pytest

import autosearch
from autosearch.cost_model.prior import load_prior
from autosearch.errors import AutoSearchError, LogError
from autosearch.learning import LEAST_SCHEDULES, learn, rank_correlation
from autosearch.pipeline.stored import store
from autosearch.records.log import Log
from autosearch.records.record import PipelineRecord
from tests.conftest import random_proposal, snapshot_of
from tests.made import trial, write_log
from tests.samples import blur


def _log(path: Path, name: str, count: int, stored: bool = True) -> Path:
    """Random schedules whose time grows with the number of their directives."""
    snapshot = snapshot_of(name)
    log = Log(path)
    sizes = snapshot.sizes.to_json()
    log.append(
        PipelineRecord(snapshot.fingerprint, name, snapshot.func_digests, sizes, store(snapshot) if stored else None)
    )
    for seed in range(count):
        schedule = random_proposal(name, seed).schedule
        log.append(trial(name, schedule, 1e-3 * (1 + len(schedule))))
    log.close()
    return path


def test_a_model_is_trained_and_used(tmp_path: Path) -> None:
    logs = [_log(tmp_path / f"{name}.jsonl", name, 24) for name in ("blur", "pyramid")]
    learned = learn(logs, tmp_path / "mine.ubj")
    assert learned.samples == (("blur", 24), ("pyramid", 24)) and len(learned.correlations) == 2
    assert "blur: 24 schedules\npyramid: 24 schedules\nrank correlation" in learned.summary()
    assert load_prior(tmp_path / "mine.ubj").start_
    result = autosearch.tune(blur, trials=3, progress=False, prior=tmp_path / "mine.ubj")
    assert all(one.predicted for one in result.records if not one.baseline)


def test_too_little_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(LogError, match=f"hold 4 schedules that ran; a model needs {LEAST_SCHEDULES}"):
        learn([write_log(tmp_path / "blur.jsonl")], tmp_path / "mine.ubj")
    with pytest.raises(LogError, match="does not hold its pipeline"):
        learn([_log(tmp_path / "old.jsonl", "blur", 2, stored=False)], tmp_path / "mine.ubj")


def test_a_model_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "mine.ubj").write_text("nothing")
    with pytest.raises(AutoSearchError, match="holds no cost model"):
        autosearch.tune(blur, trials=1, progress=False, prior=tmp_path / "mine.ubj")


def test_rank_correlation() -> None:
    assert rank_correlation([1.0, 2.0, 3.0], [10.0, 20.0, 40.0]) == pytest.approx(1.0)
    assert rank_correlation([1.0, 2.0, 3.0], [3.0, 2.0, 1.0]) == pytest.approx(-1.0)
