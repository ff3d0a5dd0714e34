"""How much is expected of a schedule, given what it has in common with the fastest."""

from __future__ import annotations

from collections import Counter

import pytest

from autosearch.cost_model.improvement import LEAST, difference, expected_improvement

SECONDS = {b"a": 6.0, b"b": 2.0, b"c": 2.0, b"d": 6.0, b"1": 1.0, b"3": 3.0, b"5": 5.0, b"9": 20.0}
FASTEST = Counter({b"a": 1, b"b": 2})


def _expected(*stages: bytes) -> float:
    return expected_improvement(difference(Counter(stages), FASTEST, SECONDS))


def test_stages_in_common_make_no_difference() -> None:
    found = difference(Counter([b"a", b"b", b"1"]), FASTEST, SECONDS)
    assert found.saved == pytest.approx(0.1)
    assert found.differing == pytest.approx(0.3)  # one of 2 seconds is now one of 1 second, of 10


def test_where_nothing_differs_nothing_is_expected() -> None:
    assert _expected(b"a", b"b", b"b") == pytest.approx(LEAST * 0.3989, rel=1e-3)  # the normal density at 0


def test_as_slow_as_the_fastest_more_is_expected_the_more_differs() -> None:
    assert _expected(b"a", b"b", b"b") < _expected(b"a", b"b", b"c") < _expected(b"d", b"b", b"b")


def test_less_is_expected_of_what_is_slower() -> None:
    each = [_expected(b"a", one) for one in (b"1", b"3", b"5", b"9")]
    assert each == sorted(each, reverse=True)
    assert each[0] == pytest.approx(0.3, abs=0.03)  # what is far faster saves what it seems to
    assert 0 <= each[-1] < 1e-6


def test_close_to_a_slower_one_it_has_more_to_save() -> None:
    found = difference(Counter([b"a", b"1"]), FASTEST, SECONDS)
    saved = [expected_improvement(found, slower) for slower in (1.0, 1.2, 1.5)]
    assert saved == sorted(saved, reverse=True)
    assert saved[1] == pytest.approx(1 - 1.2 * 0.7, abs=0.03)
