"""What a call takes is told apart from what a kernel takes."""

from __future__ import annotations

import pytest

from autosearch.measure.overhead import call_seconds, without_call
from tests.conftest import TARGET, snapshot_of


@pytest.mark.parametrize("counts", [(0, 0, 1), (1, 0, 1), (3, 2, 2)])
def test_a_call_takes_a_microsecond_or_so(counts: tuple[int, int, int]) -> None:
    assert 1e-8 < call_seconds(*counts, str(TARGET)) < 1e-4


def test_short_kernels_take_less_than_their_calls() -> None:
    algorithm = snapshot_of("blur").algorithm
    overhead = call_seconds(1, 0, 1, str(TARGET))
    times = without_call((2e-4, 3e-4), algorithm, str(TARGET))
    assert times == pytest.approx((2e-4 - overhead, 3e-4 - overhead))
    assert without_call((overhead,), algorithm, str(TARGET)) == pytest.approx((0.1 * overhead,))


def test_long_kernels_are_as_timed() -> None:
    algorithm = snapshot_of("tuples").algorithm
    assert without_call((1e-3, 2e-3), algorithm, str(TARGET)) == (1e-3, 2e-3)
    assert without_call((), algorithm, str(TARGET)) == ()
