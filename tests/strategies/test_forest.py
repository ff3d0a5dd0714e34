"""The forest over answers: it sees what answers are worth together, and copes with questions that weren't asked."""

from __future__ import annotations

import itertools
import math

from autosearch.choices import Option, Proposal, Trace
from autosearch.schedule.schedule import Schedule
from autosearch.strategies.base import Result
from autosearch.strategies.forest import LEAST_DATA, Forest


def _trace(**answers: Option) -> Trace:
    return Trace(tuple(answers.items()))


def _result(trace: Trace, seconds: float | None) -> Result:
    return Result(trace, str(trace), seconds)


def _proposals(*traces: Trace) -> list[Proposal]:
    return [Proposal(trace, Schedule()) for trace in traces]


def _seconds(forest: Forest, *traces: Trace) -> list[float]:
    """What its trees predict on average."""
    return [math.exp(log) for log in forest.logs(_proposals(*traces)).mean(axis=0)]


def _together() -> list[Result]:
    """Fast where place and size suit one another, whatever either is by itself."""
    return [
        _result(_trace(place=place, size=size, other=other), 1.0 if (place == "root") == (size > 16) else 4.0)
        for place, size, other in itertools.product(("root", "inline"), (4, 8, 32, 64), (0, 1, 2))
    ]


def test_it_learns_what_answers_are_worth_together() -> None:
    forest = Forest()
    forest.observe(_together())
    fast, slow, also_fast = _seconds(
        forest, _trace(place="root", size=64, other=1), _trace(place="inline", size=64), _trace(place="inline", size=4)
    )
    assert fast < 2.0 < slow and also_fast < 2.0


def test_it_is_ready_once_enough_was_measured_with_success() -> None:
    forest = Forest()
    forest.observe([_result(_trace(size=number), None) for number in range(LEAST_DATA)])
    assert not forest.ready
    forest.observe([_result(_trace(size=1), 1.0)])
    assert forest.ready


def test_failures_count_as_slow() -> None:
    forest = Forest()
    forest.observe([_result(_trace(size=number), 1.0 if number % 2 else None) for number in range(40)])
    forest.observe([_result(_trace(word="bad"), None) for _ in range(10)])
    good, bad = _seconds(forest, _trace(size=21), _trace(word="bad"))
    assert bad > 2 * good


def test_answers_that_nobody_gave_before_are_no_obstacle() -> None:
    forest = Forest()
    forest.observe(_together())
    unheard, silent = _seconds(forest, _trace(place="elsewhere", unheard="of", never=3), _trace())
    assert unheard == silent


def test_it_is_the_same_by_its_seed() -> None:
    one, other = Forest(3), Forest(3)
    for forest in (one, other):
        forest.observe(_together())
    asked = _proposals(*(result.trace for result in _together()))
    assert (one.logs(asked) == other.logs(asked)).all()
