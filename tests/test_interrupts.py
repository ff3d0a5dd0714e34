"""Ctrl-C that can't get lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from autosearch.interrupts import Interrupts


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """As on a terminal: what a shell starts in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class _Grumpy:
    """Its destructor is interrupted, where Python drops exceptions."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_drops_is_remembered() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        interrupts.check()
        _Grumpy()
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()
        interrupts.check()
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_is_raised_at_once_as_ever() -> None:
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        assert interrupts.pressed


def test_other_threads_have_no_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: Interrupts().__enter__().__exit__())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
