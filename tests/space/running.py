"""Compiling schedules in this process and running them, against the output of everything computed at root."""

from __future__ import annotations

from functools import cache

from autosearch.baselines import root_schedule
from autosearch.measure.check import derive_tolerance
from autosearch.measure.data import SharedMemory, fill_inputs, layout_data
from autosearch.measure.kernel import Bench, Source
from autosearch.measure.protocol import Candidate
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, snapshot_of


def _run(sample: str, schedule: Schedule, source: Source, bench: Bench) -> None:
    bench.poison()
    source.compile(Candidate(schedule)).on(bench.arguments(snapshot_of(sample).algorithm)).repeat(1)


@cache
def _prepared(sample: str) -> tuple[Source, Bench]:
    """The sample's source, and its buffers with the reference output."""
    snapshot = snapshot_of(sample)
    tolerance = derive_tolerance(snapshot.flow)
    source = Source(snapshot.data, snapshot.parameters, snapshot.algorithm, snapshot.sizes, str(TARGET), tolerance)
    spec = layout_data(snapshot)
    memory = SharedMemory(spec.size)
    fill_inputs(spec, memory, {}, seed=1)
    bench = Bench(spec, memory.map, tolerance)
    _run(sample, root_schedule(snapshot.algorithm), source, bench)
    bench.publish()
    return source, bench


def assert_right(sample: str, schedule: Schedule) -> None:
    """Raise unless the schedule compiles, writes nothing outside of its outputs, and computes what it should."""
    source, bench = _prepared(sample)
    _run(sample, schedule, source, bench)
    bench.verify()
