"""The question where a Func is computed and stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from autosearch.choices import ROOT, Chooser, Later
from autosearch.machine import Machine
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import At, ComputeAt, ComputeRoot, Directive, StoreAt, StoreRoot
from autosearch.schedule.loops import PARALLEL, UNROLLED, VECTORIZED
from autosearch.schedule.nest import INLINE, LoopNest, Placement, Position
from autosearch.space.ground import Effort
from autosearch.space.stage_facts import WORTH_THREADS
from autosearch.space.style import TILT, Inlining, Style, tilted
from autosearch.space.tiling import OUTER, UNROLL

_INLINE, _SAME = "inline", "same"


class Reader(NamedTuple):
    """How a stage reads a Func, itself or by what is inlined in it."""

    loads: int
    """In one evaluation."""
    points: int
    """Evaluations, where what is needed of the stage's Func is computed once."""


@dataclass(frozen=True)
class FuncFacts:
    """What bears on a Func's placement besides the nest."""

    style: Style
    inlining: Inlining
    may_inline: bool
    readers: Mapping[StageKey, Reader]
    effort: Effort
    revisited: float
    """Elements among which successive updates may go anywhere; infinite where they go through all."""
    may_slide: bool
    """It may be stored further out than it is computed."""
    accumulates: bool
    """It is a reduction whose accumulators could stay in registers."""
    copies: bool
    """It computes nothing."""
    roomy: bool = False
    """It may be computed far before where it is needed: what it reads of inputs is clamped on the way."""
    cloned: bool = False
    """It was made for its one consumer, to be computed where that one wants it."""
    stored: bool = False
    """It was made to be stored: inline it has no use."""
    apart: bool = False
    """Inline, what it reads would be loaded lane by lane: it holds that side by side for its consumer."""


Labels = Mapping[StageKey, Sequence[str]]
"""Names for the loops of each stage, outermost first, that stay the same when other loops come and go."""


def choose_placement(
    nest: LoopNest,
    func: Func,
    facts: FuncFacts,
    labels: Labels,
    chooser: Chooser,
    machine: Machine,
) -> Placement:
    """Ask where `func` is computed, then where it is stored. All its consumers are in the nest."""
    costs = _Costs(nest, func, facts, machine)
    by_label = {label_of(one, labels): one for one in computable_levels(nest, func.name, facts.roomy)}
    options = [*([_INLINE] if facts.may_inline else []), ROOT, *by_label]
    chances = Later(lambda: _chances(nest, func, facts, by_label, costs))
    answer = chooser.choose(f"{func.name}/place", options, chances)
    if answer == _INLINE:
        return INLINE
    compute = None if answer == ROOT else by_label[str(answer)]
    return Placement(False, compute, _choose_store(nest, func, compute, labels, chooser, costs))


def _chances(
    nest: LoopNest,
    func: Func,
    facts: FuncFacts,
    by_label: Mapping[str, Position],
    costs: _Costs,
) -> list[float]:
    """How likely a Func is to be computed inline, where it may be, at root, and at each of the levels."""
    whole = _WHOLE.get(facts.style, 1.0 if costs.is_small else 1 / TILT)
    estimates = [costs.at(None, None)]
    weights = [1 / TILT if facts.cloned else whole]  # at root a clone has no use: the Func itself would do
    for label, level in by_label.items():
        stores = storable_levels(nest, func.name, level) if facts.may_slide else []
        estimates.append(min(costs.at(level, store) for store in (level, *stores)))
        slides = facts.style is Style.ROWS and any(_slides_in_rows(nest, func.name, level, store) for store in stores)
        weights.append(TILT if _suits(facts, label, list(by_label), slides) else 1.0)
    if facts.may_inline and facts.copies and facts.style is Style.REGISTERS:  # whatever is inlined elsewhere
        inline, *others = (a * b for a, b in zip(_weights([costs.inline(), *estimates]), [1.0, *weights], strict=True))
        return [min(inline, max(others)), *others]  # what packing pays for tiles of registers, its own cost doesn't tell
    made = facts.stored or facts.cloned  # to be computed apart: inline it is seldom of use
    if facts.may_inline and facts.inlining in _MOST_COST and not made:
        others = [a * b for a, b in zip(_weights(estimates), weights, strict=True)]
        cheap = costs.inline() <= _MOST_COST[facts.inlining] * min(estimates)
        return [max(others) * (TILT if cheap else 1 / TILT), *others]
    if facts.may_inline:
        cheap = facts.style in (Style.ROWS, Style.TILES) and costs.inline() < _CHEAP * min(estimates)
        estimates = [costs.inline(), *estimates]
        weights = [1 / TILT if made else max(weights) if cheap else 1.0, *weights]
    return [a * b for a, b in zip(_weights(estimates), weights, strict=True)]


def placement_directives(nest: LoopNest, placement: Placement) -> list[Directive]:
    """The directives for a placement."""
    if placement.inline:
        return []
    result: list[Directive] = [ComputeRoot() if placement.compute is None else ComputeAt(_at(nest, placement.compute))]
    if placement.store != placement.compute:
        result.append(StoreRoot() if placement.store is None else StoreAt(_at(nest, placement.store)))
    return result


def computable_levels(nest: LoopNest, name: str, roomy: bool = False) -> list[Position]:
    """The loop levels at which a Func may be computed, outermost first: around all its uses, in no vectorized loop.

    Nor between where a consumer that slides is stored and where it is computed: Halide starts those loops earlier to
    fill it, and would compute the producer for regions that nobody needs, beyond the input. Where something else in those
    loops reads the producer too, that holds for the innermost of them as well, unless it is `roomy`, see `FuncFacts`.
    """
    between: set[Position] = set()
    sliding = nest.sliding_consumers(name)
    if sliding:
        beside = not roomy and not all(_slides_along(nest, key.func, sliding) for key in nest.uses(name))
        for consumer in sliding:
            assert consumer.compute is not None
            between.update(nest.around(consumer.compute)[len(nest.around(consumer.store)) : None if beside else -1])
    levels: list[Position] = []
    for position in nest.common_path(name):
        if nest.level(position).kind == VECTORIZED:
            break
        if position not in between:
            levels.append(position)
    return levels


def _slides_along(nest: LoopNest, name: str, sliding: Set[Placement]) -> bool:
    """Whether a Func is one of those that slide, or is computed in the loops of one."""
    placement = nest.placements[name]
    hosts = {position.stage.func for position in nest.around(placement.compute)}
    return placement in sliding or any(nest.placements[host] in sliding for host in hosts)


def storable_levels(nest: LoopNest, name: str, compute: Position) -> list[Position | None]:
    """Where Func `name`, computed at `compute`, may be stored for later iterations to re-use; None is root.

    That is outside the first loop whose iterations need overlapping regions, so that Halide slides along it; loops
    inside it may each move what is needed along another dimension. Storing further out gains nothing, and Halide 21
    gets some of those schedules wrong. No loop between the two may be parallel: iterations would race
    (src/ScheduleFunctions.cpp, `validate_schedule`); nor may they belong to several stages, whose starts Halide doesn't
    move together. A Func whose consumer slides too must be computed and stored where that one is: Halide starts the
    consumer's loop earlier to fill it, and elsewhere the producer would read too far. Nor may a Func that is realized
    later slide along the same loop and be computed further out: Halide 21 then doesn't fill the window of this one.
    """
    consumers = nest.sliding_consumers(name)
    if any(placement.compute != compute for placement in consumers):
        return []
    around = nest.around(compute)
    moved: set[int] = set()
    inner = nest.required(name, compute)
    slid = {one.compute for one in nest.placements.values() if one.store != one.compute} - {compute}
    for position in reversed(around):
        if position in slid:
            return []
        level = nest.level(position)
        if level.kind in (PARALLEL, VECTORIZED) or position.stage != compute.stage:
            return []
        outside = nest.outside(position)
        outer = nest.required(name, outside)
        if inner is None or outer is None:
            return []
        if level.extent > 1:
            moving = [i for i, (a, b) in enumerate(zip(inner, outer, strict=True)) if a != b]
            if len(moving) != 1 or moving[0] in moved:
                return []
            (dimension,) = moving
            moved.add(dimension)
            made = (inner[dimension][1] - inner[dimension][0] + 1) * level.extent
            needed = outer[dimension][1] - outer[dimension][0] + 1
            if made > needed + 0.5 and made > needed * _covered_twice(nest, position) + 0.5:
                return [outside] if all(placement.store == outside for placement in consumers) else []
        inner = outer
    return []


def _covered_twice(nest: LoopNest, position: Position) -> float:
    """What the iterations of a loop cover over what they need to: more than 1 where the last one is shifted inwards."""
    stage = nest.stages[position.stage]
    inside, outside = (stage.loops.window(depth, stage.extents) for depth in (position.depth, position.depth - 1))
    covered = 1.0
    for (_, one), (_, all_) in zip(inside, outside, strict=True):
        if one != all_:
            covered *= max(1.0, one * nest.level(position).extent / all_)
    return covered


def moved_dimensions(nest: LoopNest, name: str, placement: Placement) -> dict[int, int]:
    """The dimensions of a Func stored further out than computed that move from one production to the next.

    With what a production adds along each: less than its box where some of it is there already.
    """
    if placement.store == placement.compute:
        return {}
    inner, whole = nest.required(name, placement.compute), nest.required(name, placement.store)
    assert inner is not None and whole is not None
    times = [1] * len(inner)
    for position in nest.around(placement.compute)[len(nest.around(placement.store)) :]:
        small, large = nest.required(name, position), nest.required(name, nest.outside(position))
        assert small is not None and large is not None
        for dimension, (one, all_) in enumerate(zip(small, large, strict=True)):
            if one != all_:
                times[dimension] *= nest.level(position).extent
    return {
        i: min(int(one[1] - one[0]) + 1, math.ceil((all_[1] - all_[0] - (one[1] - one[0])) / max(1, times[i] - 1)))
        for i, (one, all_) in enumerate(zip(inner, whole, strict=True))
        if one != all_
    }


def _suits(facts: FuncFacts, label: str, labels: Sequence[str], slides: bool) -> bool:
    """Whether the style would compute a Func at this one of the levels."""
    if facts.style is Style.ROWS:
        return slides
    if facts.style is Style.TILES:
        return _ends_band(label, labels)
    if facts.style is Style.REGISTERS:
        if facts.accumulates:
            serial = [one for one in labels if _role(one) != UNROLL]
            return label == serial[-1] if serial else False
        return facts.copies and _role(label) == OUTER  # a copy of an input, packed for the tiles inside
    return False


def _slides_in_rows(nest: LoopNest, name: str, compute: Position, store: Position | None) -> bool:
    """Whether a Func so placed re-uses rows: not parts of them, in which vectors lie."""
    box = nest.required(name, compute)
    added = moved_dimensions(nest, name, Placement(False, compute, store))
    assert box is not None
    slid = {dimension for dimension, count in added.items() if count < int(box[dimension][1] - box[dimension][0]) + 1}
    return bool(slid) and 0 not in slid


def _ends_band(label: str, labels: Sequence[str]) -> bool:
    """Whether a level is the innermost of its band: the next one in is of another stage or role."""
    place = labels.index(label)
    if place + 1 == len(labels):
        return False
    return label.rsplit("/", 1)[0] != labels[place + 1].rsplit("/", 1)[0] or _role(label) != _role(labels[place + 1])


def _role(label: str) -> str:
    return label.rsplit("@", 1)[-1]


def in_serial(nest: LoopNest, compute: Position | None) -> bool:
    """Whether none of the loops around a level, nor its own, is parallel."""
    return all(nest.level(one).kind != PARALLEL for one in nest.around(compute))


def label_of(position: Position, labels: Labels) -> str:
    """A stable name for a loop level: `blur_y.0/y@outer`."""
    return f"{position.stage.func}.{position.stage.index}/{labels[position.stage][position.depth - 1]}"


def _choose_store(
    nest: LoopNest, func: Func, compute: Position | None, labels: Labels, chooser: Chooser, costs: _Costs
) -> Position | None:
    if compute is None or not costs.facts.may_slide:
        return compute
    levels = storable_levels(nest, func.name, compute)
    if not levels:
        return compute
    by_label = {(ROOT if level is None else label_of(level, labels)): level for level in levels}
    estimates = [costs.at(compute, compute)] + [costs.at(compute, level) for level in levels]
    suits = [False, *([costs.facts.style is Style.ROWS] * len(levels))]
    answer = chooser.choose(f"{func.name}/store", [_SAME, *by_label], tilted(_weights(estimates), suits))
    return compute if answer == _SAME else by_label[str(answer)]


class _Costs:
    """A rough cost of each placement, in operations for each element needed: what an expert weighs up at a glance.

    The work of computing it as often as the placement does, and the way that its elements travel to their use.
    """

    def __init__(self, nest: LoopNest, func: Func, facts: FuncFacts, machine: Machine) -> None:
        self.nest = nest
        self.func = func
        self.facts = facts
        self.machine = machine
        self.registers = machine.accumulators * machine.vector_bytes
        self.whole = max(1, _volume(nest.regions.funcs[func.name]))
        self.element = sum(kind.bytes for kind in func.types)

    @cached_property
    def uses(self) -> float:
        """How often each element is computed where the Func is inlined, and loaded elsewhere."""
        if self.facts.effort.work <= 1:  # inline, a copy costs what it costs to load it
            return sum(reader.loads for reader in self.facts.readers.values())
        return sum(reader.loads * self._again(key, reader.points) for key, reader in self.facts.readers.items())

    def _again(self, key: StageKey, points: int) -> float:
        """How often a stage runs through the elements: loops in one body that need the same of them need it once."""
        times = points / self.whole
        for position in self.nest.path(key):
            level = self.nest.level(position)
            if position.stage == key and level.kind in (VECTORIZED, UNROLLED):
                same = self.nest.required(self.func.name, position) == self.nest.required(
                    self.func.name, self.nest.outside(position)
                )
                times /= level.extent if same else 1
        return times if times > _PHASES else min(1.0, times)

    @property
    def is_small(self) -> bool:
        """Whether all of it stays in the second cache."""
        return self.whole * self.element <= self.machine.cache_bytes[1]

    def inline(self) -> float:
        """Computed at each use."""
        return self.uses * (self.facts.effort.work + (_APART if self.facts.apart else 0))

    def at(self, compute: Position | None, store: Position | None) -> float:
        """Computed at one level and stored at another."""
        name = self.func.name
        box = self.nest.required(name, compute)
        if box is None:
            return float("inf")
        times, made = self.nest.iterations(compute), _volume(box)
        # At root its own loops can be parallel; inside loops none of which is, one core has to do it all, unless it is much.
        alone = compute is not None and in_serial(self.nest, compute)
        cores = self.machine.cores if alone and made * self.facts.effort.work < WORTH_THREADS else 1
        share = self.nest.sliding_between(name, compute, store)
        again = max(1.0, times * made * share / self.whole)
        held = made if store == compute else _volume(self.nest.required(name, store) or box)
        # What slides is folded: only what one production needs stays in use.
        size = (made if share < 1.0 else held) * self.element
        travel = self.travel(size) + self.facts.effort.rounds * self.travel(min(size, self.facts.revisited * self.element))
        loads = 0 if size <= self.registers else self.uses
        return cores * (again * (self.facts.effort.work + _STORE) + loads + travel) + _STARTING * times / self.whole

    def travel(self, size: float) -> float:
        """Operations' worth of storing an element and loading it again, by the cache that holds so many bytes."""
        if size <= self.registers:
            return _IN_REGISTER
        for cache, cost in zip(self.machine.cache_bytes, _TRAVEL, strict=False):
            if size <= cache:
                return cost
        return _TRAVEL[-1]


_WHOLE = {Style.FREE: 1.0, Style.REGISTERS: 1.0, Style.STAGES: TILT}
"""How likely the styles compute a Func at root; with tiles of registers that is what is packed for them."""
_CHEAP = 1.5
"""Where inlining costs less than this many times the best level, rows and tiles take it as gladly as what suits them."""
_MOST_COST = {Inlining.CHEAP: 1.0, Inlining.MOST: 2.0, Inlining.DEAR: 4.0}
"""Where it is decided for all Funcs together, what is inlined costs at most so many times the best level."""
_PHASES = 4.0
"""Up to so many times is once: a stage that reads each element so often enlarges an image, or has channels or phases of
which each takes something else."""
_APART = 10.0
"""Cost of loading an element by itself instead of in a vector, often of another line of the cache."""
_STORE = 2.0
_TRAVEL = (2.0, 6.0, 20.0, 60.0)
"""Cost of an element's way through the first, second and third cache, and memory, where an operation or a load is one
of the lanes of a vector instruction."""
_IN_REGISTER = 0.1
"""Cost of an element that never leaves its register."""
_STARTING = 20.0
"""Cost of starting a production: loop overhead, tails."""


def _weights(costs: Sequence[float]) -> list[float]:
    """How likely each is to be tried first: cheap ones often, dear ones rarely, none never."""
    least = max(1.0, min(costs))
    return [max(0.005, (least / max(1.0, cost)) ** 1.5) for cost in costs]


def _volume(box: Box) -> int:
    return math.prod(extents(box))


def _at(nest: LoopNest, position: Position) -> At:
    return At(position.stage.func, nest.level(position).name)
