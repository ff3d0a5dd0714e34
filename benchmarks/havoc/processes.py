"""Tuners as processes of their own, in a temporary folder of their own, and what they leave behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from autosearch.records.log import LogContent, read_log
from autosearch.records.record import TrialRecord

ROOT = Path(__file__).parents[2]
PIPELINE = f"{ROOT / 'tests' / 'samples.py'}:blur"
PROGRAM = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts this in the background has it ignored
from autosearch.cli.app import app
app()
"""
WORKER = b"autosearch.measure.worker"
PATIENCE = 600.0
"""Seconds after which a run counts as one that doesn't end."""


def start(log: Path, trials: int, folder: Path, seed: int = 0) -> subprocess.Popen[str]:
    """A tuner of the sample `blur`, its temporary files in `folder`."""
    folder.mkdir(exist_ok=True)
    command = [
        sys.executable, "-c", PROGRAM, "tune", PIPELINE,
        "--trials", str(trials), "--log", str(log), "--seed", str(seed), "--json", "--quiet",
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment
    )


def finish(process: subprocess.Popen[str]) -> tuple[int | None, str, str]:
    """Exit status (None: it didn't end), standard output and standard error."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return None, "", ""
    return process.returncode, out, err


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text().split()]
        except OSError:
            continue
    return found


def abandoned() -> set[int]:
    """All worker processes on this machine whose tuner is gone."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if WORKER in path.read_bytes():
                parent = (path.parent / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == "1" or b"python" not in Path(f"/proc/{parent}/cmdline").read_bytes():
                    found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def orphans(before: set[int]) -> int:
    """Workers that are still there some seconds after their tuner ended, those in `before` aside."""
    for _ in range(100):
        left = abandoned() - before
        if not left:
            return 0
        time.sleep(0.05)
    return len(left)


def wait_for_line(log: Path, text: str, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until `text` is in the log so many times, or the process has ended."""
    while process.poll() is None:
        if log.exists() and log.read_text(errors="replace").count(text) >= count:
            return
        time.sleep(0.05)


def searched(content: LogContent) -> list[TrialRecord]:
    """The trials of a log, baselines aside."""
    return [record for record in content.trials if not record.baseline]


def doubled(log: Path) -> int:
    """Schedules and baselines that a log holds more than once."""
    content = read_log(log)
    digests = [record.schedule.digest for record in searched(content) if record.schedule is not None]
    baselines = [record.baseline for record in content.trials if record.baseline]
    return len(digests) - len(set(digests)) + len(baselines) - len(set(baselines))
