"""The shape of one stage's loops: bands of loops from the vector outwards, and the directives that make them.

A band is a set of neighbouring loops, at most one of each variable, all of one role: `vector` (one loop, vectorized),
`unroll` (a register tile, unrolled), `tile0`, `tile1`, ... (serial; where producers are computed), `outer` (what
remains of each variable; the outermost ones may be parallel) and `task` (iterations of the parallel loop that make one
task, just inside it). A variable's loops in the bands multiply to its extent:
splits go outside in, so that only the outermost one can leave a tail.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from autosearch.pipeline.ir import Stage
from autosearch.schedule.directives import (
    Atomic,
    Directive,
    Fuse,
    Parallel,
    Reorder,
    Split,
    Tail,
    Unroll,
    Vectorize,
)

VECTOR, UNROLL, TASK, OUTER = "vector", "unroll", "task", "outer"


@dataclass(frozen=True)
class Band:
    """Neighbouring loops of one role, innermost first: (variable, iterations), 0 for all that is left of it."""

    role: str
    loops: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Tiling:
    """The bands of a stage, innermost first, ending with `outer`; how many of the outermost loops are parallel.

    Where there is a `task`, it lies inside the last of the outer loops, which makes a second band of that role.
    """

    bands: tuple[Band, ...]
    parallel: int = 0
    fused: bool = False
    """The parallel loops are fused into one."""
    tails: Mapping[str, Tail] = field(default_factory=dict)
    """For each variable that is split: what its outermost split does with a remainder."""
    planes: int = 0
    """Loops outside of the parallel ones: planes that are made one after the other, with all cores. Then none are fused."""

    @cached_property
    def loops(self) -> tuple[tuple[str, str, int], ...]:
        """All loops, innermost first: (variable, role, iterations or 0)."""
        return tuple((name, band.role, count) for band in self.bands for name, count in band.loops)

    @property
    def lanes(self) -> int:
        """Iterations of the vector; 1 where there is none."""
        return math.prod(max(1, count) for _, role, count in self.loops if role == VECTOR)

    @cached_property
    def factors(self) -> dict[str, tuple[int, bool]]:
        """For each variable that is split: the factor of its outermost split, and whether the inner loop is split too."""
        found = {}
        for variable in self.tails:
            sizes = [count for name, _, count in self.loops if name == variable][:-1]
            found[variable] = math.prod(sizes), len(sizes) > 1
        return found

    def directives(self, stage: Stage) -> list[Directive]:
        """The directives that make these loops of `stage`."""
        names = self._names(stage)
        result: list[Directive] = []
        for variable in stage.loop_vars:
            result += self._splits(stage, variable, names)
        order = [names[variable, role] for variable, role, _ in self.loops]
        end = len(order) - self.planes
        outermost = order[end - self.parallel : end]
        if self.fused and self.parallel > 1:
            fused = free_name("par", names.values())
            inner = outermost[0]
            for outer in outermost[1:]:
                result.append(Fuse(inner, outer, fused))
                inner = fused
            order = [*order[: len(order) - self.parallel], fused]
            outermost = [fused]
        if order != self._natural(stage, names, outermost if self.fused and self.parallel > 1 else []):
            result.append(Reorder(tuple(order)))
        kinds: list[Directive] = []
        for variable, role, _ in self.loops:
            if role == VECTOR:
                if stage.is_rvar(variable):
                    result.append(Atomic())
                kinds.append(Vectorize(names[variable, role]))
            elif role == UNROLL:
                kinds.append(Unroll(names[variable, role]))
        return result + kinds + [Parallel(name) for name in outermost]

    def _natural(self, stage: Stage, names: Mapping[tuple[str, str], str], fused: Sequence[str]) -> list[str] | None:
        """The order that the splits alone leave; None where fusing makes it hard to say."""
        if fused:
            return None
        order = []
        for variable in stage.loop_vars:
            order += [names[v, role] for v, role, _ in self.loops if v == variable]
        return order

    def _own(self, variable: str) -> list[tuple[str, int]]:
        """The loops of one variable, innermost first: (role, iterations or 0)."""
        return [(role, count) for name, role, count in self.loops if name == variable]

    def _names(self, stage: Stage) -> dict[tuple[str, str], str]:
        taken = set(stage.loop_vars)
        names: dict[tuple[str, str], str] = {}
        for variable in stage.loop_vars:
            own = self._own(variable)
            if len(own) == 1:
                names[variable, own[0][0]] = variable
                continue
            for place, (role, _) in enumerate(reversed(own)):
                name = free_name(variable + ("o" if place == 0 else "i" * place), taken)
                taken.add(name)
                names[variable, role] = name
        return names

    def _splits(self, stage: Stage, variable: str, names: Mapping[tuple[str, str], str]) -> list[Directive]:
        own = self._own(variable)
        result: list[Directive] = []
        sizes = [count for _, count in own[:-1]]
        current = variable
        for place in range(len(own) - 1, 0, -1):
            factor = 1
            for size in sizes[:place]:
                factor *= size
            outer, inner = names[variable, own[place][0]], names[variable, own[place - 1][0]]
            if place == len(own) - 1:
                tail = self.tails[variable]
            else:
                exact = stage.index > 0 or stage.is_rvar(variable)
                tail = Tail.GUARD_WITH_IF if exact else Tail.ROUND_UP  # it divides, so that neither is ever used
            result.append(Split(current, outer, inner, factor, tail))
            current = inner
        return result


def free_name(name: str, taken: Collection[str]) -> str:
    """`name`, with underscores added until it is not taken."""
    while name in taken:
        name += "_"
    return name
