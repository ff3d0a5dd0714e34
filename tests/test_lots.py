"""Drawing lots."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autosearch.lots import in_order_drawn


@given(st.lists(st.floats(1e-6, 1e6)), st.integers())
def test_every_place_comes_up_once(weights: list[float], seed: int) -> None:
    assert sorted(in_order_drawn(weights, random.Random(seed))) == list(range(len(weights)))


def test_what_comes_first_and_second_is_drawn_by_weight() -> None:
    """As drawn one by one: the first by its share of 6, the second by that of what is left."""
    weights, generator, times = [1.0, 2.0, 3.0], random.Random(1), 20_000
    pairs = Counter(tuple(in_order_drawn(weights, generator)[:2]) for _ in range(times))
    expected = {
        (first, second): weights[first] / 6 * weights[second] / (6 - weights[first])
        for first in range(3)
        for second in range(3)
        if first != second
    }
    assert {pair: count / times for pair, count in pairs.items()} == pytest.approx(expected, abs=0.015)
