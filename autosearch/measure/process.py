"""One worker process: started, awaited, ended with everything that it started, and told how it ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from typing import IO

from autosearch.errors import MeasureError
from autosearch.measure.data import SharedMemory
from autosearch.measure.messages import Setup

_START_SECONDS = 60.0


_ALLOCATION = {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(64 << 20)}
"""Where glibc's own thresholds end up in a program that runs one kernel for long (mallopt(3)). Left to themselves they
would depend on which kernels ran before in the same process, and so would the times of those that allocate."""


@dataclass(frozen=True)
class Death:
    """How a worker process ended of itself, or by another's hand."""

    message: str
    from_outside: bool


class WorkerProcess:
    """One worker process, its connection, and the file that collects what it prints."""

    def __init__(self, setup: Setup, memory: SharedMemory, threads: int) -> None:
        self.connection, theirs = Pipe()
        self.noise: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        environment = {**os.environ, **_ALLOCATION, "HL_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
        fds = (theirs.fileno(), memory.fd, self.noise.fileno())
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "autosearch.measure.worker", *map(str, fds)],
            pass_fds=fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
        theirs.close()
        self.ready = False
        self.connection.send(setup)

    @property
    def pid(self) -> int:
        return self.popen.pid

    def await_ready(self) -> None:
        """Wait until the worker serves. Raises `MeasureError` where it doesn't come up."""
        if self.ready:
            return
        try:
            if self.connection.poll(_START_SECONDS) and self.connection.recv() == "ready":
                self.ready = True
                return
        except (EOFError, OSError):
            pass
        raise MeasureError(f"a worker process can't start: {self.obituary()}")

    @property
    def killed_from_outside(self) -> bool:
        """Whether it was killed by somebody else: so far we have not."""
        return self.popen.poll() == -signal.SIGKILL

    def obituary(self) -> str:
        """How the process ended, and the last that it printed."""
        try:
            code: int | None = self.popen.wait(timeout=2)
        except subprocess.TimeoutExpired:
            code = None
        how = "it hung" if code is None else f"exit code {code}"
        if code is not None and code < 0:
            how = f"killed by {signal.Signals(-code).name}"
        return " - ".join(part for part in (how, self._last_words()) if part)

    def _last_words(self) -> str:
        size = os.fstat(self.noise.fileno()).st_size
        text = os.pread(self.noise.fileno(), 2000, max(0, size - 2000)).decode(errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return " ".join(lines[-2:])[-300:]

    def kill(self) -> None:
        """End the process and everything that it started."""
        for end in (lambda: os.killpg(self.popen.pid, signal.SIGKILL), self.popen.kill):
            _ignore_missing(end)
        self.popen.wait()
        self.connection.close()
        self.noise.close()


def _ignore_missing(action: Callable[[], None]) -> None:
    try:
        action()
    except (ProcessLookupError, PermissionError):
        pass
