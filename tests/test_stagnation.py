"""When a search gets nowhere."""

from __future__ import annotations

import math

from autosearch.stagnation import Stagnation


def _after(*seconds: float) -> int:
    stagnation = Stagnation(0.9)
    for one in seconds:
        stagnation.observe(one)
    return stagnation.in_vain


def test_what_is_clearly_faster_begins_the_count_anew() -> None:
    assert _after() == 0
    assert _after(1.0, 1.2, 0.95) == 2
    assert _after(1.0, 1.2, 0.95, 0.89) == 0
    assert _after(1.0, 1.2, 0.95, 0.89, 1.0) == 1


def test_many_small_steps_make_a_large_one() -> None:
    assert _after(1.0, 0.96, 0.92) == 2
    assert _after(1.0, 0.96, 0.92, 0.88) == 0


def test_failures_are_in_vain() -> None:
    assert _after(math.inf, math.inf) == 2
    assert _after(math.inf, 1.0, math.inf) == 1
