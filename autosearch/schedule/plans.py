"""What a Func's directives say, told once: the same ones come in thousands of schedules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autosearch.errors import ScheduleError
from autosearch.pipeline.access import Edge
from autosearch.pipeline.array_intervals import ArrayEnv, Ends, compile_edge
from autosearch.pipeline.bounds import Dataflow, Regions, is_finite
from autosearch.pipeline.intervals import Interval, constant_value
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
        return (self.loops[stage].depth_of(loop) or 0) if self.loops else 0


class Planner:
    """Reads what schedules of one algorithm say of its Funcs."""

    def __init__(self, flow: Dataflow, regions: Regions, loops: KnownLoops | None = None) -> None:
        """`loops` are those that other algorithms' planners came across."""
        self._loops = loops or KnownLoops()
        self.flow = flow
        self.regions = regions
        self.algorithm = flow.algorithm
        self._numbers = {stage.key: place for place, stage in enumerate(self.algorithm.stages)}
        self._without_loops: dict[tuple[str, tuple[Directive, ...]], Plan] = {}
        self._known: dict[str, dict[Any, Plan]] = {func.name: {} for func in self.algorithm.funcs}
        self._edges: dict[tuple[StageKey, str], list[Callable[[ArrayEnv], list[Ends]]]] = {}
        self._bounded: dict[str, bool] = {}
        self._touches: dict[StageKey, list[Callable[[ArrayEnv], list[Ends]]]] = {}

    def number(self, key: StageKey) -> int:
        """The stage's place among all."""
        return self._numbers[key]

    def unknown(self, schedules: Sequence[ByStage]) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """The schedules that are for stages that the algorithm doesn't have."""
        keys = self._numbers.keys()
        return np.array([not keys >= one.keys() for one in schedules], dtype=bool)

    def plans(self, func: Func, schedules: Sequence[ByStage]) -> tuple[list[Plan], np.ndarray[Any, np.dtype[np.int64]]]:
        """The different plans that the schedules have for a Func, and for each schedule which it is."""
        known = self._known[func.name]
        if len(known) > _MOST:
            known.clear()
        keys = [stage.key for stage in func.stages]
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
                plan = known[own] = self._plan(func, (own,) if len(keys) == 1 else own)
            found.append(plan)
        return found, np.array(places, dtype=np.int64)

    def _plan(self, func: Func, own: tuple[tuple[Directive, ...], ...]) -> Plan:
        looping, others = zip(*map(apart, own), strict=True)
        placed = self._placed(func, others[0])
        made = [self._loops.of(stage, directives) for stage, directives in zip(func.stages, looping, strict=True)]
        loops = [one for one in made if one is not None]
        if len(loops) < len(made) or not all(_KNOWN.issuperset(map(type, directives)) for directives in others):
            return _left_out(func)
        return placed._replace(loops=tuple([one for one, _ in loops]), packed=tuple([one for _, one in loops]))

    def _placed(self, func: Func, directives: tuple[Directive, ...]) -> Plan:
        """What directives that make no loops say: a plan that lacks these."""
        name = (func.name, directives)
        if name not in self._without_loops:
            self._without_loops[name] = self._place(func, directives)
        return self._without_loops[name]

    def _place(self, func: Func, directives: tuple[Directive, ...]) -> Plan:
        first = {type(directive): directive for directive in directives}
        at, store = (_level(first.get(kind)) for kind in (ComputeAt, StoreAt))
        stored = store is not None or StoreRoot in first
        kind = AT if at is not None else ROOT
        if func.name in self.algorithm.outputs:
            kind, at, stored, store = ROOT, None, False, None
        elif at is None and ComputeRoot not in first:
            if not func.is_pure:
                return _left_out(func)  # computed innermost: rare, and its level depends on all its consumers
            kind, stored, store = INLINE, False, None
        try:
            layout = storage_order(func, directives)
            resizing = tuple([one for one in directives if isinstance(one, RESIZING)])
            resized(func, resizing, self.regions.funcs[func.name])
        except ScheduleError:
            return _left_out(func)
        return Plan(kind, at, stored, store, (), (), layout, resizing, tuple(stated_bounds(func, directives).items()))

    def reads(self, consumer: StageKey, producer: str) -> list[Callable[[ArrayEnv], list[Ends]]]:
        """What a stage reads of another Func, as functions of the ranges of its variables."""
        name = (consumer, producer)
        if name not in self._edges:
            self._edges[name] = [
                compile_edge(edge, self.flow.bindings)
                for edge in self.flow.edges[consumer]
                if edge.producer == producer and not edge.is_input
            ]
        return self._edges[name]

    def is_bounded(self, name: str) -> bool:
        """Whether all that is read of a Func is bounded, wherever variables are."""
        if name not in self._bounded:
            self._bounded[name] = all(
                edge_is_bounded(self.flow, self.regions, edge)
                for key in self.algorithm.consumers[name]
                for edge in self.flow.edges[key]
                if edge.producer == name and not edge.is_input
            )
        return self._bounded[name]

    def touches(self, key: StageKey) -> list[Callable[[ArrayEnv], list[Ends]]]:
        """What an update writes, and reads, of its own Func."""
        if key not in self._touches:
            edges = [self.flow.stores[key]]
            edges += [edge for edge in self.flow.edges[key] if edge.producer == key.func and not edge.is_input]
            self._touches[key] = [compile_edge(edge, self.flow.bindings) for edge in edges]
        return self._touches[key]

    def bounds(self, func: Func) -> dict[int, Interval]:
        """The dimensions on which the Func has an explicit `bound()`, with it."""
        found: dict[int, Interval] = {}
        for name, low, size in func.bounds:
            first = constant_value(low, self.flow.bindings) if low is not None else None
            count = constant_value(size, self.flow.bindings) if size is not None else None
            if first is not None and count is not None:
                found[func.args.index(name)] = (int(first), int(first + count - 1))
        return found


def _left_out(func: Func) -> Plan:
    return Plan(LEFT_OUT, None, False, None, (), (NO_LOOPS,) * len(func.stages), tuple(range(len(func.args))))


def _level(directive: Directive | None) -> tuple[str, str] | None:
    return (directive.at.func, directive.at.var) if isinstance(directive, (ComputeAt, StoreAt)) else None


def edge_is_bounded(flow: Dataflow, regions: Regions, edge: Edge) -> bool:
    """Whether what an edge reads is bounded where variables are: a smaller range of them gives no larger region."""
    stage = flow.algorithm.stage(edge.consumer)
    return is_finite(edge.box(flow.environment(stage, regions.funcs[stage.func])))
