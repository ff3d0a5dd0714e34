"""What a call takes is told apart from what a kernel takes."""

from __future__ import annotations

import time

import pytest

from autosearch.measure.overhead import call_seconds, nothing_kernel, without_call
from tests.conftest import TARGET, snapshot_of


def test_a_call_takes_a_microsecond_or_so() -> None:
    kernel, arguments = nothing_kernel(1, 0, 1, str(TARGET))
    assert 1e-8 < call_seconds(kernel, arguments, snapshot_of("blur").algorithm, str(TARGET)) < 1e-4


def test_what_a_kernel_itself_takes_is_not_counted() -> None:
    def kernel(*_: object) -> int:
        time.sleep(2e-3)
        return 0

    assert call_seconds(kernel, (), snapshot_of("blur").algorithm, str(TARGET)) < 1e-3


@pytest.mark.parametrize("counts", [(0, 0, 1), (1, 0, 1), (3, 2, 2)])
def test_a_kernel_that_does_nothing_takes_any_arguments(counts: tuple[int, int, int]) -> None:
    kernel, arguments = nothing_kernel(*counts, str(TARGET))
    assert len(arguments) == sum(counts)
    kernel(*arguments)


def test_short_kernels_take_less_than_their_calls() -> None:
    assert without_call((2e-4, 3e-4), 1e-6) == pytest.approx((1.99e-4, 2.99e-4))
    assert without_call((1e-6,), 1e-6) == pytest.approx((1e-7,))
    assert without_call((), 1e-6) == ()
