"""Guessing by answers alone: what looks fast is chosen, and what trees disagree about has its chance."""

from __future__ import annotations

from collections import Counter
from statistics import mean

from autosearch.choices import Proposal, Trace
from autosearch.schedule.schedule import Schedule
from autosearch.strategies.base import Result
from autosearch.strategies.forest import LEAST_DATA
from autosearch.strategies.guess import Guess
from autosearch.strategies.random import Random
from autosearch.testing.synthetic import Synthetic, measured

SPACE = Synthetic(6)
DRAWN = Random(SPACE, 1).propose(120)
KNOWN, NEW = DRAWN[:60], DRAWN[60:]


def _guess(seed: int = 0) -> Guess:
    guess = Guess(seed)
    guess.observe(measured(KNOWN))
    return guess


def _mean_seconds(proposals: list[Proposal]) -> float:
    return mean(one.seconds for one in measured(proposals) if one.seconds is not None)


def test_it_is_ready_once_enough_was_measured() -> None:
    guess = Guess()
    guess.observe(measured(KNOWN)[: LEAST_DATA - 1])
    assert not guess.ready
    guess.observe(measured(KNOWN)[LEAST_DATA - 1 : LEAST_DATA])
    assert guess.ready


def test_it_chooses_what_is_fast() -> None:
    assert _mean_seconds(_guess().choose(NEW, 12)) < 0.6 * _mean_seconds(NEW)


def test_each_is_chosen_once_and_no_more_than_there_are() -> None:
    chosen = _guess().choose(NEW[:10], 16)
    assert sorted(one.schedule.digest for one in chosen) == sorted(one.schedule.digest for one in NEW[:10])
    assert _guess().choose([], 3) == []


def test_it_is_the_same_by_its_seed() -> None:
    assert _guess(1).choose(NEW, 8) == _guess(1).choose(NEW, 8)


def test_what_the_trees_disagree_about_is_tried_now_and_then() -> None:
    """Of what was seldom measured, and not always with the same result, some trees think better than of what is known well."""
    told = [
        *(Result(Trace((("word", "known"),)), f"known {number}", 1.0) for number in range(40)),
        *(Result(Trace((("word", "doubtful"),)), f"doubtful {number}", seconds) for number, seconds in enumerate((0.5, 3.0))),
    ]
    guess = Guess()
    guess.observe(told)
    asked = [Proposal(Trace((("word", word),)), Schedule()) for word in ("known", "doubtful")]
    counts = Counter(guess.choose(asked, 1)[0].trace.by_key["word"] for _ in range(200))
    assert 5 < counts["doubtful"] < 150
