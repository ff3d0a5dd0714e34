"""Where genetic search has collapsed around a schedule that is only the best of its surroundings, islands lead on."""

from __future__ import annotations

import random

import pytest

from autosearch.choices import Chooser, Proposal, Trace
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import Unroll
from autosearch.schedule.schedule import Schedule, Step
from autosearch.strategies.base import Result
from autosearch.strategies.genetic import Genetic
from autosearch.strategies.island import CAPACITY, DESERTED, STAGNANT, Island

FUNCS, LEVELS, HILLS = 8, 4, 4
BEST = 2.0 ** -(FUNCS + 1)


class Hills:
    """Several schedules are the best of their surroundings, and one of them is the best of all.

    A schedule is the faster the more of its factors are those of the nearest hill; a step away from all is no gain.
    """

    def __init__(self) -> None:
        generator = random.Random(3)
        self.tops = [[generator.randrange(LEVELS) for _ in range(FUNCS)] for _ in range(HILLS)]

    def build(self, chooser: Chooser) -> Schedule:
        """See `autosearch.choices.Space`."""
        words = [f"way{level}" for level in range(LEVELS)]
        answers = [chooser.choose(f"f{number}.0/tile0/x", words) for number in range(FUNCS)]
        return Schedule(tuple(Step(StageKey(f"f{n}"), Unroll(str(answer))) for n, answer in enumerate(answers)))

    def seconds(self, proposal: Proposal) -> float:
        """Halved by each Func that is as on the nearest hill, and once more on the top of the best one."""
        answers = [int(str(answer)[3:]) for _, answer in proposal.trace]
        right = [sum(a == b for a, b in zip(answers, top, strict=True)) for top in self.tops]
        return BEST if right[0] == FUNCS else min(2.0**-count for count in right)


def _found(islands: bool, seed: int) -> bool:
    """Whether the best of all hills is found."""
    space = Hills()
    strategy = Genetic(space, seed, first=32)
    if not islands:
        strategy._island.observe = lambda results: None  # type: ignore[method-assign]
    for _ in range(120):
        proposals = strategy.propose(16)
        results = [Result(one.trace, one.schedule.digest, space.seconds(one)) for one in proposals]
        if any(one.seconds == BEST for one in results):
            return True
        strategy.observe(results)
    return False


def test_islands_find_what_is_beyond_the_next_hill() -> None:
    stuck = [seed for seed in (0, 3) if not _found(False, seed)]
    assert len(stuck) == 2
    assert any(_found(True, seed) for seed in stuck)


def _results(name: str, count: int, seconds: float | None) -> list[Result]:
    return [Result(Trace(((name, number),)), f"{name} {number}", seconds) for number in range(count)]


def test_an_island_opens_where_nothing_gets_better() -> None:
    island = Island()
    for number in range(2 * STAGNANT):
        island.observe(_results(f"round {number}", 1, 0.9**number))
    assert not island.open
    island.observe(_results("stagnant", STAGNANT - 1, 1.0))
    assert not island.open
    island.observe(_results("at last", 1, None))
    assert island.open and island.members == []


def test_only_settlers_live_there_and_once_they_get_no_better_the_next_one_opens() -> None:
    island = Island()
    island.observe(_results("main", STAGNANT + 1, 1.0))
    settlers = _results("settler", CAPACITY + 4, 5.0)
    for one in settlers:
        island.settle(one.digest)
    island.observe([*settlers, *_results("other", 10, 2.0)])
    assert [seconds for seconds, _ in island.members] == [5.0] * CAPACITY
    for one in (late := _results("late", DESERTED, 6.0)):
        island.settle(one.digest)
    island.observe(late)
    assert island.open and island.members == []


@pytest.mark.parametrize("seconds", [None, 1.0])
def test_a_log_of_any_kind_is_borne(seconds: float | None) -> None:
    island = Island()
    island.observe([Result(Trace(), f"baseline {number}", seconds) for number in range(3 * STAGNANT)])
    assert island.open and island.members == []
