"""One Func, and one stage, in many loop nests at once: a row for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from autosearch.pipeline.array_intervals import Array
from autosearch.pipeline.ir import Func
from autosearch.schedule.directives import AlignStorage, BoundStorage, FoldStorage
from autosearch.schedule.forms import FuncForm, StageForm
from autosearch.schedule.loop_arrays import LoopArrays, Numbers
from autosearch.schedule.plans import Plan, absent

Mask = np.ndarray[Any, np.dtype[np.bool_]]
Some = Numbers | slice
"""Some of all nests: their numbers, or `EVERY`."""
EVERY = slice(None)
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
    """One Func in all nests, or in those that have it in one form: a row a schedule."""

    form: FuncForm
    """Of several, any."""
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

    @property
    def func(self) -> Func:
        return self.form.func

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

    form: StageForm
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
    where: Mask | None = None
    """The nests that have it; None for all. The other rows say nothing."""

    def among(self, own: Numbers, count: int, nowhere: int) -> StageRows:
        """The stage in `count` nests of which `own` have it as it is here; `nowhere` is the code of positions elsewhere."""
        where = np.zeros(count, dtype=bool)
        where[own] = True
        env = {name: (_among(low, own, count, 0.0), _among(high, own, count, 0.0)) for name, (low, high) in self.env.items()}
        kinds, sizes = _among(self.kinds, own, count, 0), _among(self.sizes, own, count, 1.0)
        loop_row = None if self.loop_row is None else _among(self.loop_row, own, count, 0)
        return StageRows(
            self.form, env, kinds, sizes, _among(self.codes, own, count, nowhere), self.loops, loop_row, where
        )


def united(parts: Sequence[tuple[FuncRows, Some]], count: int) -> FuncRows:
    """A Func in `count` nests of its rows in those that have it in each of its forms; elsewhere it is as if inlined."""
    first, own = parts[0]
    if isinstance(own, slice):
        return first
    plans = [absent(first.func)]
    plan, level, store = (np.zeros(count, dtype=np.int64) for _ in range(3))
    inline = np.ones(count, dtype=bool)
    levels = max((low.shape[1] for rows, _ in parts for low, _ in rows.required), default=1)
    required = [(np.zeros((count, levels)), np.zeros((count, levels))) for _ in first.required]
    overhang = [np.zeros(count) for _ in first.overhang]
    for rows, own in parts:
        plan[own] = rows.plan + len(plans)
        plans += rows.plans
        inline[own], level[own], store[own] = rows.inline, rows.level, rows.store
        for sides, ends in zip(required, rows.required, strict=True):
            for side, end in zip(sides, ends, strict=True):
                known = end.shape[1]
                side[own, :known] = end
                side[own, known:] = end[:, -1:]
        for beyond, end in zip(overhang, rows.overhang, strict=True):
            beyond[own] = end
    return FuncRows(first.form, plans, plan, inline, level, store, required, overhang)


def _among(rows: np.ndarray[Any, Any], own: Numbers, count: int, other: float) -> np.ndarray[Any, Any]:
    """Rows of some of `count` nests; `other` elsewhere."""
    found = np.full((count, *rows.shape[1:]), other, dtype=rows.dtype)
    found[own] = rows
    return found


def _resized(directive: AlignStorage | BoundStorage | FoldStorage, extents: Array) -> Array:
    """What is allocated for one dimension, see `autosearch.schedule.layout.resized`."""
    if isinstance(directive, AlignStorage):
        return np.asarray(np.ceil(extents / directive.alignment) * directive.alignment)
    if isinstance(directive, FoldStorage):
        return np.minimum(extents, directive.factor)
    return np.full_like(extents, directive.extent)
