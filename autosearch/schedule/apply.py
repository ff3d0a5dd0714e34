"""Applying a schedule to a Halide pipeline."""

from __future__ import annotations

from functools import reduce
from typing import Any

import halide as hl

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.pipeline.names import canonical_rvars
from autosearch.pipeline.snapshot import funcs_of
from autosearch.schedule.directives import (
    COPYING,
    STRUCTURAL,
    Align,
    Argument,
    At,
    ComputeWith,
    FuncName,
    Fuse,
    Loop,
    Memory,
    PartitionPolicy,
    PrefetchStrategy,
    Reorder,
    ReorderStorage,
    RFactor,
    Specialize,
    Split,
    Tail,
)
from autosearch.schedule.schedule import Schedule, Step
from autosearch.schedule.specialize import Version

_HALIDE_ENUMS = {
    Tail: hl.TailStrategy,
    Memory: hl.MemoryType,
    PartitionPolicy: hl.Partition,
    PrefetchStrategy: hl.PrefetchBoundStrategy,
    Align: hl.LoopAlignStrategy,
}


def apply(schedule: Schedule, pipeline: hl.Pipeline, algorithm: Algorithm) -> dict[str, hl.Func]:
    """Apply every directive, in order, to the Funcs of `pipeline`, an instance of `algorithm` with no schedule yet.

    Returns all Funcs by canonical name, those that the schedule made included. Raises `ScheduleError` with the
    directive and Halide's reason where one is refused; the pipeline is then half scheduled and of no more use.
    """
    funcs = funcs_of(pipeline)
    if len(funcs) != len(algorithm.funcs):
        raise ScheduleError(f"the pipeline has {len(funcs)} Funcs, but the schedule is for {len(algorithm.funcs)}")
    handles = {f.name: handle for f, handle in zip(algorithm.funcs, funcs, strict=True)}
    context = _Context(handles, {f.name: f.args for f in algorithm.funcs})
    for step in schedule:
        context.run(step)
    return context.funcs


class _Context:
    """Halide's objects for canonical names, growing as splits introduce loops, and `rfactor`, `clone_in` and `in_` Funcs."""

    def __init__(self, funcs: dict[str, hl.Func], args: dict[str, tuple[str, ...]]) -> None:
        self.funcs = funcs
        self.args = args
        self.loops: dict[StageKey, dict[str, Any]] = {}
        self.versions: dict[StageKey, tuple[Any, Version]] = {}
        """Stages that have a second version."""

    def run(self, step: Step) -> None:
        directive = step.directive
        receiver = self.receiver(step)
        if isinstance(directive, Specialize):
            self.versions[step.stage] = self.specialize(step, directive, receiver), Version(directive)
            return
        if isinstance(directive, STRUCTURAL) and directive.func in self.funcs:
            raise ScheduleError(f"{step.stage}.{directive.method}: there already is a Func {directive.func!r}")
        self.introduce(step)
        if step.stage in self.versions and not directive.of_func:
            special, version = self.versions[step.stage]
            self.call(special, Step(step.stage, version.of(directive)))
        returned = self.call(receiver, step)
        if isinstance(directive, RFactor):
            self.funcs[directive.func] = returned
            self.args[directive.func] = (*self.args[step.stage.func], directive.var)
            del self.loops[step.stage]  # it merges now, over other reduction variables
        elif isinstance(directive, COPYING):
            self.funcs[directive.func] = returned
            self.args[directive.func] = self.args[step.stage.func]

    def call(self, receiver: Any, step: Step) -> Any:
        """Call the method that a directive stands for; what it returns."""
        directive = step.directive
        arguments = [self.convert(argument, step) for argument in directive.arguments()]
        if isinstance(directive, (Reorder, ReorderStorage)):
            arguments = list(arguments[0])
        if isinstance(directive, ComputeWith):
            level = hl.LoopLevel(self.func(directive.at.func, step), self.loop(directive.at, step), directive.stage)
            arguments = [level, arguments[2]]
        try:
            return getattr(receiver, directive.method)(*arguments)
        except (hl.HalideError, TypeError) as error:
            raise ScheduleError(f"{step.stage}.{directive.method}: {_reason(error)}") from error

    def specialize(self, step: Step, directive: Specialize, receiver: Any) -> Any:
        """The stage's version for where the output is as large as it says."""
        func, args = self.func(step.stage.func, step), self.args[step.stage.func]
        if len(directive.dims) != len(directive.extents) or not directive.dims or not set(directive.dims) <= set(args):
            raise ScheduleError(f"{step.stage}.specialize needs an extent for each of some dimensions of the Func")
        try:
            buffer = func.output_buffers()[0]
            large = [
                buffer.dim(args.index(dim)).extent() >= extent
                for dim, extent in zip(directive.dims, directive.extents, strict=True)
            ]
            return receiver.specialize(reduce(lambda one, other: one & other, large))
        except (hl.HalideError, TypeError) as error:
            raise ScheduleError(f"{step.stage}.specialize: {_reason(error)}") from error

    def func(self, name: str, step: Step) -> hl.Func:
        if name not in self.funcs:
            raise ScheduleError(f"{step.stage}.{step.directive.method}: the pipeline has no Func {name!r}")
        return self.funcs[name]

    def receiver(self, step: Step) -> Any:
        func = self.func(step.stage.func, step)
        if step.stage.index == 0:
            return func
        if step.directive.of_func or step.stage.index > func.num_update_definitions():
            raise ScheduleError(f"{step.stage} can't take {step.directive.method}")
        return func.update(step.stage.index - 1)

    def known(self, stage: StageKey) -> dict[str, Any]:
        """The loops of a stage by canonical name; at first its own variables."""
        if stage not in self.loops:
            handle = self.funcs[stage.func]
            names: dict[str, Any] = dict(zip(self.args[stage.func], handle.args(), strict=True))
            if stage.index:
                rvars = handle.rvars(stage.index - 1)
                canonical = canonical_rvars([rvar.name() for rvar in rvars], names)
                names.update((canonical[rvar.name()], rvar) for rvar in rvars)
            self.loops[stage] = names
        return self.loops[stage]

    def introduce(self, step: Step) -> None:
        """Make the loop variables that a split or fuse brings: reduction variables if what they come from is one."""
        directive, names = step.directive, self.known(step.stage)
        if isinstance(directive, Split):
            make = hl.RVar if isinstance(names.get(directive.old), hl.RVar) else hl.Var
            old = names.get(directive.old)
            for name in (directive.outer, directive.inner):
                if name == directive.old and old is not None:
                    continue
                names[name] = make(name)
        elif isinstance(directive, Fuse):
            reduction = any(isinstance(names.get(n), hl.RVar) for n in (directive.inner, directive.outer))
            names.setdefault(directive.fused, (hl.RVar if reduction else hl.Var)(directive.fused))
        elif isinstance(directive, RFactor):
            names[directive.var] = hl.Var(directive.var)

    def loop(self, at: At, step: Step) -> Any:
        """The variable of a loop level, found in whichever stage of the Func has it."""
        for index in range(self.func(at.func, step).num_update_definitions() + 1):
            names = self.known(StageKey(at.func, index))
            if at.var in names:
                return names[at.var]
        raise ScheduleError(f"{step.stage}.{step.directive.method}: {at.func} has no loop {at.var!r}")

    def convert(self, argument: Argument, step: Step) -> Any:
        if isinstance(argument, Loop):
            names = self.known(step.stage)
            if argument.name not in names:
                raise ScheduleError(f"{step.stage}.{step.directive.method}: there is no loop {argument.name!r}")
            return names[argument.name]
        if isinstance(argument, At):
            return hl.LoopLevel(self.func(argument.func, step), self.loop(argument, step))
        if isinstance(argument, FuncName):
            return self.func(argument.name, step)
        if isinstance(argument, tuple):
            return [self.convert(one, step) for one in argument]
        for ours, theirs in _HALIDE_ENUMS.items():
            if isinstance(argument, ours):
                return getattr(theirs, argument.value)
        return argument


def _reason(error: Exception) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), "refused")
