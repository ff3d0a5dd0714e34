"""What a Func's directives say, told once: the same ones come in thousands of schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import (
    AlignBounds,
    AlignStorage,
    Bound,
    BoundStorage,
    ComputeAt,
    ComputeRoot,
    Directive,
    FoldStorage,
    HoistStorage,
    HoistStorageRoot,
    Partition,
    Prefetch,
    ReorderStorage,
    StoreAt,
    StoreIn,
    StoreRoot,
)
from autosearch.schedule.forms import FuncForm
from autosearch.schedule.known_loops import KnownLoops, apart
from autosearch.schedule.layout import RESIZING, resized, storage_order
from autosearch.schedule.loop_arrays import NO_LOOPS, Packed
from autosearch.schedule.loops import StageLoops
from autosearch.schedule.stated import Statement, stated_bounds

LEFT_OUT, INLINE, ROOT, AT = range(4)
_KNOWN = frozenset((
    AlignBounds, Bound, ComputeAt, ComputeRoot, HoistStorage, HoistStorageRoot, Partition, Prefetch, ReorderStorage,
    StoreAt, StoreIn, StoreRoot, *RESIZING,
))  # fmt: skip
"""Directives beside `LOOPING` of which `Nests` knows all that `LoopNest` does."""
_MOST = 20_000
"""Plans of a Func that are remembered."""
ByStage = Mapping[StageKey, tuple[Directive, ...]]


class Plan(NamedTuple):
    """What the directives of one Func say."""

    kind: int
    """How it is placed: `INLINE`, `ROOT`, `AT`; or `LEFT_OUT` where it has directives that aren't known here."""
    at: tuple[str, str] | None
    """The Func and the loop that it is computed in."""
    stored: bool
    """Whether it is stored elsewhere than computed: at `store`, a Func and a loop, or root where that is None."""
    store: tuple[str, str] | None
    loops: tuple[StageLoops, ...]
    """Of each stage."""
    packed: tuple[Packed, ...]
    layout: tuple[int, ...]
    """See `storage_order`."""
    resizing: tuple[AlignStorage | BoundStorage | FoldStorage, ...] = ()
    """The directives that say how much is allocated, see `resized`."""
    bounds: tuple[tuple[int, tuple[Statement, ...]], ...] = ()
    """The dimensions on which it states what is computed, see `stated_bounds`."""

    def depth_of(self, stage: int, loop: str) -> int:
        """How many loops of a stage one is inside of when inside `loop`; 0 where it has no such loop."""
        return (self.loops[stage].depth_of(loop) or 0) if stage < len(self.loops) else 0


class Planner:
    """Reads what schedules of one pipeline say of its Funcs."""

    def __init__(self) -> None:
        self._loops = KnownLoops()
        self._without_loops: dict[tuple[FuncForm, tuple[Directive, ...]], Plan] = {}
        self._known: dict[FuncForm, dict[Any, Plan]] = {}

    def plans(
        self, form: FuncForm, schedules: Sequence[ByStage]
    ) -> tuple[list[Plan], np.ndarray[Any, np.dtype[np.int64]]]:
        """The different plans that the schedules have for a Func, and for each schedule which it is."""
        known = self._known.setdefault(form, {})
        if len(known) > _MOST:
            known.clear()
        keys = [stage.key for stage in form.stages]
        given: list[Any]
        if len(keys) == 1:
            key = keys[0]
            given = [one.get(key, ()) for one in schedules]
        else:
            given = [tuple([one.get(key, ()) for key in keys]) for one in schedules]
        numbers: dict[Any, int] = {}
        places = [numbers.setdefault(own, len(numbers)) for own in given]
        found = []
        for own in numbers:
            plan = known.get(own)
            if plan is None:
                plan = known[own] = self._plan(form, (own,) if len(keys) == 1 else own)
            found.append(plan)
        return found, np.array(places, dtype=np.int64)

    def _plan(self, form: FuncForm, own: tuple[tuple[Directive, ...], ...]) -> Plan:
        looping, others = zip(*map(apart, own), strict=True)
        placed = self._placed(form, others[0])
        made = [self._loops.of(stage, directives) for stage, directives in zip(form.func.stages, looping, strict=True)]
        loops = [one for one in made if one is not None]
        if len(loops) < len(made) or not all(_KNOWN.issuperset(map(type, directives)) for directives in others):
            return _left_out(form.func)
        return placed._replace(loops=tuple([one for one, _ in loops]), packed=tuple([one for _, one in loops]))

    def _placed(self, form: FuncForm, directives: tuple[Directive, ...]) -> Plan:
        """What directives that make no loops say: a plan that lacks these."""
        name = (form, directives)
        if name not in self._without_loops:
            self._without_loops[name] = _place(form, directives)
        return self._without_loops[name]


def _place(form: FuncForm, directives: tuple[Directive, ...]) -> Plan:
    func = form.func
    first = {type(directive): directive for directive in directives}
    at, store = (_level(first.get(kind)) for kind in (ComputeAt, StoreAt))
    stored = store is not None or StoreRoot in first
    kind = AT if at is not None else ROOT
    if form.is_output:
        kind, at, stored, store = ROOT, None, False, None
    elif at is None and ComputeRoot not in first:
        if not func.is_pure:
            return _left_out(func)  # computed innermost: rare, and its level depends on all its consumers
        kind, stored, store = INLINE, False, None
    try:
        layout = storage_order(func, directives)
        resizing = tuple([one for one in directives if isinstance(one, RESIZING)])
        resized(func, resizing, form.whole)
    except ScheduleError:
        return _left_out(func)
    return Plan(kind, at, stored, store, (), (), layout, resizing, tuple(stated_bounds(func, directives).items()))


def absent(func: Func) -> Plan:
    """The plan where there is no such Func: as if it were inlined into nothing."""
    return _left_out(func)._replace(kind=INLINE)


def _left_out(func: Func) -> Plan:
    return Plan(LEFT_OUT, None, False, None, (), (NO_LOOPS,) * len(func.stages), tuple(range(len(func.args))))


def _level(directive: Directive | None) -> tuple[str, str] | None:
    return (directive.at.func, directive.at.var) if isinstance(directive, (ComputeAt, StoreAt)) else None
