"""`LocalRunner`: it is a `Runner`, and it leaves no process behind, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import halide as hl
import pytest

from autosearch.errors import MeasureError
from autosearch.measure.autoschedulers import AUTOSCHEDULERS, AutoschedulerRequest
from autosearch.measure.device import ThisMachine
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Candidate, Failure, Limits
from autosearch.testing import RunnerSuite
from autosearch.testing import bad_candidates as bad
from tests.conftest import TARGET
from tests.made import TILED
from tests.measure.local_runner import ONCE, local_runner


class TestLocalRunner(RunnerSuite):
    """The suite."""

    device = ThisMachine(workers=2)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits for its parent to notice doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def test_closing_ends_all_processes() -> None:
    with local_runner("blur", workers=2) as runner:
        runner.warm_up()
        pids = runner.processes()
        assert len(set(pids)) == 2 and all(map(alive, pids))
        runner.close()
        assert not any(map(alive, pids)) and runner.processes() == []
        runner.close()
        with pytest.raises(MeasureError, match="closed"):
            runner.build([Candidate(TILED)])


def test_a_process_that_hangs_is_ended_and_replaced() -> None:
    with local_runner("blur", limits=Limits(run_seconds=0.2)) as runner:
        before = runner.processes()
        assert runner.run(runner.build([bad.never_ends()])[0], ONCE).failure is Failure.RUN_TIMEOUT
        assert not any(map(alive, before))
        assert runner.run(runner.build([Candidate(TILED)])[0], ONCE).failure is None
        assert len(runner.processes()) == 1 and runner.processes() != before


def test_kernels_of_a_process_that_died_are_built_again() -> None:
    with local_runner("blur") as runner:
        good, deadly = runner.build([Candidate(TILED), bad.dies()])
        assert runner.run(deadly, ONCE).failure is Failure.CRASH
        assert runner.run(good, ONCE).failure is None
        os.kill(runner.processes()[0], signal.SIGKILL)
        assert runner.build([Candidate(TILED)])[0].failure in (None, Failure.CRASH)
        assert runner.run(good, ONCE).failure is None
        runner.reset()
        runner.release([good, deadly])
        assert runner.run(good, ONCE).failure is None


def _kill_soon(runner: LocalRunner, after: float) -> threading.Timer:
    timer = threading.Timer(after, lambda: [os.kill(pid, signal.SIGKILL) for pid in runner.processes()])
    timer.start()
    return timer


@contextmanager
def _killed_every(runner: LocalRunner, seconds: float) -> Iterator[None]:
    """All processes of the runner are killed, over and over."""
    done = threading.Event()

    def kill() -> None:
        while not done.wait(seconds):
            for pid in runner.processes():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_candidate_whose_process_another_kills_gets_one_more_try() -> None:
    with local_runner("blur") as runner:
        runner.limit(Limits(compile_seconds=2.0, run_seconds=2.0))
        timer = _kill_soon(runner, 0.5)
        assert runner.build([bad.compiles_for_ages()])[0].failure is Failure.COMPILE_TIMEOUT
        timer.join()
        runner.limit(Limits(compile_seconds=30.0, run_seconds=2.0))  # on a busy machine, too, it is killed before
        built = runner.build([bad.never_ends()])[0]
        timer = _kill_soon(runner, 0.5)
        assert runner.run(built, ONCE).failure is Failure.RUN_TIMEOUT
        timer.join()
        with _killed_every(runner, 2.0):  # sometimes while it starts, which doesn't count
            killed = runner.build([bad.compiles_for_ages()])[0]
        assert killed.failure is Failure.CRASH and "SIGKILL" in killed.message


@pytest.mark.parametrize(
    ("make", "target", "failure"),
    [
        (bad.prints_megabytes, TARGET, None),
        (bad.wants_all_memory, TARGET, Failure.MEMORY),
        (bad.writes_outside, TARGET.with_feature(hl.TargetFeature.NoAsserts), Failure.BOUNDS),
    ],
)
def test_more_bad_candidates(make: Callable[[], Candidate], target: hl.Target, failure: Failure | None) -> None:
    with local_runner("blur", target=str(target)) as runner:
        timed = runner.run(runner.build([make()])[0], ONCE)
        assert timed.failure is failure, timed.message


PARENT = """
import sys, time
from tests.measure.local_runner import local_runner
with local_runner("blur", workers=2) as runner:
    runner.warm_up()
    print(*runner.processes(), flush=True)
    time.sleep(60)
"""


def test_workers_die_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2 and all(map(alive, workers))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not any(map(alive, workers)):
            return
        time.sleep(0.05)
    pytest.fail("worker processes are left behind")


def test_autoschedulers_give_schedules_that_are_right() -> None:
    with local_runner("sharpen", workers=2) as runner:
        requests = [AutoschedulerRequest(name, {"parallelism": "2"}) for name in AUTOSCHEDULERS]
        replies = runner.autoschedule(requests, 30.0)
        scheduled = [reply.scheduled for reply in replies]
        assert all(scheduled), [reply.message for reply in replies]
        built = runner.build([Candidate(scheduled=data) for data in scheduled])
        assert [runner.run(one, ONCE).failure for one in built] == [None] * len(AUTOSCHEDULERS)


def test_autoschedulers_that_fail_say_why_and_the_runner_goes_on() -> None:
    with local_runner("blur") as runner:
        requests = [AutoschedulerRequest("Nobody2031"), AutoschedulerRequest("Adams2019", {"no_such": "1"})]
        unknown, confused = runner.autoschedule(requests, 30.0)
        assert unknown.failure is Failure.COMPILE and "nobody2031" in unknown.message
        assert confused.failure is Failure.CRASH and "SIGABRT" in confused.message  # Halide ends the process
        late = runner.autoschedule([AutoschedulerRequest("Adams2019")], 0.0)[0]
        assert late.failure is Failure.COMPILE_TIMEOUT and late.scheduled is None
        assert runner.run(runner.build([Candidate(TILED)])[0], ONCE).failure is None
