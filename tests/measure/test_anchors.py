"""Anchors: faster schedules take over from slow ones, with times in which luck had no part."""

from __future__ import annotations

import pytest

from autosearch.measure.anchors import MOST, PROBATION, Anchors
from autosearch.measure.measurer import Measurer
from autosearch.measure.protocol import Candidate, Effort, Limits
from tests.measure.simulated import SimulatedRunner

SLOW, FAST, FASTER, OTHER = (Candidate(scheduled=name) for name in (b"slow", b"fast", b"faster", b"other"))
SECONDS: dict[Candidate, float] = {SLOW: 4e-3, FAST: 2e-3, FASTER: 1e-3, OTHER: 3.9e-3}


def _runner() -> SimulatedRunner:
    """Each process has a pace of its own, which changes."""
    return SimulatedRunner(SECONDS.get, lambda place, clock: (1.0 + place) * (1.5 if clock % 40 > 20 else 1.0))


def _measurer(runner: SimulatedRunner) -> Measurer:
    measurer = Measurer(runner, Limits(), Effort(samples=6, seconds=10.0))
    measurer.anchors.add(SLOW, SECONDS[SLOW])
    return measurer


def test_times_are_those_at_the_anchors_pace_in_every_process() -> None:
    measurer = _measurer(_runner())
    found = list(measurer.measure([FAST, OTHER, FASTER], None))
    assert [one.seconds for one in found] == pytest.approx([SECONDS[one.candidate] for one in found], rel=0.05)
    assert all(len(one.paces) == len(one.times) for one in found)


def test_a_faster_schedule_becomes_an_anchor_after_its_probation() -> None:
    runner = _runner()
    measurer = _measurer(runner)
    for _ in range(1 + PROBATION // runner.places):
        assert [anchor.seconds for anchor in measurer.anchors.at(0)] == [SECONDS[SLOW]]
        list(measurer.measure([OTHER, FASTER], None))
    for place in range(runner.places):
        assert [a.seconds for a in measurer.anchors.at(place)] == pytest.approx(
            [SECONDS[SLOW], SECONDS[FASTER]], rel=0.05
        )


def test_one_hardly_faster_does_not() -> None:
    measurer = _measurer(_runner())
    list(measurer.measure([OTHER], None))
    assert measurer.anchors.newcomer(0) == []


def test_the_oldest_makes_room_and_is_forgotten() -> None:
    runner = _runner()
    anchors = Anchors(runner)
    for candidate in (SLOW, FAST, FASTER):
        anchors.add(candidate, SECONDS[candidate])
    assert [anchor.built.candidate for anchor in anchors.at(1)] == [FAST, FASTER]
    assert len(runner.kernels) == MOST * runner.places


def test_without_anchors_nobody_is_on_probation() -> None:
    anchors = Anchors(_runner())
    anchors.consider(FAST, 1e-3)
    assert anchors.newcomer(0) == [] and anchors.at(0) == []
