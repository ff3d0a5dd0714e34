"""Schedules to begin with."""

from __future__ import annotations

from autosearch.baselines import dropout_samples
from autosearch.space.imitate import imitate
from tests.conftest import snapshot_of, space_of
from tests.measure.local_runner import local_runner


def test_adams2019_at_random_makes_different_schedules_near_to_which_the_space_holds_some() -> None:
    with local_runner("blur") as runner:
        found = dropout_samples(runner, snapshot_of("blur"), threads=2, count=3, seconds=60.0)
        assert dropout_samples(runner, snapshot_of("blur"), threads=2, count=3, seconds=0.0) == []
    assert 2 <= len({one.digest for one in found}) == len(found) <= 3
    imitations = [imitate(space_of("blur"), one).schedule for one in found]
    assert len({one.digest for one in imitations}) > 1
