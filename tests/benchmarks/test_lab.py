"""What the laboratory's figures are made of: the steps of a run, and a pipeline tuned live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autosearch.cost_model.prior import shipped_prior
from autosearch.testing.sample import ROOT, TILED
from benchmarks import lab
from tests.made import trial

RECORDS = Path(__file__).parents[2] / "records"


def test_improvements_are_the_trials_faster_than_all_before() -> None:
    times = (3e-3, 4e-3, 2e-3, 2e-3, 1e-3)
    trials = [replace(trial("blur", TILED, 1.0), times=(seconds,)) for seconds in times]
    failed = replace(trial("blur", ROOT, 1.0), times=(), failure="illegal")
    found = lab.improvements([failed, *trials])
    assert [number for number, _ in found] == [2, 4, 6]
    assert [one.seconds for _, one in found] == pytest.approx([3e-3, 2e-3, 1e-3])


def test_a_pipeline_is_tuned_live_against_the_best_of_its_recorded_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "LIVE_TRIALS", 8)
    monkeypatch.setattr(lab, "RACE_SECONDS", 0.5)
    prior = shipped_prior()
    assert prior is not None
    bar = lab.live("box_blur", RECORDS / "box_blur.jsonl.gz", prior)
    assert 1 <= bar.figure <= 9
    assert "random trials; after 8 the best is" in bar.note
