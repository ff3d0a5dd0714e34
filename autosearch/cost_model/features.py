"""Features of a schedule: for every stage that is computed somewhere, what it does there, in a fixed vector.

All come from our own loop-nest model, none from compiling. In the spirit of Adams et al. 2019 (Learning to Optimize
Halide with Tree Search and Random Programs), with our own definitions: each is one documented entry of `FEATURES`.
Magnitudes are given as log2(1 + value), so that ratios become differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from autosearch.machine import Machine
from autosearch.pipeline.access import Edge, Slope
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.ir import StageKey, Type
from autosearch.pipeline.operations import operations
from autosearch.schedule.layout import contiguous_run
from autosearch.schedule.loops import PARALLEL, SERIAL, UNROLLED, VECTORIZED
from autosearch.schedule.nest import LoopNest, Position, StageNest


@dataclass(frozen=True)
class Feature:
    """One entry of the vector."""

    name: str
    unit: str
    meaning: str
    value: Callable[[StageView], float]


def _log(value: float) -> float:
    return math.log2(1.0 + max(0.0, value))


class StageView:
    """Everything about one stage in its nest that features are made of, computed once."""

    def __init__(self, nest: LoopNest, key: StageKey, machine: Machine) -> None:
        self.nest = nest
        self.key = key
        self.machine = machine
        self.own: StageNest = nest.stages[key]
        self.func = nest.algorithm.func(key.func)
        self.placement = nest.placements[key.func]
        self.around = nest.loops_around(self.placement.compute)
        kinds, sizes = self.own.loops.kinds, self.own.loop_extents
        self.productions = math.prod(level.extent for level in self.around)
        self.share = nest.sliding_share(key.func)
        self.points = self.own.points
        self.total = self.points * self.productions * self.share
        region = extents(nest.regions.funcs[key.func])
        env = nest.flow.environment(self.own.stage, nest.regions.funcs[key.func])
        self.minimum = math.prod(int(env[v][1] - env[v][0]) + 1 for v in self.own.stage.loop_vars)
        self.region_points = math.prod(region)
        self.vector = math.prod(s for k, s in zip(kinds, sizes, strict=True) if k == VECTORIZED)
        self.unrolled = math.prod(s for k, s in zip(kinds, sizes, strict=True) if k == UNROLLED)
        self.serial = [s for k, s in zip(kinds, sizes, strict=True) if k in (SERIAL, PARALLEL)]
        own_tasks = math.prod(s for k, s in zip(kinds, sizes, strict=True) if k == PARALLEL)
        self.outer_tasks = math.prod(level.extent for level in self.around if level.kind == PARALLEL)
        self.tasks = own_tasks * self.outer_tasks
        self.own_tasks = own_tasks
        self.element_bytes = sum(kind.bytes for kind in self.func.types)
        self.lanes = max(1, machine.vector_bytes // max(t.bytes for t in self.func.types))
        self.vector_variable = self._vector_variable()
        self.work = self._work(self.own.stage.key, set())
        self.loads = dict.fromkeys(("dense", "broadcast", "strided", "gathered"), 0.0)
        """Loads of one evaluation, by how they go with the vector; none where there is no vector."""
        self.reads = list(self._reads())
        self.stored_bytes = math.prod(extents(nest.stored_box(key.func))) * self.element_bytes
        self.produced_bytes = math.prod(extents(nest.boxes[key.func])) * self.element_bytes

    def _vector_variable(self) -> str | None:
        loops = self.own.loops
        for loop, kind in zip(loops.order, loops.kinds, strict=True):
            if kind == VECTORIZED:
                return loops.variables[loops.variable_of(loop)]
        return None

    # Work ----------------------------------------------------------------------------------------------------------

    def _work(self, key: StageKey, seen: set[str]) -> dict[str, float]:
        """Operations by kind of one evaluation, with those of inlined callees for each of their calls."""
        totals: dict[str, float] = dict(operations(self.nest.algorithm.stage(key)))
        for edge in self.nest.flow.edges[key]:
            inlined = not edge.is_input and edge.producer != key.func and self.nest.placements[edge.producer].inline
            if not inlined or edge.producer in seen:
                continue
            inner = self._work(StageKey(edge.producer), seen)
            for kind, count in inner.items():
                totals[kind] = totals.get(kind, 0.0) + count * edge.loads
            totals["load"] = totals.get("load", 0.0) - edge.loads
        return totals

    @property
    def operations(self) -> float:
        """Operations of one evaluation, loads included, index arithmetic left out."""
        return sum(self.work.values()) - self.work.get("index", 0.0)

    def count(self, *kinds: str) -> float:
        """Operations of the given kinds in one evaluation."""
        return sum(self.work.get(kind, 0.0) for kind in kinds)

    # Memory --------------------------------------------------------------------------------------------------------

    def _reads(self) -> Iterator[Read]:
        """The Funcs in memory and inputs that the stage reads, directly or through inlined Funcs.

        Adds up, on the way, how the loads go with the vector: by the slope of each index along the vector's variable.
        """
        along: dict[str, float | None] = {} if self.vector_variable is None else {self.vector_variable: 1.0}
        pending: list[tuple[StageKey, float, dict[str, float | None]]] = [(self.key, 1.0, along)]
        merged: dict[tuple[str, bool], Read] = {}
        while pending:
            key, times, along = pending.pop()
            for edge in self.nest.flow.edges[key]:
                if not edge.is_input and edge.producer == self.key.func and key != self.key:
                    continue
                inlined = not edge.is_input and self.nest.placements[edge.producer].inline
                for slopes, count in edge.slopes:
                    moves = [_combine(slope, along) for slope in slopes]
                    if inlined:
                        args = self.nest.algorithm.func(edge.producer).args
                        pending.append((StageKey(edge.producer), times * count, dict(zip(args, moves, strict=True))))
                    elif self.vector_variable is not None:
                        layout = range(len(moves)) if edge.is_input else self.nest.layouts[edge.producer]
                        self.loads[_access_kind([moves[dimension] for dimension in layout])] += times * count
                if not inlined:
                    name = (edge.producer, edge.is_input)
                    if name not in merged:
                        merged[name] = Read(edge.producer, edge.is_input, self._bytes(edge), *self._memory(edge), {})
                    merged[name].edges[key] = edge
        yield from merged.values()

    def _bytes(self, edge: Edge) -> int:
        kinds: tuple[Type, ...]
        if edge.is_input:
            buffers = {one.name: one.type for one in self.nest.algorithm.inputs}
            buffers.update((image.name, image.type) for image in self.nest.algorithm.images)
            kinds = (buffers[edge.producer],)
        else:
            kinds = self.nest.algorithm.func(edge.producer).types
        return sum(kind.bytes for kind in kinds) or 4

    def _memory(self, edge: Edge) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """The extents of what is stored of a producer, and how its dimensions lie."""
        if edge.is_input:
            box = self.nest.regions.inputs[edge.producer]
            return tuple(high - low + 1.0 for low, high in box), tuple(range(len(box)))
        box = self.nest.stored_box(edge.producer)
        return tuple(high - low + 1.0 for low, high in box), self.nest.layouts[edge.producer]

    def footprint(self, position: Position | None) -> tuple[float, float]:
        """Bytes, and lines along the innermost dimension, that the stage reads in one iteration at `position`."""
        total = lines = 0.0
        for read in self.reads:
            size, sides = self._region(read, position)
            total += size * read.element_bytes
            lines += size / sides[read.layout[0]] if sides else size
        return total, lines

    def pieces(self, position: Position | None) -> float:
        """Pieces of memory, each without a gap, that the stage reads in one iteration at `position`."""
        total = 0.0
        for read in self.reads:
            size, sides = self._region(read, position)
            total += size / contiguous_run(sides, read.stored, read.layout) if sides else size
        return total

    def _region(self, read: Read, position: Position | None) -> tuple[float, list[float]]:
        """Elements read, and the extents of the box that they make."""
        size, box = 0.0, list[float]()
        for key, edge in read.edges.items():
            env = self.nest.environment(key, position)
            if env is None:
                continue
            sides = [high - low + 1 for low, high in edge.box(env)]
            known = [side if math.isfinite(side) else 1024.0 for side in sides]
            volume = math.prod(known)
            if volume > size:
                size, box = volume, known
        return size, box

    def body(self, outwards: int = 0) -> Position | None:
        """Inside the innermost serial loop: what is done between two iterations; `outwards` counts loops further out."""
        depth = 0
        for place, kind in enumerate(self.own.loops.kinds, start=1):
            if kind in (SERIAL, PARALLEL):
                depth = place
        depth -= outwards
        return Position(self.key, depth) if depth > 0 else self.placement.compute

    def task(self) -> Position | None:
        """Inside the innermost parallel loop around the stage."""
        for position in reversed(self.nest.path(self.key)):
            if self.nest.level(position).kind == PARALLEL:
                return position
        return None

    @property
    def body_vectors(self) -> float:
        """Native vectors that one run of the innermost serial body writes, or accumulates in registers."""
        return self.vector * self.unrolled / self.lanes

    def accumulated(self) -> int:
        """Runs of the body in a row that accumulate in the same registers: the innermost serial loops that reduce."""
        loops, count = self.own.loops, 1
        for loop, kind, size in reversed(list(zip(loops.order, loops.kinds, self.own.loop_extents, strict=True))):
            if kind in (VECTORIZED, UNROLLED):
                continue
            if kind != SERIAL or not self.own.stage.is_rvar(loops.variables[loops.variable_of(loop)]):
                break
            count *= size
        return count

    def intensity(self) -> float:
        """Operations of the body for each byte that it reads: how far registers spare the first cache."""
        return self.operations * self.vector * self.unrolled / (self.footprint(self.body())[0] + 1.0)

    def working_set(self, position: Position | None) -> float:
        """Bytes read and written in one iteration at `position`."""
        return self.footprint(position)[0] + self._written(position)

    def _written(self, position: Position | None) -> float:
        env = self.nest.environment(self.key, position)
        if env is None:
            return 0.0
        return (
            math.prod(float(env[name][1] - env[name][0] + 1) for name in self.own.stage.pure_vars) * self.element_bytes
        )

    def guarded(self) -> float:
        """1 where a tail is left to an if inside the loop."""
        loops, sizes = self.own.loops, self.own.extents
        return float(
            any(
                not d.fuse and d.tail.value in ("GuardWithIf", "Predicate") and sizes[d.old] % d.factor
                for d in loops.derivations
            )
        )


@dataclass
class Read:
    """What a stage reads of one producer or input, and by which edges: its own, or those of inlined Funcs."""

    name: str
    is_input: bool
    element_bytes: int
    stored: tuple[float, ...]
    """The extents of what is stored of it."""
    layout: tuple[int, ...]
    """Its dimensions as they lie in memory, innermost first."""
    edges: dict[StageKey, Edge]


def _combine(slope: Slope, along: Mapping[str, float | None]) -> float | None:
    """How far an index moves where its variables move as `along` says; None where that can't be told."""
    total = 0.0
    for variable, coefficient in slope:
        moved = along.get(variable, 0.0)
        if moved == 0.0:
            continue
        if moved is None or coefficient is None:
            return None
        total += coefficient * moved
    return total


def _access_kind(moves: Sequence[float | None]) -> str:
    """What a load is whose index moves so, along each dimension from the innermost in memory outwards, from one lane of
    the vector to the next."""
    if None in moves:
        return "gathered"
    if not any(moves):
        return "broadcast"
    return "dense" if abs(moves[0] or 0.0) == 1.0 and not any(moves[1:]) else "strided"


def _balance(view: StageView) -> float:
    cores = view.machine.cores
    return view.tasks / (math.ceil(view.tasks / cores) * cores)


def _fits(view: StageView, level: int, size: float) -> float:
    return math.log2((size + 64.0) / view.machine.cache_bytes[level])


def _covered(view: StageView) -> float:
    loops, sizes = view.own.loops, view.own.extents
    covered = loops.covered(sizes)
    return math.prod(c / max(1, s) for c, s in zip(covered, sizes[: len(covered)], strict=True))


def _producer_bytes(view: StageView) -> float:
    """Bytes of the largest storage read."""
    sizes = [
        math.prod(extents(view.nest.stored_box(read.name))) * read.element_bytes
        for read in view.reads
        if not read.is_input
    ]
    return max(sizes, default=0.0)


FEATURES: tuple[Feature, ...] = (
    Feature("productions", "log2 count", "how often the Func is produced", lambda v: _log(v.productions)),
    Feature("points", "log2 count", "evaluations each time it is produced", lambda v: _log(v.points)),
    Feature("total_points", "log2 count", "evaluations in one run", lambda v: _log(v.total)),
    Feature("minimum_points", "log2 count", "evaluations if nothing were computed twice", lambda v: _log(v.minimum)),
    Feature("recompute", "log2 ratio", "evaluations over the minimum", lambda v: math.log2(v.total / v.minimum)),
    Feature("sliding", "ratio", "part of each production that is not re-used from the last", lambda v: v.share),
    Feature("stage", "index", "0 for the pure definition, k for the k-th update", lambda v: float(v.key.index)),
    Feature("dimensions", "count", "dimensions of the Func", lambda v: float(len(v.func.args))),
    Feature("reductions", "log2 count", "reduction loop iterations for each point",
            lambda v: _log(v.minimum / max(1, v.region_points))),
    Feature("adds", "count", "additions, subtractions, minima and maxima of an evaluation",
            lambda v: _log(v.count("add", "sub", "min", "max"))),
    Feature("adds_f", "count", "the same on floats", lambda v: _log(v.count("add_f", "sub_f", "min_f", "max_f"))),
    Feature("muls", "count", "integer multiplications", lambda v: _log(v.count("mul"))),
    Feature("muls_f", "count", "float multiplications", lambda v: _log(v.count("mul_f"))),
    Feature("divs", "count", "integer divisions and remainders", lambda v: _log(v.count("div", "mod"))),
    Feature("divs_f", "count", "float divisions", lambda v: _log(v.count("div_f", "mod_f"))),
    Feature("calls", "count", "calls of intrinsics and extern functions", lambda v: _log(v.count("call", "call_f"))),
    Feature("logic", "count", "comparisons, boolean operations and selections",
            lambda v: _log(sum(c for k, c in v.work.items()
                               if k.removesuffix("_f") in ("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "select")))),
    Feature("casts", "count", "conversions", lambda v: _log(v.count("cast", "cast_f", "reinterpret", "reinterpret_f"))),
    Feature("index", "count", "integer operations on indices", lambda v: _log(v.count("index"))),
    Feature("loads", "count", "loads of an evaluation", lambda v: _log(v.count("load"))),
    Feature("total_work", "log2 count", "operations of one run, loads included",
            lambda v: _log(v.operations * v.total)),
    Feature("vector_work", "log2 count", "operations of one run over the lanes that do them together",
            lambda v: _log(v.operations * v.total / max(1, min(v.vector, v.lanes)))),
    Feature("core_work", "log2 count", "vector_work over the cores that the tasks keep busy",
            lambda v: _log(v.operations * v.total / max(1, min(v.vector, v.lanes))
                           / max(1.0, min(v.tasks, v.machine.cores)))),
    Feature("vector", "log2 lanes", "iterations of vectorized loops", lambda v: math.log2(v.vector)),
    Feature("native_vectors", "log2 ratio", "vector size over the native one", lambda v: math.log2(v.vector / v.lanes)),
    Feature("unrolled", "log2 count", "iterations of unrolled loops", lambda v: math.log2(v.unrolled)),
    Feature("innermost", "log2 count", "iterations of the innermost serial loop",
            lambda v: math.log2(v.serial[-1] if v.serial else 1)),
    Feature("serial", "log2 count", "iterations of all own serial and parallel loops",
            lambda v: math.log2(math.prod(v.serial))),
    Feature("loops", "count", "own loops", lambda v: float(len(v.own.loops.order))),
    Feature("covered", "ratio", "computed over needed, since tails round up", _covered),
    Feature("guarded", "flag", "a tail is left to an if inside the loops", lambda v: v.guarded()),
    Feature("tasks", "log2 count", "parallel tasks that the stage is part of", lambda v: math.log2(v.tasks)),
    Feature("own_tasks", "log2 count", "parallel tasks that its own loops make", lambda v: math.log2(v.own_tasks)),
    Feature("launches", "log2 count", "how often its own parallel loops are started",
            lambda v: _log(v.productions if v.own_tasks > 1 else 0)),
    Feature("balance", "ratio", "part of the cores' time that the tasks fill", _balance),
    Feature("depth", "count", "loops around where it is computed", lambda v: float(len(v.around))),
    Feature("element", "bytes", "bytes of an element", lambda v: float(v.element_bytes)),
    Feature("stored", "log2 bytes", "storage that it needs", lambda v: _log(v.stored_bytes)),
    Feature("stored_l1", "log2 ratio", "storage over the first cache", lambda v: _fits(v, 0, v.stored_bytes)),
    Feature("stored_l2", "log2 ratio", "storage over the second cache", lambda v: _fits(v, 1, v.stored_bytes)),
    Feature("stored_l3", "log2 ratio", "storage over the third cache", lambda v: _fits(v, 2, v.stored_bytes)),
    Feature("allocations", "log2 count", "how often the storage is allocated",
            lambda v: _log(v.nest.realizations(v.key.func))),
    Feature("written", "log2 bytes", "bytes written in one run", lambda v: _log(v.total * v.element_bytes)),
    Feature("production_reads", "log2 bytes", "bytes read each time it is produced",
            lambda v: _log(v.footprint(v.placement.compute)[0])),
    Feature("production_lines", "log2 count", "contiguous lines read each time it is produced",
            lambda v: _log(v.footprint(v.placement.compute)[1])),
    Feature("body_reads", "log2 bytes", "bytes read by the innermost serial body", lambda v: _log(v.footprint(v.body())[0])),
    Feature("body_lines", "log2 count", "contiguous lines read by it", lambda v: _log(v.footprint(v.body())[1])),
    Feature("inner_reads", "log2 bytes", "bytes read by all iterations of the innermost serial loop",
            lambda v: _log(v.footprint(v.body(1))[0])),
    Feature("inner_pieces", "log2 count", "pieces of memory without a gap that they read", lambda v: _log(v.pieces(v.body(1)))),
    Feature("inner_set", "log2 ratio", "bytes touched by the innermost serial loop over the first cache",
            lambda v: _fits(v, 0, v.working_set(v.body(1)))),
    Feature("middle_set", "log2 ratio", "bytes touched by the two innermost serial loops over the second cache",
            lambda v: _fits(v, 1, v.working_set(v.body(2)))),
    Feature("task_reads", "log2 bytes", "bytes read by a parallel task", lambda v: _log(v.footprint(v.task())[0])),
    Feature("task_set", "log2 ratio", "bytes touched by a parallel task over the second cache",
            lambda v: _fits(v, 1, v.working_set(v.task()))),
    Feature("root_reads", "log2 bytes", "bytes read in one run, each counted once", lambda v: _log(v.footprint(None)[0])),
    Feature("read_traffic", "log2 bytes", "bytes read by all innermost bodies",
            lambda v: _log(v.footprint(v.body())[0] * v.productions * v.share * math.prod(v.serial))),
    Feature("producer", "log2 bytes", "largest storage read", lambda v: _log(_producer_bytes(v))),
    Feature("body_vectors", "log2 ratio", "native vectors that the innermost serial body writes",
            lambda v: math.log2(v.body_vectors)),
    Feature("accumulated", "log2 count", "runs of it in a row that accumulate in the same registers",
            lambda v: math.log2(v.accumulated())),
    Feature("intensity", "log2 operations per byte", "operations of it for each byte that it reads",
            lambda v: _log(v.intensity())),
    Feature("dense", "count", "loads of consecutive elements by a vector", lambda v: _log(v.loads["dense"])),
    Feature("broadcast", "count", "loads of one element for a whole vector", lambda v: _log(v.loads["broadcast"])),
    Feature("strided", "count", "loads of elements apart by a vector", lambda v: _log(v.loads["strided"])),
    Feature("gathered", "count", "loads at computed places by a vector", lambda v: _log(v.loads["gathered"])),
)  # fmt: skip

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


def featurize(nest: LoopNest, machine: Machine) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The features of every stage that is computed: an array of shape (stages, len(FEATURES))."""
    rows = [
        [feature.value(view) for feature in FEATURES] for view in (StageView(nest, key, machine) for key in nest.stages)
    ]
    return np.asarray(rows, dtype=np.float32).reshape(len(rows), len(FEATURES))
