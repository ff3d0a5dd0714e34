"""Thinking keeps to its share of the time in the long run, and takes more where time was left for it."""

from __future__ import annotations

import pytest

from autosearch.pacing import LEAST, MOST, SHARE, how_many


def _run(batches: int, before: float, fixed: float, each: float, measured: float) -> tuple[list[int], float]:
    """How many proposals a simulated search looks at for each batch, and the part of its time that it thinks."""
    many, elapsed, thinking, found = 64, before, 0.0, []
    for _ in range(batches):
        thought = fixed + each * many
        thinking += thought
        elapsed += thought + measured
        found.append(many)
        many = how_many(many, thought, measured, thinking, elapsed)
    return found, thinking / elapsed


@pytest.mark.parametrize("each", [0.001, 0.005, 0.02])
def test_the_share_is_kept_in_the_long_run(each: float) -> None:
    found, share = _run(400, 30.0, 0.1, each, 4.0)
    assert share <= SHARE + 0.01
    assert share >= SHARE - 0.03 or found[-1] == MOST


def test_baselines_leave_time_to_think_about_the_first_batches() -> None:
    after_baselines, _ = _run(20, 60.0, 0.3, 0.01, 4.0)
    at_once, _ = _run(20, 0.0, 0.3, 0.01, 4.0)
    assert sum(after_baselines[:8]) > 1.5 * sum(at_once[:8])


def test_no_batch_is_thought_about_longer_than_it_is_measured() -> None:
    """Up to what one batch says of the next."""
    found, _ = _run(10, 1e4, 0.0, 0.01, 1.0)
    assert max(found[3:]) <= 101


def test_some_are_looked_at_even_where_thinking_takes_long() -> None:
    found, _ = _run(5, 0.0, 5.0, 1.0, 1.0)
    assert min(found) == LEAST
