"""Anchors: a base sets the scale, and ever faster schedules tell the pace, with times in which luck had no part."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosearch.measure.anchors import PROBATION, Anchors
from autosearch.measure.measurer import Measurer
from autosearch.measure.protocol import Built, Candidate, Effort, Inputs, Limits, Timed
from tests.measure.simulated import SimulatedRunner

SLOW, FAST, FASTER, OTHER = (Candidate(scheduled=name) for name in (b"slow", b"fast", b"faster", b"other"))
SECONDS: dict[Candidate, float] = {SLOW: 4e-3, FAST: 2e-3, FASTER: 1e-3, OTHER: 3.9e-3}


def _runner() -> SimulatedRunner:
    """Each process has a pace of its own, which changes."""
    return SimulatedRunner(SECONDS.get, lambda place, clock: (1.0 + place) * (1.5 if clock % 40 > 20 else 1.0))


def _measurer(runner: SimulatedRunner) -> Measurer:
    measurer = Measurer(runner, Limits(), Effort(samples=6, seconds=10.0))
    measurer.anchors.set_base(SLOW, SECONDS[SLOW])
    return measurer


def _guide(anchors: Anchors, place: int = 0) -> list[tuple[Candidate, float]]:
    """Who tells the pace, and its known seconds."""
    return [(built.candidate, seconds) for built, seconds in anchors.at(place) if seconds is not None]


def test_times_are_those_at_the_usual_pace_in_every_process() -> None:
    measurer = _measurer(_runner())
    found = list(measurer.measure([FAST, OTHER, FASTER], None))
    assert [one.seconds for one in found] == pytest.approx([SECONDS[one.candidate] for one in found], rel=0.05)
    assert all(len(one.paces) == len(one.times) for one in found)


def test_a_faster_schedule_becomes_the_guide_after_its_probation() -> None:
    runner = _runner()
    measurer = _measurer(runner)
    batches = 0
    while _guide(measurer.anchors) == [(SLOW, SECONDS[SLOW])]:
        list(measurer.measure([OTHER, FASTER], None))
        batches += 1
    assert 2 <= batches <= 1 + PROBATION // runner.places  # fewer where some are timed again
    for place in range(runner.places):
        ((candidate, seconds),) = _guide(measurer.anchors, place)
        assert candidate == FASTER and seconds == pytest.approx(SECONDS[FASTER], rel=0.05)
        assert measurer.anchors.at(place)[0][0].candidate == SLOW  # it stays, and sets the scale


def test_a_lucky_one_does_not() -> None:
    """Taken for twice as fast by its first time, it turns out to be slower."""
    runner = _runner()
    measurer = _measurer(runner)
    measurer.anchors.consider(OTHER, SECONDS[SLOW] / 2)
    SECONDS[OTHER] = 5e-3
    try:
        for _ in range(PROBATION):
            list(measurer.measure([SLOW], None))
    finally:
        SECONDS[OTHER] = 3.9e-3
    assert _guide(measurer.anchors) == [(SLOW, SECONDS[SLOW])]
    assert len(runner.kernels) == runner.places + 1  # the base's, and the one measured


def test_one_hardly_faster_is_not_tried() -> None:
    measurer = _measurer(_runner())
    list(measurer.measure([OTHER], None))
    assert len(measurer.anchors.at(0)) == 1


def test_guides_do_not_drift() -> None:
    """However many guides follow one another, times are multiples of the base's."""
    measurer = _measurer(_runner())
    seconds = 4e-3
    for number in range(12):
        seconds *= 0.8
        candidate = Candidate(scheduled=f"guide {number}".encode())
        SECONDS[candidate] = seconds
        for _ in range(1 + PROBATION):
            (found,) = list(measurer.measure([candidate], None))
        assert found.seconds == pytest.approx(seconds, rel=0.05)


def test_without_a_base_there_are_no_anchors() -> None:
    anchors = Anchors(_runner())
    anchors.consider(FAST, 1e-3)
    assert anchors.at(0) == []


class _CoreTaken(SimulatedRunner):
    """A core is taken during the first so many runs: that slows the base, which has few tasks, and hardly the others."""

    def __init__(self, runs: int) -> None:
        super().__init__(SECONDS.get, lambda place, clock: 1.0, places=1)
        self.taken = runs

    def run(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """See `Runner.run`."""
        timed = super().run(built, effort, inputs)
        slowed = built.candidate == SLOW and self.clock[0] <= self.taken
        return replace(timed, times=tuple(one * (1.5 if slowed else 1.0) for one in timed.times))


def test_what_may_be_the_best_is_timed_again_when_the_machine_was_slowed() -> None:
    batch = 16
    for runs, expected in ((10**6, SECONDS[FAST] / 1.5), (batch, SECONDS[FAST]), (0, SECONDS[FAST])):
        (found,) = _measurer(_CoreTaken(runs)).measure([FAST], None)
        assert found.seconds == pytest.approx(expected, rel=0.05), runs


def test_what_can_not_be_the_best_is_not_timed_again() -> None:
    runner = _CoreTaken(10**6)
    list(_measurer(runner).measure([OTHER], SECONDS[FASTER]))
    assert runner.clock[0] <= 12  # six rounds of it and of the base
