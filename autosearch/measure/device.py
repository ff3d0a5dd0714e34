"""Where kernels run: this machine or, behind the same protocol, a board or a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import halide as hl

from autosearch.machine import Machine, parse_target, this_machine
from autosearch.measure.check import derive_tolerance
from autosearch.measure.data import SharedMemory, fill_sets, layout_sets, memory_of
from autosearch.measure.kernel import Source
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Limits, Runner
from autosearch.pipeline.snapshot import Snapshot


@dataclass(frozen=True)
class Work:
    """What candidates are measured on."""

    snapshot: Snapshot
    target: hl.Target
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Arrays and scalars by name; those not given are random, by `seed`."""
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    tolerance: float | None = None
    """The relative difference that floats may have, where it isn't to follow from the algorithm."""


class Device(Protocol):
    """A kind of machine that can measure. `autosearch.testing.RunnerSuite` checks what its runners must do."""

    def parse_target(self, text: str | hl.Target) -> hl.Target:
        """The target meant. Raises `TargetError` where it can't run there."""
        ...

    def machine(self, target: hl.Target) -> Machine:
        """What it is: part of the identity of whatever is measured there."""
        ...

    def open(self, work: Work) -> Runner:
        """A runner, ready to work. Raises `MeasureError` or `InputError`."""
        ...


@dataclass(frozen=True)
class ThisMachine:
    """Implements `Device` with worker processes; as many as there are cores, but two at least, where not told."""

    workers: int | None = None

    def parse_target(self, text: str | hl.Target) -> hl.Target:
        """See `Device.parse_target`."""
        return parse_target(text)

    def machine(self, target: hl.Target) -> Machine:
        """See `Device.machine`."""
        return this_machine(target)

    def open(self, work: Work) -> LocalRunner:
        """See `Device.open`."""
        sets = layout_sets(work.snapshot)
        memory = SharedMemory(memory_of(sets))
        try:
            fill_sets(sets, memory, work.inputs, work.seed)
        except BaseException:
            memory.close()
            raise
        workers = self.workers or max(2, self.machine(work.target).cores)
        runner = LocalRunner(source_of(work), sets, memory, work.limits, workers=workers)
        try:
            runner.warm_up()
        except BaseException:
            runner.close()
            raise
        return runner


def source_of(work: Work) -> Source:
    """What kernels for some work are made of."""
    snapshot, tolerance = work.snapshot, derive_tolerance(work.snapshot.flow)
    if work.tolerance is not None:
        tolerance = replace(tolerance, relative=work.tolerance)
    return Source(snapshot.data, snapshot.parameters, snapshot.algorithm, snapshot.sizes, str(work.target), tolerance)
