"""A version of an output's loops for where it is no smaller than a tile.

A schedule that works at any size guards the tails of its outputs, which costs time in vectors. Where a tile fits, its last
one may as well be shifted inwards, over elements that are computed twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.schedule.directives import Directive, Specialize, Split, Tail
from autosearch.schedule.schedule import Schedule, Step
from autosearch.schedule.shorthand import Short, Tile


def where_tiles_fit(schedule: Schedule, algorithm: Algorithm, free: Mapping[str, frozenset[int]]) -> Schedule | None:
    """The schedule with such versions of all outputs that have guarded tails; None where none has, or some version is there.

    `free`: for each output the dimensions that may be of any extent.
    """
    steps = list(schedule.steps)
    for output, places in free.items():
        stage, args = StageKey(output), algorithm.func(output).args
        own = schedule.of(stage)
        if any(isinstance(one, Specialize) for one in own):
            return None
        factors = _guarded(own, [args[place] for place in sorted(places)])
        if factors:
            directive = Specialize(tuple(factors), tuple(factors.values()), Tail.SHIFT_INWARDS)
            first = next(number for number, step in enumerate(steps) if step.stage == stage)
            steps.insert(first, Step(stage, directive))
    return Schedule(tuple(steps)) if len(steps) > len(schedule) else None


def _guarded(own: tuple[Directive, ...], dims: list[str]) -> dict[str, int]:
    """The dimensions whose first split is guarded, and its factor."""
    found: dict[str, int] = {}
    seen: set[str] = set()
    for one in own:
        if isinstance(one, Split) and one.old in dims and one.old not in seen:
            seen.add(one.old)
            if one.tail is Tail.GUARD_WITH_IF:
                found[one.old] = one.factor
    return found


class Version:
    """The directives of the version that a `Specialize` asks for, made from those of the stage, one after the other."""

    def __init__(self, directive: Specialize) -> None:
        self._left = set(directive.dims)
        """Dimensions whose first split is to come."""
        self._tail = directive.tail

    def of(self, directive: Directive) -> Directive:
        """What it has instead of a directive of the stage: the same, but for the tail of a dimension's first split."""
        if isinstance(directive, Split) and directive.old in self._left:
            self._left.discard(directive.old)
            return replace(directive, tail=self._tail)
        if isinstance(directive, Short) and directive.loop in self._left:
            self._left.discard(directive.loop)
            return replace(directive, tail=self._tail)
        if isinstance(directive, Tile) and self._left.issuperset(directive.loops[:2]):
            self._left.difference_update(directive.loops[:2])
            return replace(directive, tail=self._tail)
        return directive
