"""Kernels timed in turn: what the machine's pace does to all of them is told apart from what each of them takes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.measure.protocol import Built, Candidate, Effort, Failure
from autosearch.measure.statistics import adjusted, typical
from autosearch.measure.turns import LONG, RETIRE, Turns, paces, take_turns
from autosearch.schedule.schedule import Schedule
from tests.measure.simulated import SimulatedRunner

KERNELS = st.lists(st.floats(1e-5, 1e-1), min_size=1, max_size=6)
PACES = st.lists(st.floats(0.5, 3.0), min_size=3, max_size=8)


@given(KERNELS, PACES)
def test_the_pace_is_found_exactly_where_there_is_no_noise(kernels: list[float], pace: list[float]) -> None:
    rounds = [[seconds * now for now in pace] for seconds in kernels]
    assert paces(rounds, [kernels[0], *[None] * (len(kernels) - 1)]) == pytest.approx(pace)


@given(KERNELS, PACES)
def test_without_a_known_kernel_the_typical_pace_is_one(kernels: list[float], pace: list[float]) -> None:
    found = paces([[seconds * now for now in pace] for seconds in kernels], [None] * len(kernels))
    assert math.exp(
        sum(map(math.log, sorted(found)[(len(pace) - 1) // 2 : len(pace) // 2 + 1])) / (2 - len(pace) % 2)
    ) == (pytest.approx(1.0))
    ratios = [one / other for one, other in zip(found, pace, strict=True)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios))


def test_one_that_left_after_a_round_says_nothing_of_the_pace() -> None:
    rounds = [[1.0, 2.0, 1.0], [3.0, 6.0, 3.0], [50.0, None, None], [70.0, None, None], [9.0, None, None]]
    assert paces(rounds, [1.0, None, None, None, None]) == pytest.approx([1.0, 2.0, 1.0])


@pytest.mark.parametrize("rounds", [[], [[]], [[None, None]]])
def test_nothing_timed(rounds: list[list[float | None]]) -> None:
    assert paces(rounds, [None] * len(rounds)) == [1.0] * len(rounds[0] if rounds else [])


# A simulated machine -----------------------------------------------------------------------------------------------

CANDIDATES = [Candidate(scheduled=bytes([number])) for number in range(7)]
SECONDS = [2e-3, 1e-3, 1.1e-3, 2.6e-3, 8e-3, 1.2e-3]
EFFORT = Effort(samples=9, seconds=10.0)


def _seconds(candidate: Candidate) -> float | None:
    assert candidate.scheduled is not None
    number = candidate.scheduled[0]
    return SECONDS[number] if number < len(SECONDS) else None


def _runner(*pace: float) -> SimulatedRunner:
    return SimulatedRunner(_seconds, lambda _, clock: pace[(clock - 1) // 5 % len(pace)], places=1)


def _turns(runner: SimulatedRunner, numbers: list[int]) -> list[Turns]:
    anchors = [(runner.build([CANDIDATES[0]], [0])[0], SECONDS[0])]
    built = runner.build([CANDIDATES[number] for number in numbers], [0] * len(numbers))
    return take_turns(runner, built, anchors, EFFORT, None)[0]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from([1.0, 1.7, 0.8, 2.5]), min_size=1, max_size=5))
def test_a_changing_pace_does_not_change_who_is_faster(pace: list[float]) -> None:
    """Three kernels and the anchor, which wakes the machine up too: a round is five turns, in one of its moods."""
    found = _turns(_runner(*pace), [1, 2, 5])
    seconds = [typical(adjusted(one.timed.times, one.paces)) for one in found]
    assert seconds == pytest.approx([1e-3, 1.1e-3, 1.2e-3], rel=1e-3)
    assert [one.timed.checked for one in found] == [True] * 3


def test_slow_ones_retire_and_the_rest_go_on() -> None:
    found = _turns(_runner(1.0), [1, 2, 3, 4])
    assert [len(one.timed.times) for one in found] == [EFFORT.samples, EFFORT.samples, sorted(RETIRE)[1], 1]


def test_a_failure_costs_itself_only() -> None:
    runner = _runner(1.0)
    failed, good = _turns(runner, [6, 1])
    assert (failed.timed.failure, failed.timed.times, failed.paces) == (Failure.CRASH, (), ())
    assert good.timed.failure is None and len(good.timed.times) == EFFORT.samples


def test_the_output_is_checked_once() -> None:
    runner = _runner(1.0)
    _turns(runner, [1, 2])
    assert runner.checks == 2


def test_what_was_not_built_takes_no_turn() -> None:
    absent = Built(Candidate(Schedule()), failure=Failure.ILLEGAL, message="no")
    found, _ = take_turns(_runner(1.0), [absent], [], EFFORT, None)
    assert found == [Turns(found[0].timed)] and found[0].timed.times == ()


def test_time_is_up_after_the_least_rounds() -> None:
    runner = _runner(1.0)
    effort = Effort(samples=9, seconds=0.0)
    found, _ = take_turns(runner, runner.build(CANDIDATES[1:3], [0, 0]), [], effort, None)
    assert [len(one.timed.times) for one in found] == [3, 3]


def test_who_takes_long_takes_one_turn() -> None:
    runner = SimulatedRunner(lambda _: 1.5 * LONG, lambda *_: 1.0, places=1)
    found, _ = take_turns(runner, runner.build(CANDIDATES[1:2], [0]), [], EFFORT, None)
    assert found[0].timed.times == (1.5 * LONG,) and found[0].paces == (1.0,)


def test_disturbed_rounds_are_taken_again() -> None:
    calm = _turns(_runner(1.0), [1])[0]
    disturbed = _turns(_runner(1.0, 3.0), [1])[0]
    assert len(calm.timed.times) == EFFORT.samples < len(disturbed.timed.times) <= 2 * EFFORT.samples
