"""One Func, and one stage, in many loop nests at once: a row for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from autosearch.pipeline.array_intervals import Array
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import AlignStorage, BoundStorage, FoldStorage
from autosearch.schedule.loop_arrays import LoopArrays, Numbers
from autosearch.schedule.plans import Plan

Mask = np.ndarray[Any, np.dtype[np.bool_]]
_MIXERS = np.random.default_rng(1).integers(2**61, 2**62, 64) * 2 + 1


def combined(columns: Sequence[Numbers]) -> Numbers:
    """One number for each row, the same where all columns are: a hash of 64 bits."""
    found = np.zeros(len(columns[0]), dtype=np.int64)
    for place, column in enumerate(columns):
        mixed = (column + place + 1) * _MIXERS[place % len(_MIXERS)]
        found = (found ^ mixed ^ (mixed >> 29)) * _MIXERS[-1]
    return found


@dataclass
class FuncRows:
    """One Func in all nests: a row a schedule."""

    func: Func
    plans: list[Plan]
    """The different plans, and for each schedule which it has."""
    plan: Numbers
    inline: Mask
    level: Numbers
    """Where it is computed; meaningless where it is inlined."""
    store: Numbers
    required: list[tuple[Array, Array]]
    """By dimension: the first and last coordinate that one iteration at each level needs, (schedules, levels)."""
    overhang: list[Array]
    """By dimension: how far the last production goes beyond what is needed."""
    _depths: dict[tuple[int, str], Numbers] = field(default_factory=dict)

    def depths(self, stage: int, loop: str) -> Numbers:
        """How many loops of one of its stages one is inside of when inside the loop of that name; 0 where none has it."""
        if (stage, loop) not in self._depths:
            self._depths[stage, loop] = np.array([one.depth_of(stage, loop) for one in self.plans])[self.plan]
        return self._depths[stage, loop]

    def at(self, level: Numbers) -> list[tuple[Array, Array]]:
        """The region needed at one level of each row, tails included, by dimension."""
        rows = np.arange(len(level))
        return [
            (low[rows, level], high[rows, level] + beyond)
            for (low, high), beyond in zip(self.required, self.overhang, strict=True)
        ]

    @cached_property
    def any_inline(self) -> bool:
        return bool(self.inline.any())

    def layout(self, row: int) -> tuple[int, ...]:
        """How it lies in memory in one nest."""
        return self.plans[int(self.plan[row])].layout

    @cached_property
    def layout_number(self) -> Numbers:
        """Which of the layouts it has: equal numbers are equal layouts."""
        return np.array([hash(one.layout) for one in self.plans])[self.plan]

    @cached_property
    def layouts(self) -> tuple[tuple[int, ...], ...]:
        """The different ones."""
        return tuple(dict.fromkeys(one.layout for one in self.plans))

    def by_layout(self, rows: Numbers) -> Iterator[tuple[tuple[int, ...], Numbers | slice]]:
        """Each different layout, with the places in `rows` that have it."""
        if len(self.layouts) == 1:
            yield self.layouts[0], slice(None)
            return
        numbers = self.layout_number[rows]
        for layout in self.layouts:
            places = np.flatnonzero(numbers == hash(layout))
            if len(places):
                yield layout, places

    @cached_property
    def stored(self) -> list[Array]:
        """`LoopNest.stored_box` of each row: extents by dimension."""
        found = [high - low + 1.0 for low, high in self.at(self.store)]
        for number, plan in enumerate(self.plans):
            for one in plan.resizing:
                rows, place = self.plan == number, self.func.args.index(one.dim)
                found[place][rows] = _resized(one, found[place][rows])
        return found

    @cached_property
    def made(self) -> list[Array]:
        """The extents of what each production makes, by dimension."""
        return [high - low + 1.0 for low, high in self.at(self.level)]


@dataclass
class StageRows:
    """One stage in all nests."""

    key: StageKey
    env: dict[str, tuple[Array, Array]]
    """The range of each variable in one iteration at each level, (schedules, levels)."""
    kinds: Numbers
    """Of the loop that makes each level, by number, see `KINDS`; 0 where there is none."""
    sizes: Array
    """Its extent; 1 where there is none."""
    codes: Numbers
    """Which position the level is: equal numbers are equal positions, -1 is none."""
    loops: LoopArrays | None = None
    """The different loops with their extents, and for each schedule which it has."""
    loop_row: Numbers | None = None


def _resized(directive: AlignStorage | BoundStorage | FoldStorage, extents: Array) -> Array:
    """What is allocated for one dimension, see `autosearch.schedule.layout.resized`."""
    if isinstance(directive, AlignStorage):
        return np.asarray(np.ceil(extents / directive.alignment) * directive.alignment)
    if isinstance(directive, FoldStorage):
        return np.minimum(extents, directive.factor)
    return np.full_like(extents, directive.extent)
