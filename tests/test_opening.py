"""What is measured before the search."""

from __future__ import annotations

import pytest

import autosearch
from autosearch import opening
from autosearch.baselines import ADAMS, Baseline
from autosearch.measure.protocol import Candidate
from autosearch.schedule.schedule import Schedule
from autosearch.testing.sample import TILED
from tests.samples import blur

WRONG = Schedule.from_json([["blur_x", "compute_at", ["blur_y", "y"]], ["blur_x", "unroll", "x"]])
"""Halide unrolls no loop whose extent isn't a constant."""


def test_what_is_there_for_a_baseline_that_fails_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Baseline(ADAMS, Candidate(TILED), TILED, "with a narrow beam")
    found = [Baseline(ADAMS, Candidate(WRONG), WRONG, instead=other), Baseline("Li2018", Candidate(WRONG), WRONG)]
    monkeypatch.setattr(opening, "autoscheduled_baselines", lambda *_: found)
    result = autosearch.tune(blur, trials=1, progress=False)
    records = {one.baseline: one for one in result.records if one.baseline}
    assert records[ADAMS].ok and records[ADAMS].schedule == TILED
    assert records[ADAMS].note.startswith("with a narrow beam: ") and "unroll" in records[ADAMS].note.lower()
    assert not records["Li2018"].ok
