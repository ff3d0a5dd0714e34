"""A `LocalRunner` for a sample pipeline, with its memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import halide as hl

from autosearch.baselines import root_schedule
from autosearch.measure.device import ThisMachine, Work
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Candidate, Limits
from autosearch.testing.runners import LIMITS, ONCE
from tests.conftest import TARGET, snapshot_of


def reference_of(name: str) -> Candidate:
    """The candidate whose output is right by definition."""
    return Candidate(root_schedule(snapshot_of(name).algorithm))


@contextmanager
def local_runner(
    name: str, workers: int = 1, limits: Limits = LIMITS, target: str = str(TARGET)
) -> Iterator[LocalRunner]:
    """A runner on random inputs, with the reference published."""
    snapshot = snapshot_of(name)
    runner = ThisMachine(workers).open(Work(snapshot, hl.Target(target), limits=limits))
    try:
        assert runner.publish(runner.build([reference_of(name)])[0], ONCE).failure is None
        yield runner
    finally:
        runner.close()
