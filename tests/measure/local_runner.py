"""A `LocalRunner` for a sample pipeline, with its memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from autosearch.baselines import root_schedule
from autosearch.measure.check import derive_tolerance
from autosearch.measure.data import SharedMemory, fill_sets, layout_sets
from autosearch.measure.kernel import Source
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Candidate, Effort, Limits
from tests.conftest import TARGET, snapshot_of

LIMITS = Limits(compile_seconds=20.0, run_seconds=5.0, reference_seconds=20.0, memory_bytes=1 << 30)
ONCE = Effort(samples=1, min_samples=1, seconds=0.0, sample_seconds=0.0)


def reference_of(name: str) -> Candidate:
    """The candidate whose output is right by definition."""
    return Candidate(root_schedule(snapshot_of(name).algorithm))


@contextmanager
def local_runner(
    name: str, workers: int = 1, limits: Limits = LIMITS, target: str = str(TARGET)
) -> Iterator[LocalRunner]:
    """A runner on random inputs, with the reference published."""
    snapshot = snapshot_of(name)
    sets = layout_sets(snapshot)
    memory = SharedMemory(sets[-1].size)
    fill_sets(sets, memory, {}, seed=0)
    tolerance = derive_tolerance(snapshot.flow)
    source = Source(snapshot.data, snapshot.parameters, snapshot.algorithm, snapshot.sizes, target, tolerance)
    runner = LocalRunner(source, sets, memory, limits, workers=workers)
    try:
        assert runner.publish(runner.build([reference_of(name)])[0], ONCE).failure is None
        yield runner
    finally:
        runner.close()
        memory.close()
