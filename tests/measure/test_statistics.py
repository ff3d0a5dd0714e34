"""Statistics of times: exact where there is no noise, honest where there is."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.measure.statistics import (
    Ratio,
    adjusted,
    fastest_of,
    geometric_mean,
    paired_ratio,
    relative_times,
    typical,
    unpaired_ratio,
)

TIMES = st.lists(st.floats(1e-6, 10.0), min_size=1, max_size=12)
PAIRS = st.lists(st.tuples(st.floats(1e-6, 10.0), st.floats(1e-6, 10.0)), min_size=2, max_size=12)


@given(TIMES)
def test_the_typical_time_lies_among_the_samples(times: list[float]) -> None:
    assert min(times) <= typical(times) <= max(times)


def test_one_disturbed_sample_doesn_t_count() -> None:
    assert typical([1.0, 1.0, 50.0]) == 1.0
    assert paired_ratio([2.0] * 9 + [90.0], [1.0] * 10).value == 2.0


def test_samples_are_put_right_by_the_pace() -> None:
    assert adjusted([2.0, 6.0], [1.0, 3.0]) == (2.0, 2.0)
    assert adjusted([2.0, 6.0], ()) == (2.0, 6.0)


@settings(max_examples=50)
@given(PAIRS)
def test_the_interval_holds_the_ratio(pairs: list[tuple[float, float]]) -> None:
    slow, fast = zip(*pairs, strict=True)
    for ratio in (paired_ratio(slow, fast), unpaired_ratio(slow, fast)):
        assert ratio.low <= ratio.value * (1 + 1e-9) and ratio.value <= ratio.high * (1 + 1e-9)


@settings(max_examples=50)
@given(PAIRS, st.floats(0.01, 100.0))
def test_units_don_t_matter(pairs: list[tuple[float, float]], unit: float) -> None:
    slow, fast = zip(*pairs, strict=True)
    one, other = paired_ratio(slow, fast), paired_ratio([s * unit for s in slow], [f * unit for f in fast])
    assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high))


def test_a_disturbance_that_hits_both_cancels() -> None:
    """Load doubles half-way: the ratio of pairs knows for certain, that of medians doesn't."""
    load = [1.0] * 6 + [2.0] * 6
    slow, fast = [1.5 * factor for factor in load], load
    assert paired_ratio(slow, fast) == Ratio(1.5, 1.5, 1.5)
    assert not unpaired_ratio(slow, fast).significant


def test_a_single_pair_proves_nothing() -> None:
    assert not paired_ratio([10.0], [1.0]).significant


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """Of 200 experiments with a known ratio, the 95 % interval should hold it in about 190."""
    generator = random.Random(1)
    covered = 0
    for number in range(200):
        fast = [1.0 * generator.lognormvariate(0.0, 0.1) for _ in range(20)]
        slow = [1.3 * generator.lognormvariate(0.0, 0.1) for _ in range(20)]
        ratio = paired_ratio(slow, fast, seed=number, resamples=400)
        covered += ratio.low <= 1.3 <= ratio.high
    assert covered >= 180


def test_equal_contenders_are_seldom_told_apart() -> None:
    generator = random.Random(2)

    def samples() -> list[float]:
        return [generator.lognormvariate(0.0, 0.1) for _ in range(20)]

    claims = sum(paired_ratio(samples(), samples(), seed=number, resamples=400).significant for number in range(200))
    assert claims <= 20


def test_ratios_print_with_their_interval() -> None:
    ratio = Ratio(1.5, 1.25, 1.75)
    assert str(ratio) == "1.50x [1.25, 1.75]" and float(ratio) == 1.5 and ratio.significant
    assert not Ratio(1.1, 0.9, 1.3).significant and Ratio(0.5, 0.4, 0.6).significant


def test_the_geometric_mean() -> None:
    assert geometric_mean([1.0, 4.0]) == pytest.approx(2.0)


def test_contenders_are_compared_in_the_rounds_that_they_shared() -> None:
    quiet, busy = (1.0, 2.0, 1.5), 5.0
    rows = [(*quiet, 2.2 * busy), (*(2 * one for one in quiet), 4.0 * busy), (None, None, None, 1.1 * busy), (None,) * 4]
    assert relative_times(rows) == pytest.approx([1.0, 2.0, 0.5, math.inf])
    assert fastest_of(rows) == 2


def test_without_a_shared_round_medians_must_do() -> None:
    rows = [(1.0, None), (None, 0.5)]
    assert relative_times(rows) == [2.0, 1.0] and fastest_of(rows) == 1


def test_nobody_is_fastest_of_none() -> None:
    assert fastest_of([]) is None
    assert fastest_of([(None,), (None,)]) is None
    assert relative_times([(), ()]) == [math.inf, math.inf]
