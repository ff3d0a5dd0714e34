"""Two tuners of one pipeline at once, with one log and even the same seed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from autosearch.records.log import read_log
from benchmarks.bars import Bar
from benchmarks.havoc.processes import abandoned, doubled, finish, orphans, searched, start

TRIALS = 64


def run() -> list[Bar]:
    """Both must end, and between them measure each schedule once."""
    before = abandoned()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "blur.jsonl"
        both = [start(log, TRIALS, Path(folder) / name) for name in ("one", "other")]
        outcomes = [finish(one) for one in both]
        content = read_log(log)
        trials = searched(content)
        print(f"exit status {[status for status, _, _ in outcomes]}; {len(trials)} trials of {TRIALS}", flush=True)
        for _, _, err in outcomes:
            print(err, end="")
        return [
            Bar("two tuners: runs that end with a result", sum(status == 0 for status, _, _ in outcomes), 2),
            Bar("two tuners: trials recorded, of those asked for", len(trials) / TRIALS, 1),
            Bar("two tuners: doubled or damaged records", doubled(log) + content.damaged, 0, False),
            Bar("two tuners: processes left behind", orphans(before), 0, False),
        ]
