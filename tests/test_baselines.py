"""Schedules to begin with."""

from __future__ import annotations

from autosearch.baselines import dropout_samples, limits_of_default
from autosearch.measure.protocol import Limits
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


def test_the_default_schedule_is_not_waited_for_much_longer_than_root() -> None:
    limits = Limits(compile_seconds=30.0, run_seconds=10.0)
    quick, slow, endless = (limits_of_default(limits, *root) for root in ((0.1, 1e-3), (3.0, 0.2), (20.0, 5.0)))
    assert 1.0 < quick.compile_seconds < slow.compile_seconds < endless.compile_seconds == 30.0
    assert 0.1 < quick.run_seconds < slow.run_seconds < endless.run_seconds == 10.0
    assert slow.compile_seconds > 3.0 and slow.run_seconds > 0.2
