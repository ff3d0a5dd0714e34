"""The loops that a stage's own directives make of its variables, and what each level of them covers.

Pure bookkeeping on one stage: which loops, in which order, of which kind, from which splits. With the extents of the
stage's variables it answers how long each loop is, how much of each variable the loops inside a level cover, and how
much is computed in total once tails are rounded up. Semantics: Halide's src/Func.cpp (`Stage::split`, `reorder`, ...)
and src/ApplySplit.cpp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import Stage
from autosearch.schedule.directives import (
    Atomic,
    ComputeWith,
    Directive,
    Fuse,
    Parallel,
    Reorder,
    Split,
    Tail,
    Unroll,
    Vectorize,
)

SERIAL, PARALLEL, VECTORIZED, UNROLLED = "serial", "parallel", "vectorized", "unrolled"
_KINDS: dict[type[Directive], str] = {Parallel: PARALLEL, Vectorize: VECTORIZED, Unroll: UNROLLED}
LOOPING = frozenset((Split, Fuse, Reorder, Atomic, ComputeWith, *_KINDS))
"""Directives that say what loops a stage has; the others leave them as they are."""
ROUNDS_UP = (Tail.ROUND_UP, Tail.ROUND_UP_AND_BLEND)
SHIFTS = (Tail.SHIFT_INWARDS, Tail.SHIFT_INWARDS_AND_BLEND, Tail.AUTO)
GUARDS = (Tail.GUARD_WITH_IF, Tail.PREDICATE)
"""Tails that compute more than is needed, that compute some twice, that are left to an if inside the loop."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """How two loops came of one (`fuse` off) or one of two. Loops are numbers, since names may be used again."""

    old: int
    outer: int
    inner: int
    factor: int = 0
    tail: Tail = Tail.AUTO
    fuse: bool = False


@dataclass(frozen=True)
class StageLoops:
    """The loops of one stage. Loop number k < len(variables) is the k-th variable itself, later ones are derived."""

    variables: tuple[str, ...]
    names: tuple[str, ...]
    """The name of every loop that ever was, by number."""
    order: tuple[int, ...]
    """The loops that remain, outermost first."""
    kinds: tuple[str, ...]
    """Serial, parallel, vectorized or unrolled, for each of `order`."""
    derivations: tuple[Derivation, ...]
    atomic: bool = False
    joins: ComputeWith | None = None
    """Whose loops the stage shares the outermost of its own with."""

    @cached_property
    def loop_names(self) -> tuple[str, ...]:
        """Names of the loops, outermost first."""
        return tuple(self.names[loop] for loop in self.order)

    def depth_of(self, name: str) -> int | None:
        """How many loops one is inside of when inside loop `name`; None where there is no such loop."""
        return self.loop_names.index(name) + 1 if name in self.loop_names else None

    def variable_of(self, loop: int) -> int:
        """The variable that a loop came of (the inner one, where it came of two)."""
        for derivation in reversed(self.derivations):
            if derivation.fuse and loop == derivation.old:
                loop = derivation.inner
            elif not derivation.fuse and loop in (derivation.outer, derivation.inner):
                loop = derivation.old
        return loop

    def step(self, loop: int) -> int:
        """Coordinates of its variable (the inner one, where it came of two) from one iteration of a loop to the next."""
        step = 1
        for derivation in reversed(self.derivations):
            if derivation.fuse and loop == derivation.old:
                loop = derivation.inner
            elif not derivation.fuse and loop in (derivation.outer, derivation.inner):
                step *= derivation.factor if loop == derivation.outer else 1
                loop = derivation.old
        return step

    def sources(self, loop: int) -> frozenset[int]:
        """All variables that a loop came of."""
        found = {loop}
        for d in reversed(self.derivations):
            made, of = ({d.old}, {d.inner, d.outer}) if d.fuse else ({d.inner, d.outer}, {d.old})
            if found & made:
                found = (found - made) | of
        return frozenset(found)

    def extents(self, variables: Sequence[int]) -> list[int]:
        """The extent of every loop that ever was, given those of the variables."""
        found = [*variables, *([0] * (len(self.names) - len(variables)))]
        for d in self.derivations:
            if d.fuse:
                found[d.old] = found[d.inner] * found[d.outer]
            else:
                found[d.inner] = d.factor
                found[d.outer] = -(-found[d.old] // d.factor)
        return found

    def covered(self, extents: Sequence[int]) -> list[int]:
        """How much of each variable is computed once tails are done, given the extents of all loops."""
        found = list(extents)
        for d in reversed(self.derivations):
            if d.fuse:
                continue
            if d.tail in ROUNDS_UP:
                found[d.old] = d.factor * found[d.outer]
            elif d.tail in SHIFTS:
                found[d.old] = max(extents[d.old], d.factor)
            else:
                found[d.old] = extents[d.old]
        return found[: len(self.variables)]

    def window(self, depth: int, extents: Sequence[int]) -> list[tuple[int, int]]:
        """What one iteration of the `depth` outermost loops covers of each variable: (offset, length).

        It is the middle iteration of each loop, so that boundaries don't show.
        """
        at = [(0, extent) for extent in extents]
        for loop in self.order[:depth]:
            at[loop] = (extents[loop] // 2, 1)
        for d in reversed(self.derivations):
            if d.fuse:
                offset, length = at[d.old]
                inner = extents[d.inner]
                if length >= inner:
                    at[d.inner], at[d.outer] = (0, inner), (offset // inner, -(-length // inner))
                else:
                    at[d.inner], at[d.outer] = (min(offset % inner, inner - length), length), (offset // inner, 1)
                continue
            outer_offset, outer_length = at[d.outer]
            inner_offset, inner_length = at[d.inner]
            length = (outer_length - 1) * d.factor + inner_length
            offset = outer_offset * d.factor + inner_offset
            if d.tail not in ROUNDS_UP:
                length = min(length, extents[d.old] if d.tail not in SHIFTS else max(extents[d.old], d.factor))
                offset = max(0, min(offset, extents[d.old] - length))
            at[d.old] = (offset, length)
        return at[: len(self.variables)]


def stage_loops(stage: Stage, directives: Sequence[Directive]) -> StageLoops:
    """The loops that `directives` make of `stage`. Raises `ScheduleError` where one refers to a loop that isn't there."""
    names = list(stage.loop_vars)
    order = list(range(len(names)))  # innermost first while building, as in Halide
    alive = list(names)  # the names of those in order
    kinds = [SERIAL] * len(names)
    derivations: list[Derivation] = []
    atomic = False
    joins: ComputeWith | None = None

    def place(name: str) -> int:
        try:
            return alive.index(name)
        except ValueError:
            known = ", ".join(reversed(alive))
            raise ScheduleError(f"{stage.key} has no loop {name!r}; its loops, outermost first, are {known}") from None

    for directive in directives:
        if isinstance(directive, Split):
            if directive.factor < 1:
                raise ScheduleError(f"{stage.key}: a split by {directive.factor}; a factor must be at least 1")
            position, outer = place(directive.old), len(names)
            old, inner = order[position], outer + 1
            names += (directive.outer, directive.inner)
            kinds += (kinds[old], kinds[old])
            order[position : position + 1] = (inner, outer)
            alive[position : position + 1] = (directive.inner, directive.outer)
            derivations.append(Derivation(old, outer, inner, directive.factor, directive.tail))
        elif isinstance(directive, (Vectorize, Unroll, Parallel)):
            kinds[order[place(directive.loop)]] = _KINDS[type(directive)]
        elif isinstance(directive, Reorder):
            positions = [place(name) for name in directive.loops]
            loops = [order[position] for position in positions]
            for position, loop, name in zip(sorted(positions), loops, directive.loops, strict=True):
                order[position], alive[position] = loop, name
        elif isinstance(directive, Fuse):
            position = place(directive.outer)
            outer = order.pop(position)
            del alive[position]
            position = place(directive.inner)
            inner, fused = order[position], len(names)
            names.append(directive.fused)
            kinds.append(kinds[inner])
            order[position], alive[position] = fused, directive.fused
            derivations.append(Derivation(fused, outer, inner, fuse=True))
        elif isinstance(directive, Atomic):
            atomic = True
        elif isinstance(directive, ComputeWith):
            joins = directive
    if len(set(alive)) != len(alive):
        raise ScheduleError(f"{stage.key}: two loops have the same name: {', '.join(alive)}")
    order.reverse()
    ordered_kinds = tuple([kinds[k] for k in order])
    return StageLoops(stage.loop_vars, tuple(names), tuple(order), ordered_kinds, tuple(derivations), atomic, joins)
