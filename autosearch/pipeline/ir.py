"""The algorithm as immutable data: Funcs, their pure and update definitions, expressions, inputs.

It mirrors Halide's own intermediate representation (src/IR.h, src/Function.h), with three changes: names lose the
suffixes that Halide adds when a name is used twice in a process, schedules are left out (see `autosearch.schedule`),
and an expression is one class with an `op`, so that a walk over it is one short function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Type:
    """A Halide scalar type; `code` is one of int, uint, float, bfloat, handle."""

    code: str
    bits: int

    def __str__(self) -> str:
        return "bool" if (self.code, self.bits) == ("uint", 1) else f"{self.code}{self.bits}"

    @property
    def bytes(self) -> int:
        return max(1, (self.bits + 7) // 8)

    @property
    def is_float(self) -> bool:
        return self.code in ("float", "bfloat")

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and largest value, infinite for floats."""
        if self.code == "uint":
            return 0, (1 << self.bits) - 1
        if self.code == "int":
            return -(1 << (self.bits - 1)), (1 << (self.bits - 1)) - 1
        return float("-inf"), float("inf")


INT32 = Type("int", 32)
BOOL = Type("uint", 1)


@dataclass(frozen=True, slots=True)
class Expr:
    """One node of an expression.

    `op` is a lower-case operator name (add, sub, mul, div, mod, min, max, eq, ne, lt, le, gt, ge, and, or, not, select,
    cast, reinterpret, let) or one of: const (`value` a number or string), var (`value` its name), param (`value` the
    name of a scalar parameter, or `input.min.0`, `input.extent.0`, `input.stride.0` of an input), func (a call of the
    Func named `value`; `index` says which element of its tuple), image (a load from the input named `value`), call
    (an intrinsic or extern function named `value`).
    """

    op: str
    type: Type
    args: tuple[Expr, ...] = ()
    value: Any = None
    index: int = 0

    def walk(self) -> Iterator[Expr]:
        """This node and all below it, parents first, in the order written."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.args))


@dataclass(frozen=True, slots=True)
class ReductionVar:
    """One dimension of a reduction domain."""

    name: str
    min: Expr
    extent: Expr
    parallel_safe: bool
    """No two values of it touch the same element (Halide calls it a pure RVar), so that it may be parallel."""


@dataclass(frozen=True)
class Stage:
    """A pure (`index` 0) or update definition of a Func."""

    func: str
    index: int
    args: tuple[Expr, ...]
    values: tuple[Expr, ...]
    rvars: tuple[ReductionVar, ...] = ()
    predicate: Expr | None = None

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What was worked out about the stage, see `operations`."""
        return {}

    @cached_property
    def key(self) -> StageKey:
        return StageKey(self.func, self.index)

    @cached_property
    def pure_vars(self) -> tuple[str, ...]:
        """The pure variables that loop over this stage, innermost in storage first (an update may lack some)."""
        return tuple(arg.value for arg in self.args if arg.op == "var" and arg.value not in self._rvar_names)

    @cached_property
    def loop_vars(self) -> tuple[str, ...]:
        """The loops of the stage when never scheduled, innermost first: reduction variables, then pure ones."""
        return tuple(rvar.name for rvar in self.rvars) + self.pure_vars

    @cached_property
    def _rvar_names(self) -> frozenset[str]:
        return frozenset(rvar.name for rvar in self.rvars)

    def is_rvar(self, name: str) -> bool:
        return name in self._rvar_names

    def expressions(self) -> Iterator[Expr]:
        """All top-level expressions: left-hand side, values, reduction bounds and predicate."""
        yield from self.args
        yield from self.values
        for rvar in self.rvars:
            yield rvar.min
            yield rvar.extent
        if self.predicate is not None:
            yield self.predicate


class StageKey(NamedTuple):
    """Names a stage: the Func and 0 for its pure definition, k for its k-th update. A tuple, for its fast hash."""

    func: str
    index: int = 0  # type: ignore[assignment]  # hides tuple.index, which nobody calls

    def __str__(self) -> str:
        return self.func if self.index == 0 else f"{self.func}.update({self.index - 1})"


@dataclass(frozen=True)
class Func:
    """A Func: its pure variables in storage order (innermost first), element types, and stages."""

    name: str
    args: tuple[str, ...]
    types: tuple[Type, ...]
    stages: tuple[Stage, ...]
    extern: str = ""
    estimates: tuple[tuple[str, Expr | None, Expr | None], ...] = ()
    bounds: tuple[tuple[str, Expr | None, Expr | None], ...] = ()
    """What `bound` and `bound_extent` state: the dimension, its first coordinate, how many there are."""
    alignments: tuple[tuple[str, Expr, Expr], ...] = ()
    """What `align_bounds` states: the dimension, the modulus, the remainder."""

    @property
    def is_pure(self) -> bool:
        return len(self.stages) == 1 and not self.extern

    @property
    def updates(self) -> tuple[Stage, ...]:
        return self.stages[1:]


@dataclass(frozen=True)
class Input:
    """A buffer input (`dimensions` >= 1, or 0-dimensional) or, where `dimensions` is None, a scalar parameter."""

    name: str
    type: Type
    dimensions: int | None

    @property
    def is_scalar(self) -> bool:
        return self.dimensions is None


@dataclass(frozen=True)
class Image:
    """A constant buffer that is part of the pipeline."""

    name: str
    type: Type
    box: tuple[tuple[int, int], ...]
    digest: str


@dataclass(frozen=True)
class Algorithm:
    """What is computed, with no word on how: Funcs in realization order (producers first), outputs, inputs."""

    funcs: tuple[Func, ...]
    outputs: tuple[str, ...]
    inputs: tuple[Input, ...]
    images: tuple[Image, ...] = ()
    requirements: int = 0
    halide_names: tuple[str, ...] = field(default=(), compare=False)
    """The Funcs' names in the Halide pipeline that this was read from, with suffixes, in the order of `funcs`."""

    @cached_property
    def by_name(self) -> dict[str, Func]:
        return {func.name: func for func in self.funcs}

    def func(self, name: str) -> Func:
        return self.by_name[name]

    def stage(self, key: StageKey) -> Stage:
        return self.by_name[key.func].stages[key.index]

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """All stages, producers first."""
        return tuple(stage for func in self.funcs for stage in func.stages)

    @cached_property
    def consumers(self) -> dict[str, tuple[StageKey, ...]]:
        """For each Func, the stages of other Funcs that call it."""
        found: dict[str, dict[StageKey, None]] = {func.name: {} for func in self.funcs}
        for stage in self.stages:
            for name in called(stage):
                if name != stage.func:
                    found[name][stage.key] = None
        return {name: tuple(keys) for name, keys in found.items()}

    @cached_property
    def producers(self) -> dict[StageKey, tuple[str, ...]]:
        """For each stage, the other Funcs that it calls."""
        return {s.key: tuple(name for name in called(s) if name != s.func) for s in self.stages}


def called(stage: Stage) -> tuple[str, ...]:
    """Names of the Funcs that a stage calls, in the order met, itself included."""
    names: dict[str, None] = {}
    for expression in stage.expressions():
        for node in expression.walk():
            if node.op == "func":
                names[node.value] = None
    return tuple(names)
