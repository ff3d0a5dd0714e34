"""Measuring a log's best schedules again: on real kernels, with what no longer works named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autosearch.errors import ArgumentError, LogError, MismatchError
from autosearch.records.identity import Identity
from autosearch.records.log import Log, read_log
from autosearch.remeasure import Remeasured, remeasure, table
from autosearch.schedule.schedule import Schedule
from tests.conftest import random_proposal, snapshot_of
from tests.made import ROOT, TILED, identity_of, trial, write_log
from tests.samples import blur, matmul

ILLEGAL = Schedule.from_json([["blur_y", "split", "x", "xo", "xi", 8, "ShiftInwards"], ["blur_y", "vectorize", "no"]])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Trials of the sample `blur` on another machine: two that run, one that no Halide accepts."""
    path = tmp_path / "elsewhere.jsonl"
    identity = replace(identity_of_blur(), cpu="another")
    written = Log(path)
    for record in (
        trial("blur", TILED, 2e-3),
        trial("blur", ROOT, 4e-3),
        trial("blur", ILLEGAL, 3e-3),
        trial("blur", random_proposal("blur", 3).schedule, 9e-3),
        trial("blur", Schedule(), failure="crash"),
    ):
        written.append(replace(record, identity=identity))
    written.close()
    return path


def identity_of_blur() -> Identity:
    """Where the sample `blur` is measured here."""
    return identity_of(snapshot_of("blur"))


def test_the_best_are_measured_and_failures_named(log: Path, tmp_path: Path) -> None:
    into = tmp_path / "here.jsonl"
    rows = remeasure(log, blur, top=3, seconds=0.2, into=into)
    assert [(row.schedule, row.recorded) for row in rows] == [(TILED, 2e-3), (ILLEGAL, 3e-3), (ROOT, 4e-3)]
    assert [row.seconds is not None for row in rows] == [True, False, True]
    assert rows[1].verdict == "illegal" and "'no'" in rows[1].message
    fastest = min(row.seconds for row in rows if row.seconds is not None)
    for row in (rows[0], rows[2]):
        assert row.seconds is not None and row.relative is not None
        assert row.relative == pytest.approx(row.seconds / fastest / (row.recorded / 2e-3))
    recorded = read_log(into).trials
    assert [(one.schedule, one.ok, one.identity) for one in recorded] == [
        (TILED, True, identity_of_blur()), (ILLEGAL, False, identity_of_blur()), (ROOT, True, identity_of_blur())
    ]  # fmt: skip
    remeasure(log, blur, top=3, seconds=0.2, into=into)
    assert read_log(into).trials == recorded


def test_the_table_says_what_holds() -> None:
    rows = [
        Remeasured(TILED, 1e-3, 2e-3, relative=1.0),
        Remeasured(ROOT, 2e-3, 8e-3, relative=2.0),
        Remeasured(ILLEGAL, 3e-3, None, "illegal", "no such loop"),
    ]
    text = table(rows)
    assert "1 of 3 hold, 1 regressed, 1 failed" in text
    assert "illegal: no such loop" in text and text.endswith(str(TILED))


def test_wrong_arguments(log: Path, tmp_path: Path) -> None:
    with pytest.raises(MismatchError):
        remeasure(write_log(tmp_path / "blur.jsonl"), matmul)
    with pytest.raises(ArgumentError, match="top"):
        remeasure(log, blur, top=0)
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(LogError, match="no schedule"):
        remeasure(empty, blur)
