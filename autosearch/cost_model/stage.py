"""What one stage does in its loop nest: the facts that features are made of, taken one stage at a time.

This is the plain way, which says what each fact means; `batch` finds the same for many schedules at once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from autosearch.cost_model.definition import (
    all_operations,
    chain,
    dot_products,
    patterns,
    read_bytes,
    vector_loads,
    work,
    work_facts,
)
from autosearch.cost_model.loops import (
    accumulated,
    body_depth,
    covered,
    guarded,
    innermost_pure,
    reducing,
    scalar_share,
    tails,
    vector_variable,
)
from autosearch.machine import Machine
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import extents, hull
from autosearch.pipeline.intervals import Interval
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.layout import contiguous_run
from autosearch.schedule.loops import GUARDS, PARALLEL, SERIAL, SHIFTS, UNROLLED, VECTORIZED
from autosearch.schedule.nest import LoopNest, Position, StageNest

UNKNOWN_SIDE = 1024.0
"""Taken for the extent of a region that can't be bounded."""


@dataclass(frozen=True)
class Read:
    """What a stage reads of one producer or input, directly or through inlined Funcs."""

    name: str
    is_input: bool
    element_bytes: int
    stored: tuple[float, ...]
    """The extents of what is stored of it."""
    layout: tuple[int, ...]
    """Its dimensions as they lie in memory, innermost first."""


class StageView:
    """One stage of a loop nest, looked at from all sides."""

    def __init__(self, nest: LoopNest, key: StageKey, machine: Machine) -> None:
        self.nest = nest
        self.key = key
        self.machine = machine
        self.own: StageNest = nest.stages[key]
        self.func = nest.algorithm.func(key.func)
        self.placement = nest.placements[key.func]
        self.around = nest.loops_around(self.placement.compute)
        self.productions = math.prod(level.extent for level in self.around)
        self.share = nest.sliding_share(key.func)
        self.total = self.own.points * self.productions * self.share
        """Evaluations in one run."""
        self.vector = self.iterations(VECTORIZED)
        self.unrolled = self.iterations(UNROLLED)
        self.serial = [size for kind, size in self.loops if kind in (SERIAL, PARALLEL)]
        self.own_tasks = self.iterations(PARALLEL)
        self.outer_tasks = math.prod(level.extent for level in self.around if level.kind == PARALLEL)
        self.tasks = self.own_tasks * self.outer_tasks
        """Parallel tasks that the stage is part of."""
        self.element_bytes = sum(kind.bytes for kind in self.func.types)
        self.lanes = max(1, machine.vector_bytes // max(t.bytes for t in self.func.types))
        self.stored_bytes = math.prod(extents(nest.stored_box(key.func))) * self.element_bytes
        self._environments: dict[Position | None, Mapping[str, Interval] | None] = {}
        self._regions: dict[Position | None, dict[tuple[str, bool], Box]] = {}

    @property
    def loops(self) -> list[tuple[str, int]]:
        """Kind and extent of its own loops, outermost first."""
        return list(zip(self.own.loops.kinds, self.own.loop_extents, strict=True))

    def iterations(self, kind: str) -> int:
        """Of its own loops of one kind, together."""
        return math.prod(size for own, size in self.loops if own == kind)

    # Work ----------------------------------------------------------------------------------------------------------

    def is_inlined(self, name: str) -> bool:
        return self.nest.placements[name].inline

    @cached_property
    def work(self) -> dict[str, float]:
        """Operations by kind of one evaluation, with those of inlined callees for each of their calls."""
        return work(self.nest.flow, self.key, self.is_inlined)

    @property
    def operations(self) -> float:
        """Operations of one evaluation, loads included, index arithmetic left out."""
        return all_operations(self.work)

    def count(self, *kinds: str) -> float:
        """Operations of the given kinds in one evaluation."""
        return sum(self.work.get(kind, 0.0) for kind in kinds)

    # What it reads -------------------------------------------------------------------------------------------------

    @cached_property
    def chain(self) -> tuple[StageKey, ...]:
        """The stage itself and the inlined Funcs that it is made of, consumers first."""
        return chain(self.nest.flow, self.key, self.is_inlined)

    def environment(self, position: Position | None) -> Mapping[str, Interval] | None:
        """The ranges that its variables run over within one iteration at `position`; None if it isn't run there."""
        if position not in self._environments:
            self._environments[position] = self.nest.environment(self.key, position)
        return self._environments[position]

    def regions(self, position: Position | None) -> dict[tuple[str, bool], Box]:
        """The region of each producer in memory and input (`True`) that one iteration at `position` reads."""
        if position not in self._regions:
            self._regions[position] = self._regions_at(position)
        return self._regions[position]

    def _regions_at(self, position: Position | None) -> dict[tuple[str, bool], Box]:
        nest, env = self.nest, self.environment(position)
        if env is None:
            return {}
        found: dict[tuple[str, bool], Box] = {}
        for key in self.chain:
            if key != self.key:
                box = _bounded(found.pop((key.func, False)), nest.regions.funcs[key.func])
                env = nest.flow.environment(nest.algorithm.stage(key), box)
            for edge in nest.flow.edges[key]:
                if not edge.is_input and edge.producer == self.key.func and key != self.key:
                    continue
                name, box = (edge.producer, edge.is_input), edge.box(env)
                found[name] = hull(found[name], box) if name in found else box
        return found

    @cached_property
    def reads(self) -> dict[tuple[str, bool], Read]:
        """What it reads in memory."""
        return {name: self._read(*name) for name in self.regions(self.placement.compute)}

    def _read(self, name: str, is_input: bool) -> Read:
        box = self.nest.regions.inputs[name] if is_input else self.nest.stored_box(name)
        layout = tuple(range(len(box))) if is_input else self.nest.layouts[name]
        stored = tuple(high - low + 1.0 for low, high in box)
        return Read(name, is_input, read_bytes(self.nest.algorithm, name, is_input), stored, layout)

    def footprint(self, position: Position | None) -> tuple[float, float, float]:
        """What one iteration at `position` reads: bytes, lines along the innermost dimension, pieces without a gap."""
        total = lines = pieces = 0.0
        for name, box in self.regions(position).items():
            read = self.reads[name]
            sides = [high - low + 1 for low, high in box]
            sides = [side if math.isfinite(side) else UNKNOWN_SIDE for side in sides]
            size = math.prod(sides)
            total += size * read.element_bytes
            lines += size / sides[read.layout[0]] if sides else size
            pieces += size / contiguous_run(sides, read.stored, read.layout) if sides else size
        return total, lines, pieces

    def written(self, position: Position | None) -> float:
        """Bytes of its own Func that one iteration at `position` writes."""
        env = self.environment(position)
        if env is None:
            return 0.0
        names = self.own.stage.pure_vars
        return math.prod(float(env[name][1] - env[name][0] + 1) for name in names) * self.element_bytes

    def accumulated(self) -> int:
        """Runs of the body in a row that accumulate in the same registers."""
        return accumulated(self.own)

    def body(self, outwards: int = 0) -> Position | None:
        """Inside the innermost serial loop: what is done between two iterations; `outwards` counts loops further out."""
        depth = body_depth(self.own.loops) - outwards
        return Position(self.key, depth) if depth > 0 else self.placement.compute

    def task(self) -> Position | None:
        """Inside the innermost parallel loop around the stage."""
        for position in reversed(self.nest.path(self.key)):
            if self.nest.level(position).kind == PARALLEL:
                return position
        return None


def facts_of(nest: LoopNest, key: StageKey, machine: Machine) -> tuple[float, ...]:
    """The facts of one stage, in the order of the fields of `Facts`."""
    view = StageView(nest, key, machine)
    own, func, element = view.own, view.func, view.element_bytes
    whole = nest.regions.funcs[key.func]
    env = nest.flow.environment(own.stage, whole)
    made, layout = extents(nest.boxes[key.func]), nest.layouts[key.func]
    stored = extents(nest.stored_box(key.func))
    loops, places = own.loops, {"body": view.body(), "inner": view.body(1), "middle": view.body(2)}
    places |= {"production": view.placement.compute, "realization": view.placement.store, "task": view.task()}
    places["root"] = None
    read = {position: view.footprint(position) for position in dict.fromkeys(places.values())}
    bytes_read, lines, pieces = ({where: read[position][n] for where, position in places.items()} for n in range(3))
    written = {where: view.written(position) for where, position in places.items()}
    loads = vector_loads(nest.flow, view.chain, vector_variable(own.loops), nest.layouts)
    forms = patterns(own.stage, func, nest.flow.edges[key])
    return tuple(map(float, (
        key.index, len(func.args), element, view.lanes,
        len(view.around), view.productions, nest.realizations(key.func), view.outer_tasks, view.share,
        own.points, math.prod(int(env[name][1] - env[name][0]) + 1 for name in own.stage.loop_vars),
        math.prod(extents(whole)), view.vector, view.unrolled, view.own_tasks, math.prod(view.serial),
        view.serial[-1] if view.serial else 1, innermost_pure(own), len(loops.order), covered(own),
        guarded(own), scalar_share(own), accumulated(own),
        reducing(own, VECTORIZED), reducing(own, UNROLLED), tails(own, GUARDS), tails(own, SHIFTS),
        *work_facts(view.work), *forms, dot_products(own.stage, view.machine), *loads,
        view.stored_bytes, stored[layout[0]] * element if stored else element,
        math.prod(made) * element, made[layout[0]] * element if made else element, math.prod(extents(whole)) * element,
        max((math.prod(one.stored) * one.element_bytes for one in view.reads.values() if not one.is_input), default=0.0),
        *(bytes_read[where] for where in ("body", "inner", "middle", "production", "realization", "task", "root")),
        *(lines[where] for where in ("body", "production", "task", "root")), pieces["inner"],
        *(written[where] for where in ("inner", "middle", "production", "realization", "task", "root")),
    )))  # fmt: skip


def _bounded(box: Box, whole: Box) -> Box:
    return tuple(i if math.isfinite(i[0]) and math.isfinite(i[1]) else w for i, w in zip(box, whole, strict=True))
