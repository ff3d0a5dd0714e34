"""Measuring batches: results in order, limits that follow from what was seen, a reference or a clear error."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autosearch.errors import MeasureError
from autosearch.measure.local import LocalRunner
from autosearch.measure.measurer import LEAST_COMPILED, Measurer
from autosearch.measure.protocol import Candidate, Failure
from autosearch.schedule.schedule import Schedule
from autosearch.testing import bad_candidates as bad
from tests.conftest import random_proposal
from tests.made import ROOT, TILED
from tests.measure.local_runner import LIMITS, ONCE, local_runner, reference_of


@pytest.fixture(scope="module")
def runner() -> Iterator[LocalRunner]:
    """One worker for all tests."""
    with local_runner("blur") as runner:
        yield runner


def test_a_batch_comes_back_in_order_with_its_failures(runner: LocalRunner) -> None:
    measurer = Measurer(runner, LIMITS, ONCE)
    assert measurer.reference(reference_of("blur")).times
    candidates = [Candidate(TILED), bad.ILLEGAL, bad.wrong(), Candidate(ROOT)]
    results = list(measurer.measure(candidates, best=None))
    assert [one.candidate for one in results] == candidates
    assert [one.failure for one in results] == [None, Failure.ILLEGAL, Failure.WRONG, None]
    assert [bool(one.times) for one in results] == [True, False, False, True]
    assert all(one.message for one in results if one.failure)
    assert results[0].compile_seconds > 0


def test_a_batch_left_in_the_middle_is_forgotten(runner: LocalRunner) -> None:
    measurer = Measurer(runner, LIMITS, ONCE)
    batch = measurer.measure([Candidate(TILED), Candidate(ROOT)], best=None)
    assert next(batch).times
    batch.close()
    assert next(measurer.measure([Candidate(ROOT)], best=None)).times


@pytest.mark.parametrize("make", [bad.reads_too_far, bad.dies, bad.kills_the_compiler])
def test_no_reference_is_an_error_that_says_why(runner: LocalRunner, make) -> None:  # type: ignore[no-untyped-def]
    measurer = Measurer(runner, LIMITS, ONCE)
    with pytest.raises(MeasureError, match=r"can't be compiled and run even with compute_root everywhere.*\w+"):
        measurer.reference(make())
    assert measurer.reference(reference_of("blur")).times


def test_limits_follow_from_the_good_ones(runner: LocalRunner) -> None:
    measurer = Measurer(runner, LIMITS, ONCE)
    assert measurer.current_limits(None) == LIMITS
    assert measurer.current_limits(1.0).run_seconds == LIMITS.run_seconds  # 50 times a second is more
    assert measurer.current_limits(0.06).run_seconds == pytest.approx(3.0)
    assert measurer.current_limits(1e-6).run_seconds == 1.0
    schedules = [random_proposal("blur", seed).schedule for seed in range(LEAST_COMPILED)]
    found = list(measurer.measure([Candidate(schedule) for schedule in [*schedules, Schedule()]], best=None))
    assert sum(1 for one in found if one.times) >= LEAST_COMPILED
    assert 4.0 <= measurer.current_limits(None).compile_seconds < LIMITS.compile_seconds
    assert measurer.current_limits(None).memory_bytes == LIMITS.memory_bytes
