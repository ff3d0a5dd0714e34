"""Dropping what doesn't matter: all that doesn't goes, nothing that does; and what remains is measured, right and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from autosearch.errors import ArgumentError
from autosearch.minimal import Pacer, _shorter, minimize, minimize_log
from autosearch.records.log import read_log
from autosearch.replayer import replay
from autosearch.schedule.directives import Parallel, Vectorize
from autosearch.schedule.schedule import Schedule, Step
from autosearch.schedule.shorthand import length
from autosearch.testing.sample import TILED
from tests.conftest import snapshot_of
from tests.made import result_of, write_log

PADDED = Schedule.from_json(
    [
        *TILED.to_json()[:2],
        ["blur_y", "split", "yi", "yi", "yii", 4, "RoundUp"],
        ["blur_y", "reorder", ["xi", "xo", "yii", "yi", "yo"]],
        ["blur_y", "unroll", "yii"],
        *TILED.to_json()[3:],
    ]
)


class _OnlySomeMatter(Pacer):
    """Schedules that take longer without a vector or without parallel tasks, and for no other reason."""

    def __init__(self) -> None:
        self.asked = 0

    def ratios(self, schedules: Sequence[Schedule]) -> list[float | None]:
        self.asked += len(schedules)
        return [self.ratio(one) for one in schedules]

    @staticmethod
    def ratio(schedule: Schedule) -> float:
        kinds = [(step.stage.func, type(step.directive)) for step in schedule]
        wanted = [("blur_y", Vectorize), ("blur_x", Vectorize), ("blur_y", Parallel)]
        return 1.0 + sum(0.5 for one in wanted if one not in kinds)


def test_all_that_does_not_matter_goes_and_nothing_that_does() -> None:
    pacer = _OnlySomeMatter()
    forms = _shorter(pacer, PADDED, snapshot_of("blur").algorithm, threshold=0.02)
    lengths = [length(one) for one in forms]
    assert lengths == sorted(lengths, reverse=True)
    assert pacer.ratio(forms[-1]) == 1.0 and length(forms[-1]) == 3
    assert pacer.asked < 60


def test_what_fails_is_not_tried_again() -> None:
    class Picky(_OnlySomeMatter):
        tried: list[str] = []

        def ratios(self, schedules: Sequence[Schedule]) -> list[float | None]:
            self.tried += [one.digest for one in schedules]
            return [None if len(one) < 6 else ratio for one, ratio in zip(schedules, super().ratios(schedules))]

    pacer = Picky()
    forms = _shorter(pacer, PADDED, snapshot_of("blur").algorithm, threshold=0.02)
    assert len(forms[-1]) >= 6


def test_the_outcome_is_measured_and_kept(tmp_path: Path) -> None:
    log = write_log(tmp_path / "blur.jsonl")
    result, record = minimize_log(log, threshold=0.5)
    assert result.best == record.whole == TILED and result.schedule == record.schedule
    assert length(record.schedule) <= length(TILED)
    assert all(any(row) for row in record.samples) and "calls instead of 8" in record.summary()
    assert read_log(log).minimal == (record,)
    assert replay(log).schedule == record.schedule
    result.export(tmp_path / "blur.cpp")
    written, wanted = (tmp_path / "blur.cpp").read_text().replace("TailStrategy::", ""), str(record.schedule)
    assert "".join(wanted.split("\n")[0].split()) in "".join(written.split())


def test_a_short_form_of_another_schedule_does_not_count(tmp_path: Path) -> None:
    _, record = minimize_log(write_log(tmp_path / "blur.jsonl"), threshold=0.9)
    other = result_of("blur", Schedule((Step(TILED.steps[0].stage, TILED.steps[0].directive),)))
    assert replace(other, shortened=record).schedule == other.best


def test_a_threshold_that_makes_no_sense() -> None:
    with pytest.raises(ArgumentError, match="threshold must be a share from 0 up to 1, but is 2"):
        minimize(result_of("blur", TILED), threshold=2)
