"""Which Funcs `in_` and `clone_in` make: reading that back from a pipeline's serialized form, and telling it simpler."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields, replace
from typing import Any

from autosearch.errors import ScheduleError
from autosearch.pipeline.decode import decode_algorithm, deep_recursion
from autosearch.pipeline.flatbuffer import Node
from autosearch.pipeline.ir import Algorithm, Func, StageKey
from autosearch.schedule.directives import ALL, STRUCTURAL, At, CloneIn, ComputeAt, ComputeRoot, In
from autosearch.schedule.schedule import Schedule, Step


def read_copies(root: Node, algorithm: Algorithm) -> tuple[list[Step], Algorithm]:
    """The directives that made Funcs of the decoded pipeline `root`, and `algorithm` with those, each behind its source.

    Raises `ScheduleError` where a copy is shared by some, but not all, of the Funcs that read its source.
    """
    nodes = {node.name: node for node in root.funcs}
    by_index = dict(enumerate(root.func_names_in_order))
    names = dict(zip(algorithm.halide_names, algorithm.by_name, strict=True))
    order: list[str] = []
    made: list[tuple[str, str, str]] = []

    def follow(name: str) -> None:
        if name in nodes:  # autoschedulers substitute trivial Funcs
            order.append(name)
        wrappers = nodes[name].func_schedule.wrappers if name in nodes else []
        found: dict[str, list[str]] = {}
        for wrapper in wrappers:
            found.setdefault(by_index[wrapper.func_index], []).append(wrapper.func_name)
        for copy, readers in found.items():
            if len(readers) > 1:
                raise ScheduleError(f"{names[name]} has a copy for {len(readers)} Funcs, not for one or for all")
            reader = names.get(readers[0], readers[0]) if readers[0] else ALL
            if copy not in names:
                stem = f"{names[name]}_in" if reader == ALL else f"{names[name]}_in_{reader}"
                names[copy] = _free(stem, names.values())
                made.append((name, copy, reader))
                follow(copy)

    for one in algorithm.halide_names:
        follow(one)
    if not made:
        return [], algorithm
    with deep_recursion():
        whole = _stating(decode_algorithm(root, tuple(order), names), algorithm)
    steps = []
    for source, copy, reader in made:
        cls = In if _copies(whole.func(names[copy]), names[source]) else CloneIn
        steps.append(Step(StageKey(names[source]), cls(reader, names[copy])))
    return steps, whole


def _stating(whole: Algorithm, algorithm: Algorithm) -> Algorithm:
    """`whole`, where of bounds no more is stated than in `algorithm`: the rest belongs to the schedule."""
    own = {func.name: (func.bounds, func.alignments) for func in algorithm.funcs}
    stated = ((func, *own.get(func.name, ((), ()))) for func in whole.funcs)
    return replace(
        whole, funcs=tuple(replace(func, bounds=bounds, alignments=starts) for func, bounds, starts in stated)
    )


def without_idle_copies(schedule: Schedule, algorithm: Algorithm) -> Schedule:
    """The schedule without copies of what is computed nowhere else.

    A copy for all of an inlined Func is that Func itself, computed where the copy is; one for a single reader is a clone.
    """
    placed = {step.stage.func for step in schedule if isinstance(step.directive, (ComputeAt, ComputeRoot))}
    names: dict[str, str] = {}
    steps = []
    for step in schedule:
        directive = step.directive
        if isinstance(directive, In):
            source = step.stage.func
            pure = algorithm.by_name[source].is_pure if source in algorithm.by_name else True
            if pure and source not in placed:
                if directive.consumer == ALL:
                    names[directive.func] = names.get(source, source)
                    continue
                directive = CloneIn(directive.consumer, directive.func)
        steps.append(Step(step.stage, directive))
    return Schedule(tuple(_renamed(step, names) for step in steps)) if names else Schedule(tuple(steps))


def _renamed(step: Step, names: Mapping[str, str]) -> Step:
    """A step with other names for Funcs."""
    now: dict[str, Any] = {}
    for one in fields(step.directive):
        value = getattr(step.directive, one.name)
        if isinstance(value, At):
            now[one.name] = At(names.get(value.func, value.func), value.var)
        elif (one.name == "func" and not isinstance(step.directive, STRUCTURAL)) or one.name == "consumer":
            now[one.name] = names.get(value, value)
    stage = StageKey(names.get(step.stage.func, step.stage.func), step.stage.index)
    return Step(stage, replace(step.directive, **now) if now else step.directive)


def _copies(func: Func, source: str) -> bool:
    """Whether a Func is nothing but the values of another."""
    calls = [value for stage in func.stages for value in stage.values]
    return func.is_pure and all(
        (value.op, value.value) == ("func", source) and all(arg.op == "var" for arg in value.args) for value in calls
    )


def _free(name: str, taken: Collection[str]) -> str:
    while name in taken:
        name += "_"
    return name
