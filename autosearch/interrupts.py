"""Ctrl-C that can't get lost."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """Within its `with` block, remembers that Ctrl-C was pressed.

    The `KeyboardInterrupt` that Python raises then is dropped where it hits a destructor or a callback of C code.
    """

    def __init__(self) -> None:
        self.pressed = False
        self._previous: Any = None

    def check(self) -> None:
        """Raise the `KeyboardInterrupt` that was lost, if there was one."""
        if self.pressed:
            self.pressed = False
            raise KeyboardInterrupt

    def __enter__(self) -> Interrupts:
        previous = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is threading.main_thread() and callable(previous):
            self._previous = previous
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.pressed = True
        self._previous(number, frame)
