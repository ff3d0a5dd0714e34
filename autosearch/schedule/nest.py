"""The loop nest that a schedule makes of a pipeline: what is computed where, how often, and how much of it.

One tree that knows, for every Func, where it is computed and stored and which region each iteration there needs. It
is built consumers first, one Func at a time, so that a search can ask it what is legal next. Regions are boxes at the
sizes tuned for, for the middle iteration of the loops around (see `autosearch.pipeline.bounds`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from autosearch.errors import ScheduleError
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import Dataflow, Regions, hull, is_finite
from autosearch.pipeline.intervals import Interval
from autosearch.pipeline.ir import Algorithm, Func, Stage, StageKey
from autosearch.schedule.directives import ComputeAt, ComputeRoot, ComputeWith, Directive, StoreAt, StoreRoot
from autosearch.schedule.layout import RESIZING, resized, storage_order
from autosearch.schedule.loops import SERIAL, StageLoops, stage_loops
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.stated import Statement, as_stated, stated_bounds


class Position(NamedTuple):
    """Inside the `depth` outermost loops of `stage` (depth >= 1). None stands for the root level, outside all loops."""

    stage: StageKey
    depth: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a Func is computed and stored; `inline` ones are computed wherever they are used."""

    inline: bool = False
    compute: Position | None = None
    store: Position | None = None


INLINE = Placement(inline=True)
ROOT = Placement()


class LoopLevel(NamedTuple):
    """One loop around some computation."""

    position: Position
    name: str
    kind: str
    extent: int


@dataclass(frozen=True)
class StageNest:
    """One stage in the nest: its loops, their extents, and the region it computes each time its Func is produced."""

    stage: Stage
    loops: StageLoops
    extents: tuple[int, ...]
    """Of every loop of `loops`, by number."""
    origin: tuple[float, ...]
    """The first coordinate of each variable."""

    @cached_property
    def loop_extents(self) -> tuple[int, ...]:
        """Extents of the loops, outermost first."""
        return tuple(self.extents[loop] for loop in self.loops.order)

    @cached_property
    def points(self) -> int:
        """Evaluations of the stage each time it is run: the product of its loops."""
        return math.prod(self.loop_extents)

    @cached_property
    def _environments(self) -> dict[int, Mapping[str, Interval]]:
        return {}

    def environment(self, depth: int) -> Mapping[str, Interval]:
        """The range of each variable during one iteration of the `depth` outermost loops."""
        known = self._environments.get(depth)
        if known is None:
            window = self.loops.window(depth, self.extents)
            known = self._environments[depth] = {
                name: (low + offset, low + offset + length - 1)
                for name, low, (offset, length) in zip(self.loops.variables, self.origin, window, strict=True)
            }
        return known


class LoopNest:
    """The nest of a (partly) scheduled pipeline. Add Funcs consumers first with `place`; read the rest as attributes."""

    def __init__(self, flow: Dataflow, regions: Regions) -> None:
        self.flow = flow
        self.regions = regions
        self.algorithm = flow.algorithm
        self.placements: dict[str, Placement] = {}
        self.stages: dict[StageKey, StageNest] = {}
        self.layouts: dict[str, tuple[int, ...]] = {}
        """How the dimensions of each Func that isn't inlined lie in memory, see `storage_order`."""
        self.boxes: dict[str, Box] = {}
        """What is computed of each Func that isn't inlined, each time it is produced."""
        self.joined: dict[StageKey, Position] = {}
        """For a stage that shares loops of another (`compute_with`): inside which of that one's both are computed."""
        self._resized: dict[str, Sequence[Directive]] = {}
        self.stated: dict[str, dict[int, tuple[Statement, ...]]] = {}
        """By dimension what directives say is computed of a Func, see `stated_bounds`."""
        self._around: dict[str, tuple[Position, ...]] = {}
        self._sliding: dict[str, frozenset[Placement]] = {}
        self._paths: dict[StageKey, tuple[Position, ...]] = {}
        self._levels: dict[Position, LoopLevel] = {}
        self._iterations: dict[Position, int] = {}
        self._required: dict[tuple[str, Position | None], Box | None] = {}

    # Building ------------------------------------------------------------------------------------------------------

    def bound(self, func: Func, directives: Iterable[Directive]) -> None:
        """Take note of the dimensions of `func`, which isn't added yet, on which directives state what is computed."""
        bounds = stated_bounds(func, directives)
        if bounds != self.stated.get(func.name, {}):
            self.stated[func.name] = bounds
            self._required = {key: box for key, box in self._required.items() if key[0] != func.name}

    def place(self, func: Func, placement: Placement, directives: Sequence[Sequence[Directive]] = ()) -> None:
        """Add `func`, with the directives of each of its stages. All its consumers must have been added."""
        self.placements[func.name] = placement
        if placement.inline:
            return
        self.layouts[func.name] = storage_order(func, directives[0] if directives else ())
        if directives and any(isinstance(one, RESIZING) for one in directives[0]):
            self._resized[func.name] = directives[0]
        self.bound(func, directives[0] if directives else ())
        around = self.around(placement.compute)
        self._around[func.name] = around
        box = self.required(func.name, placement.compute)
        if box is None:
            box = self.regions.funcs[func.name]
        computed = box
        for stage in func.stages:
            own = directives[stage.index] if stage.index < len(directives) else ()
            nest = self._stage_nest(stage, stage_loops(stage, own), func, box)
            self.stages[stage.key] = nest
            self._add_levels(stage.key, nest, around)
            computed = hull(computed, self._computed(nest, func, box))
        self.boxes[func.name] = computed

    def _add_levels(self, key: StageKey, nest: StageNest, around: tuple[Position, ...]) -> None:
        own = tuple(Position(key, depth) for depth in range(1, len(nest.loops.order) + 1))
        self._paths[key] = around + own
        if nest.loops.joins is not None:
            self._join(key, nest, around)
        for position, name, kind, extent in zip(own, nest.loops.loop_names, nest.loops.kinds, nest.loop_extents):
            self._levels[position] = LoopLevel(position, name, kind, extent)

    def _join(self, key: StageKey, nest: StageNest, around: tuple[Position, ...]) -> None:
        """Let the outermost loops of a stage be those of another. Raises `ScheduleError` where they don't match."""
        joins = nest.loops.joins
        assert joins is not None
        other = StageKey(joins.at.func, joins.stage)
        whose = self.stages.get(other) if other != key else None
        depth = whose.loops.depth_of(joins.at.var) if whose is not None else None
        if whose is None or depth is None or self._around[other.func] != around:
            raise ScheduleError(
                f"{key} can't be computed with {other} at {joins.at.var}, which is elsewhere or no loop"
            )
        mine, theirs = ((one.loops.loop_names[:depth], one.loops.kinds[:depth]) for one in (nest, whose))
        if mine != theirs:
            raise ScheduleError(f"{key} can't be computed with {other}: their loops down to {joins.at.var} don't match")
        shared = self._paths[other][: len(around) + depth]
        self.joined[key] = shared[-1]
        self._paths[key] = shared + self._paths[key][len(shared) :]

    def _stage_nest(self, stage: Stage, loops: StageLoops, func: Func, box: Box) -> StageNest:
        ranges = self.flow.environment(stage, box)
        lows = tuple(ranges[name][0] for name in loops.variables)
        sizes = [max(1, int(ranges[name][1] - ranges[name][0]) + 1) for name in loops.variables]
        return StageNest(stage, loops, tuple(loops.extents(sizes)), lows)

    def _computed(self, nest: StageNest, func: Func, box: Box) -> Box:
        covered = dict(zip(nest.loops.variables, nest.loops.covered(nest.extents), strict=True))
        return tuple(
            (low, max(high, low + covered[arg] - 1)) if arg in covered and not nest.stage.is_rvar(arg) else (low, high)
            for arg, (low, high) in zip(func.args, box, strict=True)
        )

    # Levels --------------------------------------------------------------------------------------------------------

    def around(self, position: Position | None) -> tuple[Position, ...]:
        """All positions that enclose code at `position`, outermost first, itself last."""
        if position is None:
            return ()
        return self._paths[position.stage][: len(self._around[position.stage.func]) + position.depth]

    def outside(self, position: Position) -> Position | None:
        """Just outside the loop at `position`; None is root."""
        if position.depth > 1:
            shared = self.joined.get(position.stage)
            if shared is not None and shared.depth == position.depth - 1:
                return shared
            return Position(position.stage, position.depth - 1)
        return self.placements[position.stage.func].compute

    def loops_around(self, position: Position | None) -> tuple[LoopLevel, ...]:
        """The loops that enclose code at `position`, outermost first."""
        return tuple(self.level(p) for p in self.around(position))

    def iterations(self, position: Position | None) -> int:
        """How often code at `position` is run: the product of the loops around."""
        if position is None:
            return 1
        if position not in self._iterations:
            self._iterations[position] = self.level(position).extent * self.iterations(self.outside(position))
        return self._iterations[position]

    def level(self, position: Position) -> LoopLevel:
        """The innermost loop at `position`."""
        return self._levels[position]

    def path(self, key: StageKey) -> tuple[Position, ...]:
        """All positions around the innermost code of a stage, outermost first."""
        return self._paths[key]

    def uses(self, name: str) -> tuple[StageKey, ...]:
        """The stages, none of an inlined Func, in which calls of Func `name` end up."""
        found: dict[StageKey, None] = {}
        for key in self.algorithm.consumers[name]:
            if self.placements[key.func].inline:
                found.update(dict.fromkeys(self.uses(key.func)))
            else:
                found[key] = None
        return tuple(found)

    def common_path(self, name: str) -> tuple[Position, ...]:
        """The positions that enclose every use of Func `name`: where it may be computed, outermost first."""
        paths = [self.path(key) for key in self.uses(name)]
        if not paths:
            return ()
        common = []
        for positions in zip(*paths, strict=False):
            if any(position != positions[0] for position in positions):
                break
            common.append(positions[0])
        return tuple(common)

    def sliding_consumers(self, name: str) -> frozenset[Placement]:
        """The placements of all Funcs that slide and are computed from this one, directly or not."""
        if name not in self._sliding:
            found: set[Placement] = set()
            for consumer in {key.func for key in self.algorithm.consumers[name]} - {name}:
                placement = self.placements[consumer]
                if placement.inline or placement.compute is not None:
                    if placement.store != placement.compute:
                        found.add(placement)
                    found |= self.sliding_consumers(consumer)
            self._sliding[name] = frozenset(found)
        return self._sliding[name]

    def is_inside(self, name: str, position: Position | None) -> bool:
        """Whether Func `name` is computed within an iteration at `position`."""
        if position is None:
            return True
        return any(p.stage == position.stage and p.depth >= position.depth for p in self._around[name])

    # Regions -------------------------------------------------------------------------------------------------------

    def required(self, name: str, position: Position | None) -> Box | None:
        """The region of Func `name` that one iteration at `position` needs; None where it uses none of it."""
        key = (name, position)
        if key not in self._required:
            self._required[key] = self._require(self.algorithm.func(name), position)
        return self._required[key]

    def _require(self, func: Func, position: Position | None) -> Box | None:
        box: Box | None = self.regions.funcs[func.name] if func.name in self.algorithm.outputs else None
        for key in self.algorithm.consumers[func.name]:
            env = self.environment(key, position)
            if env is None:
                continue
            for edge in self.flow.edges[key]:
                if edge.producer == func.name and not edge.is_input:
                    read = edge.box(env)
                    box = read if box is None else hull(box, read)
        if box is None:
            return None
        if not is_finite(box):
            whole = self.regions.funcs[func.name]
            box = tuple(i if is_finite((i,)) else w for i, w in zip(box, whole, strict=True))
        box = self.flow.bound(func, self.flow.with_updates(func, box))
        stated = self.stated.get(func.name)
        return tuple(as_stated(*side, stated.get(place, ())) for place, side in enumerate(box)) if stated else box

    def environment(self, key: StageKey, position: Position | None) -> Mapping[str, Interval] | None:
        """The ranges that the variables of stage `key` run over within one iteration at `position`; None if it isn't run."""
        func = key.func
        if self.placements[func].inline:
            box = self.required(func, position)
            return None if box is None else self.flow.environment(self.algorithm.stage(key), box)
        if position is not None and (position.stage == key or (self.joined and self._shares(key, position))):
            return self.stages[key].environment(position.depth)
        if position is not None and not self.is_inside(func, position):
            return None
        placement = self.placements[func]
        if position == placement.compute:
            box = self.boxes[func]
        else:
            needed = self.required(func, position)
            if needed is None:
                return None
            box = self._padded(func, needed)
        return self.flow.environment(self.algorithm.stage(key), box)

    def _shares(self, key: StageKey, position: Position) -> bool:
        """Whether one iteration at `position`, a loop of another stage, is one of stage `key` as well."""
        shared = self.joined.get(key)
        outside = len(self._around[key.func])
        return shared is not None and position in self._paths[key][outside : outside + shared.depth]

    def _padded(self, name: str, box: Box) -> Box:
        """`box`, that production after production makes up, with what the last one computes beyond it."""
        exact = self.required(name, self.placements[name].compute)
        if exact is None:
            return box
        return tuple(
            (low, high + (made[1] - asked[1]))
            for (low, high), made, asked in zip(box, self.boxes[name], exact, strict=True)
        )

    # Costs ---------------------------------------------------------------------------------------------------------

    def productions(self, name: str) -> int:
        """How often Func `name` is produced in one run of the pipeline."""
        return self.iterations(self.placements[name].compute)

    def realizations(self, name: str) -> int:
        """How often the storage of Func `name` is allocated in one run of the pipeline."""
        return self.iterations(self.placements[name].store)

    def stored_box(self, name: str) -> Box:
        """The region that the storage of Func `name` holds, before Halide folds it by itself."""
        placement = self.placements[name]
        box = self.boxes[name]
        if placement.store != placement.compute:
            whole = self.required(name, placement.store)
            box = box if whole is None else self._padded(name, whole)
        own = self._resized.get(name)
        return box if own is None else resized(self.algorithm.func(name), own, box)

    def sliding_share(self, name: str) -> float:
        """The part of its box that a production of a Func computes anew; less than 1 where it re-uses stored results."""
        placement = self.placements[name]
        return self.sliding_between(name, placement.compute, placement.store)

    def sliding_between(self, name: str, compute: Position | None, store: Position | None) -> float:
        """The same for a Func computed at one level and stored at another.

        Halide slides along a serial loop between the two where exactly one dimension of the box moves with it
        (src/SlidingWindow.cpp).
        """
        if store == compute or compute is None:
            return 1.0
        share = 1.0
        inner = self.required(name, compute)
        stop = 0 if store is None else len(self.around(store))
        for position in reversed(self.around(compute)[stop:]):
            level = self.level(position)
            outer = self.required(name, self.outside(position))
            if inner is None or outer is None or level.kind != SERIAL:
                break
            moving = [i for i, (a, b) in enumerate(zip(inner, outer, strict=True)) if b[1] - b[0] > a[1] - a[0]]
            if len(moving) == 1 and level.extent > 1:
                (dimension,) = moving
                before = inner[dimension][1] - inner[dimension][0] + 1
                whole = outer[dimension][1] - outer[dimension][0] + 1
                share *= min(1.0, whole / (before * level.extent))
            inner = outer
        return share


def build_nest(flow: Dataflow, regions: Regions, schedule: Schedule) -> LoopNest:
    """The loop nest of a whole schedule.

    Raises `ScheduleError` where the schedule refers to Funcs or loops that don't exist, or computes a Func where not
    all its uses are.
    """
    nest = LoopNest(flow, regions)
    known = set(nest.algorithm.by_name)
    for key in schedule.by_stage:
        if key.func not in known or key.index >= len(nest.algorithm.func(key.func).stages):
            raise ScheduleError(f"the schedule is for {key}, which the pipeline doesn't have")
    for func in _placing_order(nest.algorithm, schedule):
        own = [schedule.of(stage.key) for stage in func.stages]
        nest.place(func, placement_of(nest, func, own[0]), own)
    return nest


def _placing_order(algorithm: Algorithm, schedule: Schedule) -> Iterable[Func]:
    """Consumers first, and first those whose loops others share."""
    joins: dict[str, list[str]] = {}
    for step in schedule:
        if isinstance(step.directive, ComputeWith) and step.directive.at.func != step.stage.func:
            joins.setdefault(step.stage.func, []).append(step.directive.at.func)
    if not joins:
        return reversed(algorithm.funcs)
    order: dict[str, Func] = {}
    started: set[str] = set()

    def put(name: str) -> None:
        if name not in started and name in algorithm.by_name:
            started.add(name)
            for key in algorithm.consumers[name]:
                put(key.func)
            for other in joins.get(name, ()):
                put(other)
            order[name] = algorithm.by_name[name]

    for func in reversed(algorithm.funcs):
        put(func.name)
    return order.values()


def placement_of(nest: LoopNest, func: Func, directives: Iterable[Directive]) -> Placement:
    """Where directives compute and store a Func in the nest so far. Raises `ScheduleError` where that isn't possible."""
    if func.name in nest.algorithm.outputs:
        return ROOT
    legal = nest.common_path(func.name)
    compute: Position | None = None
    store: Position | None = None
    placed = stored = False
    for directive in directives:
        if isinstance(directive, ComputeRoot):
            placed = True
        elif isinstance(directive, ComputeAt):
            compute, placed = _find(nest, legal, func, directive.at.func, directive.at.var), True
        elif isinstance(directive, StoreRoot):
            stored = True
        elif isinstance(directive, StoreAt):
            store, stored = _find(nest, legal, func, directive.at.func, directive.at.var), True
    if not placed:
        if func.is_pure:
            return INLINE
        compute = legal[-1] if legal else None  # Halide computes an inlined Func with updates innermost
    return Placement(False, compute, store if stored else compute)


def _find(nest: LoopNest, legal: Sequence[Position], func: Func, consumer: str, var: str) -> Position:
    for position in legal:
        if position.stage.func == consumer and nest.level(position).name == var:
            return position
    levels = ", ".join(f"({p.stage.func}, {nest.level(p).name})" for p in legal) or "root only"
    raise ScheduleError(
        f"{func.name} can't be computed or stored at ({consumer}, {var}), which doesn't enclose all its uses; legal "
        f"levels, outermost first: {levels}"
    )


def total_points(nest: LoopNest) -> Mapping[StageKey, float]:
    """Evaluations of every stage in one run of the pipeline."""
    return {
        key: stage.points * nest.productions(key.func) * nest.sliding_share(key.func)
        for key, stage in nest.stages.items()
    }
