"""A bandit gives the tries to those whose schedules are measured and fast."""

from __future__ import annotations

import random

import pytest

from autosearch.choices import Trace
from autosearch.strategies.bandit import LEAST, Bandit
from autosearch.strategies.base import Result


def _rounds(bandit: Bandit, seconds: dict[str, float | None], measured: dict[str, int], rounds: int = 10) -> None:
    """Every arm makes ten schedules a round, of which some are measured."""
    generator = random.Random(0)
    for number in range(rounds):
        results = []
        for arm, time in seconds.items():
            for place in range(10):
                bandit.made(arm, f"{arm} {number} {place}")
            results += [
                Result(Trace(), f"{arm} {number} {place}", time and time * generator.uniform(1, 2))
                for place in range(measured[arm])
            ]
        bandit.observe(results)


@pytest.mark.parametrize("other", [10.0, None])
def test_what_is_faster_gets_more(other: float | None) -> None:
    bandit = Bandit({"fast": 0.5, "slow": 0.5})
    _rounds(bandit, {"fast": 1.0, "slow": other}, {"fast": 5, "slow": 5})
    assert bandit.shares["fast"] > 0.7
    assert bandit.shares["slow"] >= LEAST / 2
    turns = bandit.draw(random.Random(1), 1000)
    assert abs(turns.count("fast") / 1000 - bandit.shares["fast"]) < 0.05


def test_what_is_never_worth_measuring_gets_less() -> None:
    bandit = Bandit({"chosen": 0.5, "rejected": 0.5})
    _rounds(bandit, {"chosen": 1.0, "rejected": 1.0}, {"chosen": 5, "rejected": 0})
    assert bandit.shares["chosen"] > 0.7


def test_equals_keep_the_shares_that_they_began_with() -> None:
    start = {"often": 0.8, "seldom": 0.2}
    bandit = Bandit(start)
    assert bandit.shares == pytest.approx(start)
    _rounds(bandit, {"often": 1.0, "seldom": 1.0}, {"often": 8, "seldom": 8}, 40)
    assert bandit.shares == pytest.approx(start, abs=0.1)


def test_results_of_others_change_nothing() -> None:
    bandit = Bandit({"one": 0.5, "other": 0.5})
    bandit.made("one", "a")
    bandit.observe([Result(Trace(), "somebody else's", 1.0)])
    assert bandit.shares == {"one": 0.5, "other": 0.5}
    bandit.observe([Result(Trace(), "a", 0.5)])
    assert bandit.shares["one"] > 0.5


def test_where_nobody_earns_all_is_as_in_the_beginning() -> None:
    bandit = Bandit({"one": 0.5, "other": 0.5})
    _rounds(bandit, {"one": None, "other": None}, {"one": 5, "other": 5}, 100)
    assert bandit.shares == {"one": 0.5, "other": 0.5}
