"""Runs that are cut short: what was measured is kept, and the same command goes on from there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import autosearch
from autosearch.choices import Space
from autosearch.records.log import read_log
from autosearch.records.record import TrialRecord
from autosearch.strategies.random import Random
from tests.measure.test_local import alive
from tests.samples import blur

PROGRAM = "from autosearch import settings; settings.RACE_SECONDS = 0.3; from autosearch.cli.app import app; app()"
PIPELINE = f"{Path(__file__).parent / 'samples.py'}:blur"


def _start(log: Path, trials: int) -> subprocess.Popen[str]:
    arguments = ["tune", PIPELINE, "--trials", str(trials), "--log", str(log), "--json", "--quiet"]
    command = [sys.executable, "-c", PROGRAM, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def _wait_for_trials(log: Path, count: int) -> None:
    """Wait until that many trials are on disk."""
    for _ in range(1200):
        if log.exists() and log.read_text().count('"kind":"trial"') >= count:
            return
        time.sleep(0.05)
    pytest.fail("the trials don't come")


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for path in tasks for child in path.read_text().split()]


def _searched(log: Path) -> list[TrialRecord]:
    return [record for record in read_log(log).trials if not record.baseline]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
def test_a_killed_run_loses_nothing_and_is_resumed(tmp_path: Path) -> None:
    log = tmp_path / "blur.jsonl"
    first = _start(log, 16)
    _wait_for_trials(log, 5)
    workers = _children(first.pid)
    os.kill(first.pid, signal.SIGKILL)
    first.communicate()
    left = log.read_bytes()
    before = read_log(log)
    assert len(workers) >= 2 and 5 <= len(_searched(log)) < 16 and before.damaged == 0

    second = _start(log, 16)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert not any(map(alive, workers))
    assert log.read_bytes().startswith(left)
    digests = [record.schedule.digest for record in _searched(log) if record.schedule is not None]
    assert len(digests) == len(set(digests)) == 16
    baselines = [record.baseline for record in read_log(log).trials if record.baseline]
    assert len(baselines) == len(set(baselines)) == 5
    assert json.loads(out)["trials"] == 16


def test_an_interrupt_ends_the_search_with_a_result(tmp_path: Path) -> None:
    log = tmp_path / "blur.jsonl"
    run = _start(log, 100_000)
    _wait_for_trials(log, 3)
    os.killpg(run.pid, signal.SIGINT)  # what Ctrl-C does: to the whole group
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0 and "Traceback" not in err
    result = json.loads(out)
    assert 3 <= result["trials"] == len(_searched(log)) < 100_000
    assert result["seconds"] > 0 and result["speedups"]["root"]["ratio"] > 0
    assert len(read_log(log).races) == 1
    assert log.read_bytes().endswith(b"\n") and read_log(log).damaged == 0


def test_an_interrupt_before_anything_was_found_says_so(tmp_path: Path) -> None:
    log = tmp_path / "blur.jsonl"
    run = _start(log, 16)
    for _ in range(1200):
        if log.exists():
            break
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=120)
    assert run.returncode != 0 and out == ""
    assert err.startswith("autosearch: ") and err.count("\n") == 1, err


def test_a_resumed_search_does_not_begin_with_what_the_log_holds(tmp_path: Path) -> None:
    seeds: list[int] = []

    class Spy(Random):
        def __init__(self, space: Space, seed: int = 0) -> None:
            seeds.append(seed)
            super().__init__(space, seed)

    for trials in (2, 4):
        autosearch.tune(blur(), trials=trials, strategy=Spy, cost_model=False, progress=False, log=tmp_path / "blur.jsonl")
    assert seeds[0] == 0 and seeds[1] != 0
