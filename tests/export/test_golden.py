"""Exported text, word for word: it is what a person reads, reviews and pastes.

After a change on purpose: `AUTOSEARCH_WRITE_GOLDEN=1 pytest tests/export/test_golden.py`, and review the difference.
"""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

import pytest

from autosearch.records.identity import Identity
from autosearch.records.record import TrialRecord
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from tests.conftest import snapshot_of
from tests.made import TILED

GOLDEN = Path(__file__).parent / "golden"
SCHEDULES = {
    "blur": TILED,
    "histogram": Schedule.from_json(
        [
            ["out", "split", "x", "xo", "xi", 32, "ShiftInwards"],
            ["out", "vectorize", "xi"],
            ["out", "parallel", "y"],
            ["cdf", "compute_root"],
            ["hist", "compute_root"],
            ["hist.update(0)", "reorder", ["rx", "ry"]],
            ["image_im", "compute_at", ["hist", "ry"]],
            ["image_im", "store_in", "Stack"],
            ["image_im", "unroll", "_1"],
        ]
    ),
}


def _result(name: str) -> Result:
    """A result that says the same on every machine."""
    snapshot = snapshot_of(name)
    identity = Identity(snapshot.fingerprint, "sizes", "x86-64-linux-avx2", "21", "Some CPU", 8)
    records = (
        TrialRecord(identity, "baseline", Schedule(), None, (3e-3, 3e-3), baseline="default"),
        TrialRecord(identity, "genetic", SCHEDULES[name], None, (1e-3, 1e-3)),
    )
    return Result(snapshot, "x86-64-linux-avx2", records, None)


def _compare(text: str, path: Path) -> None:
    if os.environ.get("AUTOSEARCH_WRITE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_cpp(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.schedule.h"
    _result(name).export(path)
    check = files("autosearch.export").joinpath("check.h.txt").read_text().rstrip()
    before, after = path.read_text().split(check)
    _compare(f"{before}// (the check of the algorithm)\n{after}", GOLDEN / f"{name}.h.txt")


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_python(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    _result(name).export(path)
    schedule, check = path.read_text().split("\ndef check(pipeline):\n")
    assert "def funcs_in_order" in check and "def definition_digest" in check
    _compare(schedule, GOLDEN / f"{name}.py.txt")
