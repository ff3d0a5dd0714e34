"""The space of CPU schedules for any pipeline, without templates: rules that ask where and how each Func is computed.

What is asked first are directives that make new Funcs; then come, in one `Walk`, all Funcs that are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from autosearch.choices import Chooser, Option, func_of, kind_of
from autosearch.errors import ScheduleError
from autosearch.machine import Machine
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import Dataflow, Regions
from autosearch.pipeline.snapshot import Snapshot
from autosearch.schedule.nest import LoopNest, build_nest
from autosearch.schedule.schedule import Schedule
from autosearch.space.ground import Ground
from autosearch.space.structure import NONE, STRUCTURE_KINDS, choose_structure
from autosearch.space.walk import Walk

Fixed = Callable[[Chooser], Mapping[str, Schedule]]
"""The schedules of Funcs that are not for the rules, by name."""
Derive = Callable[[Schedule], Snapshot]
"""The pipeline after structural directives. Raises `ScheduleError` where Halide refuses them."""


class CpuSpace:
    """All CPU schedules that the rules can make of one algorithm at given sizes."""

    def __init__(
        self,
        flow: Dataflow,
        regions: Regions,
        inputs: dict[str, Box],
        machine: Machine,
        derive: Derive | None = None,
        fixed: Fixed | None = None,
        free: Mapping[str, frozenset[int]] = MappingProxyType({}),
    ) -> None:
        """`derive` gives what is left to schedule after structural directives; without it there are none.

        `fixed` gives the schedules of those Funcs that are not for the rules, and may ask questions of its own.
        `free`: the dimensions of outputs that may be of any extent, see `Sizes.free`.
        """
        self.inputs = inputs
        self._free = free
        self.machine = machine
        self._derive = derive
        self._fixed = fixed
        self._grounds = {Schedule(): Ground(flow, regions, inputs, machine, free)}
        self._examples: dict[str, dict[str, Schedule]] = {}

    def build(self, chooser: Chooser) -> Schedule:
        """Ask the chooser every question, in order, and return the schedule that the answers make.

        Raises `InfeasibleError` where what is fixed doesn't fit, or says so itself.
        """
        fixed = self._fixed(chooser) if self._fixed is not None else {}
        structure = Schedule()
        if self._derive is not None:
            structure = choose_structure(self.ground, _Unmade(chooser, fixed) if fixed else chooser)
        ground = self.ground(structure.structure)
        return Schedule(structure.steps + Walk(ground, chooser, structure, fixed, self._examples).run().steps)

    def adopt(self, name: str, parts: Mapping[str, Schedule]) -> None:
        """Let Funcs be scheduled as in an example of that name: `parts` are their directives there, by Func."""
        self._examples[name] = dict(parts)

    def ground(self, structure: Schedule) -> Ground:
        """The algorithm after the directives of `structure`. Raises `ScheduleError` where Halide refuses them."""
        if structure not in self._grounds:
            if self._derive is None:
                raise ScheduleError("this space holds no directives that make Funcs")
            derived = self._derive(structure)
            self._grounds[structure] = Ground(
                derived.flow, derived.regions, self.inputs, self.machine, self._free
            )
        return self._grounds[structure]

    def nest(self, schedule: Schedule) -> LoopNest:
        """The loop nest of a schedule, this space's or any other. Raises `ScheduleError`, see `build_nest`."""
        ground = self.ground(schedule.structure)
        return build_nest(ground.flow, ground.regions, schedule.rest)

    @property
    def left_alone(self) -> dict[str, str]:
        """Funcs that are not searched but left at their default schedule, with the reason."""
        return self.ground(Schedule()).left_alone


class _Unmade:
    """Answers that nothing is made of Funcs whose schedule is fixed; passes other questions on."""

    def __init__(self, chooser: Chooser, fixed: Mapping[str, Schedule]) -> None:
        self.chooser = chooser
        self.fixed = fixed

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if func_of(key) in self.fixed and kind_of(key) in STRUCTURE_KINDS:
            return NONE
        return self.chooser.choose(key, options, weights)
