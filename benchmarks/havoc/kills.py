"""Processes killed at random: workers while a run goes on, and the tuner itself, over and over."""

from __future__ import annotations

import json
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from autosearch.records.log import read_log
from autosearch.remeasure import remeasure
from benchmarks.bars import Bar
from benchmarks.havoc.processes import (
    abandoned,
    children,
    doubled,
    finish,
    orphans,
    searched,
    start,
    wait_for_line,
)
from tests.samples import blur

ENDLESS = 1_000_000


def kill_workers(count: int) -> list[Bar]:
    """One run, while which workers are killed at random so many times; then Ctrl-C."""
    before, generator = abandoned(), random.Random(0)
    with tempfile.TemporaryDirectory() as folder:
        log, scratch = Path(folder) / "blur.jsonl", Path(folder) / "tmp"
        run = start(log, ENDLESS, scratch)
        killed = 0
        while killed < count and run.poll() is None:
            time.sleep(generator.uniform(0.1, 1.5))
            victims = children(run.pid)
            if victims:
                os.kill(generator.choice(victims), signal.SIGKILL)
                killed += 1
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGINT)
        status, out, err = finish(run)
        content = read_log(log)
        trials = searched(content)
        unnamed = sum(not record.ok and not (record.failure and record.message) for record in content.trials)
        failed = sum(not record.ok for record in trials)
        print(f"{killed} workers killed; exit status {status}; {len(trials)} trials, {failed} failed {err.strip()}")
        reported = json.loads(out)["trials"] if status == 0 else -1
        holds = bool(trials) and remeasure(log, blur, top=1, seconds=0.2)[0].seconds is not None
        left = list(scratch.iterdir())
        return [
            Bar("workers killed", killed, count),
            Bar("workers killed: the run ends with a result", float(status == 0), 1),
            Bar("workers killed: the winner is right when checked anew", float(holds), 1),
            Bar("workers killed: trials in the result but not in the log", abs(reported - len(trials)), 0, False),
            Bar("workers killed: doubled or damaged records", doubled(log) + content.damaged, 0, False),
            Bar("workers killed: failures without a name", unnamed, 0, False),
            Bar("workers killed: processes and files left behind", orphans(before) + len(left), 0, False),
        ]


def kill_tuner(count: int) -> list[Bar]:
    """The tuner killed at a random moment and started again, so many times; then it may finish."""
    before, generator = abandoned(), random.Random(1)
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        log, scratch = Path(folder) / "blur.jsonl", Path(folder) / "tmp"
        there = b""
        for number in range(count):
            run = start(log, ENDLESS, scratch)
            if number % 2:  # every other time soon after something was measured
                wait_for_line(log, '"kind":"trial"', there.count(b'"kind":"trial"') + 1, run)
                time.sleep(generator.uniform(0.0, 1.0))
            else:
                time.sleep(generator.uniform(0.0, 4.0))
            os.kill(run.pid, signal.SIGKILL)
            run.communicate()
            now = log.read_bytes() if log.exists() else b""
            lost += not now.startswith(there)
            there = now
        target = len(searched(read_log(log))) + 8 if log.exists() else 8
        run = start(log, target, scratch)
        wait_for_line(log, '"kind":"trial"', target, run)
        status, _, err = finish(run)
        content = read_log(log)
        lost += not log.read_bytes().startswith(there)
        print(f"killed {count} times; then exit status {status}; {len(searched(content))} trials {err.strip()}")
        left = list(scratch.iterdir())
        return [
            Bar("tuner killed: restarts after which something measured was gone", lost, 0, False),
            Bar("tuner killed: trials in the end, of those asked for", len(searched(content)) / target, 1),
            Bar("tuner killed: the last run ends with a result", float(status == 0), 1),
            Bar("tuner killed: doubled or damaged records", doubled(log) + content.damaged, 0, False),
            Bar("tuner killed: processes and files left behind", orphans(before) + len(left), 0, False),
        ]
