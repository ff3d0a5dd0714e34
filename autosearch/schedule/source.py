"""Printing a schedule as source that a person can read and paste: C++ and Python."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import (
    STRUCTURAL,
    Align,
    Argument,
    At,
    Atomic,
    ComputeWith,
    Directive,
    FuncName,
    In,
    Loop,
    Memory,
    PartitionPolicy,
    PrefetchStrategy,
    Specialize,
    Tail,
)
from autosearch.schedule.schedule import Schedule, Step
from autosearch.schedule.shorthand import abbreviated
from autosearch.schedule.specialize import Version

_ENUMS: dict[type[Enum], str] = {
    Tail: "TailStrategy",
    Memory: "MemoryType",
    PartitionPolicy: "Partition",
    PrefetchStrategy: "PrefetchBoundStrategy",
    Align: "LoopAlignStrategy",
}
_LINE = 88


class Names(Protocol):
    """The identifiers that stand for Funcs and loops in the source."""

    def func(self, name: str) -> str: ...

    def loop(self, stage: StageKey, name: str) -> str: ...

    def level(self, at: At) -> tuple[str, str]: ...

    def extent(self, output: str, dim: str) -> str: ...


class PlainNames:
    """Every name stands for itself."""

    def func(self, name: str) -> str:
        return name

    def loop(self, stage: StageKey, name: str) -> str:
        return name

    def level(self, at: At) -> tuple[str, str]:
        return at.func, at.var

    def extent(self, output: str, dim: str) -> str:
        return dim


@dataclass(frozen=True)
class Syntax:
    """How a language writes enum values, truth and prefixes."""

    scope: str
    """Between an enum's type and its value."""
    prefix: str
    true: str
    false: str
    qualified: bool = True
    """Whether an enum's value needs its type."""
    new: str = ""
    """Before the name of a new Func."""
    wrap: str = "in_"
    """What `in_` is called."""
    both: str = " && "
    """Between two conditions."""


CPP = Syntax("::", "", "true", "false", new="Func ", wrap="in")
PYTHON = Syntax(".", "hl.", "True", "False", both=" & ")
PLAIN = Syntax("", "", "true", "false", qualified=False)


def plain_text(schedule: Schedule) -> str:
    """The schedule for reading: one chain of calls a stage, in neither language's full syntax."""
    return "\n".join(chains(abbreviated(schedule), PLAIN, PlainNames(), "    "))


def chains(schedule: Schedule, syntax: Syntax, names: Names, indent: str) -> list[str]:
    """One chain of calls for each stage that has directives; one that makes a Func assigns what it returns."""
    result = []
    for stage, directives in _versions(_grouped(schedule)):
        calls = [_call(directive, stage, syntax, names) for directive in directives]
        receiver = names.func(stage.func) + (f".update({stage.index - 1})" if stage.index else "")
        last = directives[-1]
        if isinstance(last, STRUCTURAL):
            receiver = f"{syntax.new}{names.func(last.func)} = {receiver}"
        one_line = receiver + "".join(calls)
        short = len(one_line) <= _LINE and len(calls) < 3
        result.append(one_line if short else receiver + "".join(f"\n{indent}{call}" for call in calls))
    return result


def one_call(step: Step) -> str:
    """One call for reading, with the stage that it is of."""
    return f"{step.stage}{_call(step.directive, step.stage, PLAIN, PlainNames())}"


def _grouped(schedule: Schedule) -> list[tuple[StageKey, list[Directive]]]:
    """The directives of each stage; one that makes a Func ends a group: what it returns is assigned."""
    groups: list[tuple[StageKey, list[Directive]]] = []
    open_groups: dict[StageKey, list[Directive]] = {}
    for step in schedule:
        if step.stage not in open_groups:
            open_groups[step.stage] = []
            groups.append((step.stage, open_groups[step.stage]))
        open_groups[step.stage].append(step.directive)
        if isinstance(step.directive, STRUCTURAL):
            del open_groups[step.stage]
    return groups


def _versions(groups: list[tuple[StageKey, list[Directive]]]) -> Iterator[tuple[StageKey, list[Directive]]]:
    """The groups, each that has a `specialize` in two: the version that it asks for first."""
    for stage, directives in groups:
        special = next((one for one in directives if isinstance(one, Specialize)), None)
        if special is None:
            yield stage, directives
            continue
        version = Version(special)
        rest = [one for one in directives if one is not special]
        yield stage, [special, *(version.of(one) for one in rest if not one.of_func)]
        if rest:
            yield stage, rest


def _call(directive: Directive, stage: StageKey, syntax: Syntax, names: Names) -> str:
    arguments = directive.arguments()
    if isinstance(directive, Atomic) and not directive.override_associativity_test:
        arguments = ()
    if isinstance(directive, ComputeWith):
        func, var = names.level(directive.at)
        level = f"{syntax.prefix}LoopLevel({func}, {var}, {directive.stage})"
        return f".compute_with({level}, {_argument(directive.align, stage, syntax, names)})"
    if isinstance(directive, Specialize):
        large = [
            f"({names.extent(stage.func, dim)} >= {extent})"
            for dim, extent in zip(directive.dims, directive.extents, strict=True)
        ]
        return f".specialize({syntax.both.join(large)})"
    method = syntax.wrap if isinstance(directive, In) else directive.method
    return f".{method}({', '.join(_argument(one, stage, syntax, names) for one in arguments)})"


def _argument(argument: Argument, stage: StageKey, syntax: Syntax, names: Names) -> str:
    if isinstance(argument, Loop):
        return names.loop(stage, argument.name)
    if isinstance(argument, At):
        return ", ".join(names.level(argument))
    if isinstance(argument, FuncName):
        return names.func(argument.name)
    if isinstance(argument, tuple):
        return ", ".join(names.loop(stage, one.name) for one in argument)
    if isinstance(argument, Enum):
        kind = f"{syntax.prefix}{_ENUMS[type(argument)]}{syntax.scope}" if syntax.qualified else ""
        return f"{kind}{argument.value}"
    if isinstance(argument, bool):
        return syntax.true if argument else syntax.false
    return str(argument)
