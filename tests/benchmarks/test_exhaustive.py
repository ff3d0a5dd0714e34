"""Exhaustive search proposes every schedule once, those measured before not at all."""

from __future__ import annotations

from autosearch.testing.synthetic import Single, Synthetic, measured
from benchmarks.exhaustive import Exhaustive, walk


def test_every_schedule_once() -> None:
    space = Synthetic(2)
    strategy = Exhaustive(space, seed=1)
    seen: list[str] = []
    while batch := strategy.propose(50):
        seen += [one.schedule.digest for one in batch]
        strategy.observe(measured(batch))
    assert len(seen) == len(set(seen)) == len(strategy.points) <= space.size
    assert set(seen) == {one.schedule.digest for one in walk(space)}


def test_what_was_measured_before_is_left_out() -> None:
    first, again = Exhaustive(Synthetic(1)), Exhaustive(Synthetic(1))
    known = first.propose(7)
    again.observe(measured(known))
    left = again.propose(1000)
    assert not {one.schedule.digest for one in left} & {one.schedule.digest for one in known}
    assert len(left) + 7 == len(again.points)


def test_a_space_that_asks_nothing() -> None:
    assert len(list(walk(Single()))) == 1
