"""One pipeline of the suite, in a process of its own, so that no crash and no hang of it ends the run."""

from __future__ import annotations

import os
import sys
import threading
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from autosearch.records.log import LogContent, moments, read_log
from benchmarks.bench import Comparison, Start, compare, save
from benchmarks.suite.libraries import LIBRARIES, beside
from benchmarks.suite.results import Row

ENDLESS = 1_000_000
"""Trials: the time ends the search."""
LEAST_SECONDS = 20.0
"""That a run goes on for, however much of its time it had before it was cut off: the race takes as long."""


def tune(name: str, log: Path, seconds: float, seed: int, start: Start) -> Row:
    """Tune for so many seconds, less what the log says has been used, and race what was found."""
    before = spent(read_log(log)) if log.exists() else 0.0
    timeout = max(LEAST_SECONDS, seconds - before)
    comparison = compare(name, ENDLESS, log, seed, start, timeout=timeout, progress=True)
    content = read_log(log)
    library = beside(name, comparison.schedule) if name in LIBRARIES else None
    return Row(comparison, before + comparison.total_seconds, failures(content), lost(comparison, content), (), library)


def spent(content: LogContent) -> float:
    """Seconds up to the last trial of a log, runs that were cut off included."""
    return max(moments(content.trials), default=0.0)


def failures(content: LogContent) -> dict[str, int]:
    """Trials that failed, by reason."""
    return dict(Counter(one.failure for one in content.trials if not one.ok and not one.baseline))


def lost(comparison: Comparison, content: LogContent) -> int:
    """Trials that the result has and the log has not, and lines that can't be read."""
    recorded = sum(not one.baseline for one in content.trials)
    return max(0, comparison.trials - recorded) + content.damaged


def _end_with_parent() -> None:
    """End when the other end of standard input is gone: a suite that is killed leaves nobody who writes to its logs."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Arguments: the pipeline's name, its log, where the row goes, seconds, seed, and what it is given."""
    name, log, row, seconds, seed, start = sys.argv[1:]
    _end_with_parent()
    save(Path(row), asdict(tune(name, Path(log), float(seconds), int(seed), Start(start))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
