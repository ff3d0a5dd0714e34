"""Applying a schedule to a Halide pipeline."""

from __future__ import annotations

from typing import Any

import halide as hl

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.pipeline.snapshot import funcs_of
from autosearch.schedule.directives import (
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
    Split,
    Tail,
)
from autosearch.schedule.schedule import Schedule, Step

_HALIDE_ENUMS = {
    Tail: hl.TailStrategy,
    Memory: hl.MemoryType,
    PartitionPolicy: hl.Partition,
    PrefetchStrategy: hl.PrefetchBoundStrategy,
    Align: hl.LoopAlignStrategy,
}


def apply(schedule: Schedule, pipeline: hl.Pipeline, algorithm: Algorithm) -> None:
    """Apply every directive, in order, to the Funcs of `pipeline`, an instance of `algorithm` with no schedule yet.

    Raises `ScheduleError` with the directive and Halide's reason where one is refused; the pipeline is then half
    scheduled and of no more use.
    """
    funcs = funcs_of(pipeline)
    if len(funcs) != len(algorithm.funcs):
        raise ScheduleError(f"the pipeline has {len(funcs)} Funcs, but the schedule is for {len(algorithm.funcs)}")
    context = _Context(algorithm, {f.name: handle for f, handle in zip(algorithm.funcs, funcs, strict=True)})
    for step in schedule:
        context.run(step)


class _Context:
    """Halide's objects for canonical names, growing as splits introduce loops."""

    def __init__(self, algorithm: Algorithm, funcs: dict[str, hl.Func]) -> None:
        self.algorithm = algorithm
        self.funcs = funcs
        self.loops: dict[StageKey, dict[str, Any]] = {}

    def run(self, step: Step) -> None:
        directive = step.directive
        receiver = self.receiver(step)
        self.introduce(step)
        arguments = [self.convert(argument, step) for argument in directive.arguments()]
        if isinstance(directive, (Reorder, ReorderStorage)):
            arguments = list(arguments[0])
        if isinstance(directive, ComputeWith):
            level = hl.LoopLevel(self.func(directive.at.func, step), self.loop(directive.at, step), directive.stage)
            arguments = [level, arguments[2]]
        try:
            getattr(receiver, directive.method)(*arguments)
        except (hl.HalideError, TypeError) as error:
            reason = next((line for line in str(error).splitlines() if line.strip()), "refused")
            raise ScheduleError(f"{step.stage}.{directive.method}: {reason}") from error

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
            func = self.algorithm.func(stage.func)
            handle = self.funcs[stage.func]
            names: dict[str, Any] = dict(zip(func.args, handle.args(), strict=True))
            if stage.index:
                rvars = func.stages[stage.index].rvars
                names.update(zip((r.name for r in rvars), handle.rvars(stage.index - 1), strict=True))
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

    def loop(self, at: At, step: Step) -> Any:
        """The variable of a loop level, found in whichever stage of the Func has it."""
        func = self.algorithm.func(at.func) if at.func in self.algorithm.by_name else None
        for stage in func.stages if func is not None else ():
            if at.var in self.known(stage.key):
                return self.known(stage.key)[at.var]
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
