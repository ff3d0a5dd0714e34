"""The space that a run searches: the rules for all Funcs, or for those that the user doesn't keep or write a template for."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from autosearch.choices import Chooser, RandomChooser
from autosearch.errors import ArgumentError, AutoSearchError, InfeasibleError, ScheduleError
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import Snapshot
from autosearch.schedule.directives import STRUCTURAL, At
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from autosearch.space.cpu import CpuSpace, Fixed
from autosearch.space.template import Template, run_template

SCHEDULED = "scheduled"
_TRIES = 50
"""Draws after which a template that allowed none is taken to allow none at all."""

TemplateFunction = Callable[[Template], object]


def make_space(
    snapshot: Snapshot,
    machine: Machine,
    kept: Mapping[str, Schedule] = MappingProxyType({}),
    template: TemplateFunction | None = None,
) -> CpuSpace:
    """The space of a pipeline: `kept` are the schedules of Funcs to keep, `template` as for `tune`.

    Raises `ArgumentError`.
    """
    if kept and template is not None:
        raise ArgumentError("keep= and template= exclude each other: let the template write what is to be kept")
    fixed: Fixed | None = None
    if kept:
        fixed = lambda _: kept  # noqa: E731
    elif template is not None:
        fixed = _of_template(template, snapshot)
    sizes = snapshot.sizes
    space = CpuSpace(
        snapshot.flow, snapshot.regions, dict(sizes.inputs), machine, Structures(snapshot).derive, fixed, sizes.free
    )
    if template is not None:
        _try_out(space)
    return space


def keeps(schedule: Schedule, kept: Mapping[str, Schedule]) -> bool:
    """Whether a schedule leaves the Funcs to keep as they are."""
    return all(part_of(schedule, name) == own for name, own in kept.items())


def part_of(schedule: Schedule, func: str) -> Schedule:
    """The directives of one Func."""
    return Schedule(tuple(step for step in schedule if step.stage.func == func))


def kept_schedules(snapshot: Snapshot, keep: Sequence[str] | str) -> dict[str, Schedule]:
    """The given schedule of each Func to keep. Raises `ArgumentError` where that can't stay as it is."""
    if not keep:
        return {}
    if snapshot.given is None:
        raise ArgumentError("keep= is for a pipeline that carries a schedule, and this one carries none")
    try:
        given = read_schedule(snapshot.given, snapshot.algorithm)
    except ScheduleError as error:
        raise ArgumentError(f"the pipeline's schedule can't be kept in part: {error}") from None
    parts = {
        func.name: Schedule(tuple(s for s in given if s.stage.func == func.name)) for func in snapshot.algorithm.funcs
    }
    names = (
        [name for name, own in parts.items() if len(own)]
        if keep == SCHEDULED
        else [keep]
        if isinstance(keep, str)
        else keep
    )
    for name in names:
        if name not in parts:
            raise ArgumentError(f"keep= names Func {name!r}, but the pipeline's are {', '.join(parts)}")
    for name in names:
        for step in parts[name]:
            if isinstance(step.directive, STRUCTURAL):
                raise ArgumentError(f"{name} can't be kept: it is factored or cloned")
            for level in step.directive.arguments():
                if isinstance(level, At) and level.func not in names:
                    raise ArgumentError(f"{name} is computed or stored at a loop of {level.func}: keep that one too")
    return {name: parts[name] for name in names}


def _of_template(template: TemplateFunction, snapshot: Snapshot) -> Fixed:
    def fixed(chooser: Chooser) -> Mapping[str, Schedule]:
        try:
            return run_template(template, chooser, snapshot.algorithm, snapshot.regions)
        except AutoSearchError:
            raise
        except Exception as error:  # the user's own code
            name = getattr(template, "__name__", "the template")
            raise ArgumentError(f"the template {name} failed: {type(error).__name__}: {error}") from error

    return fixed


def _try_out(space: CpuSpace) -> None:
    """Raise `ArgumentError` for a template that makes no schedule that fits the pipeline."""
    generator = random.Random(0)
    for left in reversed(range(_TRIES)):
        try:
            space.build(RandomChooser(generator))
            return
        except InfeasibleError as error:
            if not left:
                raise ArgumentError(f"the template makes no schedule for this pipeline: {error}") from None
