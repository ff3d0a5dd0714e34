"""Times at several sizes as one."""

from __future__ import annotations

import pytest

from autosearch.measure.over_sizes import over_sizes
from autosearch.measure.protocol import Failure, Timed


def test_the_time_is_the_geometric_mean() -> None:
    found = over_sizes([Timed((4e-3, 9e-3), checked=True), Timed((1e-3, 4e-3, 1.0), checked=True)])
    assert found.times == pytest.approx((2e-3, 6e-3)) and found.checked
    assert found.by_size == ((4e-3, 9e-3), (1e-3, 4e-3, 1.0))


def test_one_size_is_as_it_was() -> None:
    timed = Timed((4e-3,), checked=True)
    assert over_sizes([timed]) is timed


def test_who_fails_at_one_size_fails() -> None:
    failed = Timed(failure=Failure.BOUNDS, message="too small")
    assert over_sizes([Timed((1e-3,)), failed]) == failed


def test_no_size_at_all_is_a_failure() -> None:
    assert over_sizes([]).failure is Failure.RUNTIME
