"""Telling the user how it goes: a live display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Protocol, TextIO

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Status:
    """How a run of the tuner stands."""

    phase: str
    trials: int
    total: int
    best: float | None
    """Seconds of the best so far."""
    baseline: str
    """Name of the best baseline so far."""
    speedup: float | None
    """Of the best over that baseline."""
    failures: int
    elapsed: float
    rate: float
    """Trials a second."""
    remaining: float | None
    """Seconds left, as far as can be told."""


class Reporter(Protocol):
    """Shows the status of a run."""

    def update(self, status: Status) -> None:
        """The status changed."""
        ...

    def note(self, text: str) -> None:
        """Something worth a line of its own."""
        ...

    def close(self) -> None:
        """The run ended."""
        ...


class Silent:
    """Shows nothing."""

    def update(self, status: Status) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


class PlainLines:
    """A line now and then, for logs and pipes."""

    def __init__(self, stream: TextIO, every: float = 5.0) -> None:
        self._stream = stream
        self._every = every
        self._last = 0.0
        self._phase = ""
        self._best: float | None = None

    def update(self, status: Status) -> None:
        """Print when the phase changed, the best improved, or some seconds have passed."""
        now = time.monotonic()
        improved = status.best is not None and (self._best is None or status.best < 0.99 * self._best)
        due = now - self._last >= self._every or (improved and now - self._last >= 1.0)
        if status.phase == self._phase and not due:
            return
        self._last, self._phase, self._best = now, status.phase, status.best
        print(describe(status), file=self._stream, flush=True)

    def note(self, text: str) -> None:
        """Print the text."""
        print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to do."""


class LiveDisplay:
    """A small table that is redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=True)
        self._live.start()

    def update(self, status: Status) -> None:
        """Redraw."""
        self._live.update(_table(status))

    def note(self, text: str) -> None:
        """Print the text above the display."""
        self._live.console.print(Text(text))

    def close(self) -> None:
        """Remove the display."""
        self._live.stop()


def default_reporter(progress: bool, stream: TextIO | None = None) -> Reporter:
    """The reporter that suits where the output goes."""
    if not progress:
        return Silent()
    stream = stream or sys.stderr
    if stream.isatty():
        return LiveDisplay(Console(file=stream))
    return PlainLines(stream)


def describe(status: Status) -> str:
    """The status in one line."""
    parts = [f"[{status.elapsed:6.1f} s] {status.phase}: {status.trials}/{status.total} trials"]
    if status.best is not None:
        parts.append(f"best {format_seconds(status.best)}")
    if status.speedup is not None:
        parts.append(f"{status.speedup:.2f}x over {status.baseline}")
    parts.append(f"{status.rate:.1f} trials/s")
    parts.append(f"{status.failures} failed")
    if status.remaining is not None:
        parts.append(f"about {status.remaining:.0f} s left")
    return ", ".join(parts)


def format_seconds(seconds: float) -> str:
    """A time with a unit that suits it: `412 us`, `3.42 ms`, `1.73 s`."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1.0 else f"{seconds:.3g} s"


def format_bytes(count: float) -> str:
    """A size with a unit that suits it: `640 B`, `24 KiB`, `3.5 MiB`."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024
    return f"{count:.3g} GiB"


def _table(status: Status) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column()
    filled = round(30 * status.trials / max(1, status.total))
    table.add_row(status.phase, f"{'━' * filled}{'─' * (30 - filled)} {status.trials}/{status.total}")
    best = "-" if status.best is None else format_seconds(status.best)
    if status.speedup is not None:
        best += f"   {status.speedup:.2f}x over {status.baseline}"
    table.add_row("best", best)
    left = "" if status.remaining is None else f", about {status.remaining:.0f} s left"
    table.add_row("pace", f"{status.rate:.1f} trials/s, {status.elapsed:.0f} s gone{left}")
    table.add_row("failed", str(status.failures))
    return table
