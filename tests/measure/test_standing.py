"""The kernels that will be wanted again are held, and all others released."""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.measure.protocol import Built, Candidate
from autosearch.measure.standing import Standing
from autosearch.schedule.schedule import Schedule
from tests.made import TILED
from tests.measure.simulated import SimulatedRunner

CANDIDATES = [Candidate(Schedule(TILED.steps[:n])) for n in range(5)]


def runner() -> SimulatedRunner:
    return SimulatedRunner(lambda candidate: 1.0, lambda place, count: 1.0, places=1)


def held(runner: SimulatedRunner, built: Sequence[Built]) -> list[int]:
    return [number for number, one in enumerate(built) if one.handle in runner.kernels]


def test_the_fastest_are_held_whatever_batch_they_come_in() -> None:
    there = runner()
    standing, built = Standing(there, 2), there.build(CANDIDATES)
    standing.consider(built[:3], [3.0, None, 2.0])
    assert held(there, built[:3]) == [0, 2]
    standing.consider(built[3:], [4.0, 1.0])
    assert held(there, built) == [2, 4]


def test_what_is_kept_for_good_takes_no_place_of_the_fastest() -> None:
    there = runner()
    standing, built = Standing(there, 1), there.build(CANDIDATES)
    standing.keep(built[:2])
    standing.consider(built[2:], [3.0, 2.0, 1.0])
    assert held(there, built) == [0, 1, 4]


def test_a_candidate_is_held_once() -> None:
    there = runner()
    standing, built = Standing(there, 3), there.build([CANDIDATES[0], CANDIDATES[1], CANDIDATES[0]])
    standing.keep(built[:1])
    standing.consider(built[1:], [2.0, 1.0])
    assert held(there, built) == [0, 1]


def test_only_what_was_linked_need_not_be_compiled_again() -> None:
    there = runner()
    standing = Standing(there, 3)
    linked = Built(CANDIDATES[0], (0, 100), linked=True)
    standing.keep([linked])
    standing.consider(there.build(CANDIDATES[1:2]), [1.0])
    assert [standing.holds(one) for one in CANDIDATES[:3]] == [True, False, False]
