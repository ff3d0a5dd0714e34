"""Update definitions that a schedule leaves as they are while it says something of their Func: Halide warns of these."""

from __future__ import annotations

from collections.abc import Iterator

from autosearch.pipeline.ir import Algorithm
from autosearch.schedule.schedule import Schedule


def untouched(schedule: Schedule, algorithm: Algorithm) -> Iterator[tuple[str, int]]:
    """The Func and the number of each update definition to be marked `unscheduled()`."""
    touched = {step.stage for step in schedule if not step.directive.of_func}
    for func in algorithm.funcs:
        if any(stage.key in touched for stage in func.stages):
            for stage in func.updates:
                if stage.key not in touched:
                    yield func.name, stage.index - 1
