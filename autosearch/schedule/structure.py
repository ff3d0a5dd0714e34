"""Directives that change which Funcs a pipeline has, and the algorithm that they leave to be scheduled.

`rfactor` makes a new Func. Such directives come first in a schedule; the rest is for the algorithm that results, which
is derived by applying them to a copy and reading it back. Source: Halide's src/Func.cpp (`Stage::rfactor`).
"""

from __future__ import annotations

from dataclasses import replace

import halide as hl

from autosearch.errors import ScheduleError
from autosearch.pipeline.decode import decode_algorithm, deep_recursion
from autosearch.pipeline.flatbuffer import read_pipeline
from autosearch.pipeline.snapshot import Snapshot, func_order
from autosearch.pipeline.unschedule import unschedule
from autosearch.schedule.apply import apply
from autosearch.schedule.nest import LoopNest, build_nest
from autosearch.schedule.schedule import Schedule


class Structures:
    """What remains to be scheduled under each structural part, derived once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._derived: dict[Schedule, Snapshot | ScheduleError] = {Schedule(): snapshot}
        self._snapshot = snapshot

    def derive(self, structure: Schedule) -> Snapshot:
        """The pipeline after the directives of `structure`. Raises `ScheduleError` where Halide refuses them."""
        if structure not in self._derived:
            try:
                self._derived[structure] = _derive(self._snapshot, structure)
            except ScheduleError as error:
                self._derived[structure] = error
        found = self._derived[structure]
        if isinstance(found, ScheduleError):
            raise found
        return found

    def nest(self, schedule: Schedule) -> LoopNest:
        """The loop nest of a schedule of the pipeline. Raises `ScheduleError`, see `build_nest`."""
        derived = self.derive(schedule.structure)
        return build_nest(derived.flow, derived.regions, schedule.rest)


def _derive(snapshot: Snapshot, structure: Schedule) -> Snapshot:
    pipeline = snapshot.fresh()
    names = {func.name(): name for name, func in apply(structure, pipeline, snapshot.algorithm).items()}
    try:
        data = unschedule(hl.serialize_pipeline(pipeline))
    except hl.HalideError as error:
        raise ScheduleError(f"Halide can't serialize the pipeline after {structure}: {error}") from error
    with deep_recursion():
        algorithm = decode_algorithm(read_pipeline(data), func_order(pipeline), names)
    return replace(snapshot, data=data, given=None, algorithm=algorithm)
