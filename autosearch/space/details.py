"""The questions about what experts do rarely: how exactly a Func is kept in memory, and whether its loops are partitioned.

One question a Func and one a stage, so that they cost the search little: each offers what can matter where the Func is,
and at most one of these is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from autosearch.choices import Chooser, Option
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import (
    AlignBounds,
    AlignStorage,
    At,
    BoundExtent,
    BoundStorage,
    Directive,
    FoldStorage,
    HoistStorage,
    HoistStorageRoot,
    Memory,
    Partition,
    PartitionPolicy,
    Prefetch,
    StoreIn,
)
from autosearch.schedule.loops import PARALLEL, SERIAL, SHIFTS
from autosearch.schedule.nest import LoopNest, Placement, Position
from autosearch.schedule.schedule import Schedule, Step
from autosearch.space.placement import moved_dimensions

PLAIN = "plain"
FOLD, STACK, HEAP, ALIGN, HOIST, PREFETCH = "fold", "stack", "heap", "align", "hoist", "prefetch"
NEVER, ROWS = "never", "rows"
"""Loops that stay in one piece: all, and all but the innermost."""
DETAILS = (
    StoreIn, AlignStorage, BoundStorage, FoldStorage, AlignBounds, BoundExtent, HoistStorage, HoistStorageRoot, Prefetch,
    Partition,
)  # fmt: skip
_RARELY = 0.012
"""How likely each is, where nothing of the kind is 1."""
_NEVER, _ROWS = 0.03, 0.7
"""How likely loops stay in one piece: rarely, but all except the innermost often where that saves the compiler much."""
_LARGE = 20
"""Funcs from which on compiling takes seconds."""
_MOST_ON_STACK = 1 << 18
"""Bytes: the threads that run tasks have stacks of a few megabytes."""
_LEAST_ON_HEAP = 1 << 10
_ON_STACK_ANYWAY = 1 << 14
"""Bytes, where the size is constant (src/CodeGen_Internal.cpp, `can_allocation_fit_on_stack`)."""
_OFFSETS = (1, 2, 4, 8)


def choose_memory(
    nest: LoopNest, func: Func, placement: Placement, lanes: int, chooser: Chooser
) -> tuple[list[Directive], list[Step]]:
    """Ask how `func`, so placed, is kept in memory; the directives for it, and those for stages that read it.

    lanes: elements of a native vector.
    """
    ways = _ways(nest, func, placement, lanes)
    if not ways:
        return [], []
    answer = str(chooser.choose(f"{func.name}/memory", [PLAIN, *ways], [1.0, *([_RARELY] * len(ways))]))
    if answer == PREFETCH:
        (position,) = _reading_loops(nest, func, placement)
        offset = int(chooser.choose(f"{func.name}/ahead", _OFFSETS))
        loop = nest.level(position).name
        return [], [Step(position.stage, Prefetch(func.name, loop, loop, offset))]
    return ([] if answer == PLAIN else [ways[answer]]), []


def _ways(nest: LoopNest, func: Func, placement: Placement, lanes: int) -> dict[str, Directive]:
    box = nest.required(func.name, placement.store)
    if box is None or not func.args:
        return {}
    ways: dict[str, Directive] = {}
    sides = extents(box)
    size = math.prod(sides) * sum(kind.bytes for kind in func.types)
    if placement.store is not None and size >= _LEAST_ON_HEAP:
        if placement.store != placement.compute:
            fold = _fold(nest, func, placement)
            if fold is not None:
                ways[FOLD] = fold
        elif size <= _MOST_ON_STACK:
            ways[STACK] = StoreIn(Memory.STACK)
            ways[HEAP] = StoreIn(Memory.HEAP)
        hoist = _hoist(nest, placement.store)
        if hoist is not None and placement.store == placement.compute:
            ways[HOIST] = hoist
    if len(sides) > 1 and sides[0] > lanes and sides[0] % lanes:
        ways[ALIGN] = AlignStorage(func.args[0], lanes)
    if _reading_loops(nest, func, placement):
        ways[PREFETCH] = Prefetch(func.name, "", "", 0)
    return ways


def _fold(nest: LoopNest, func: Func, placement: Placement) -> FoldStorage | None:
    """Keeping only the rows that an iteration needs, as a power of two of them, where just one dimension slides."""
    moved = moved_dimensions(nest, func.name, placement)
    box, whole = nest.required(func.name, placement.compute), nest.required(func.name, placement.store)
    if len(moved) != 1 or box is None or whole is None:
        return None
    ((place, added),) = moved.items()
    if _may_go_back(nest, placement, nest.flow.is_read_at_fractions(func, place)):
        return None
    rows = extents(box)[place] + added
    factor = 1 << (rows - 1).bit_length()
    return FoldStorage(func.args[place], factor) if factor < extents(whole)[place] else None


def _may_go_back(nest: LoopNest, placement: Placement, fractions: bool) -> bool:
    """Whether an iteration of a loop that a Func slides along may begin before the last: the last one, shifted inwards.

    Of a Func that is read at `fractions` of a coordinate, Halide 21 thinks so of any loop over tiles.
    """
    for position in nest.around(placement.compute)[len(nest.around(placement.store)) :]:
        stage = nest.stages[position.stage]
        loop = stage.loops.order[position.depth - 1]
        for one in stage.loops.derivations:
            if one.fuse or one.outer != loop:
                continue
            if fractions or (one.tail in SHIFTS and stage.extents[one.old] % one.factor):
                return True
    return False


def _hoist(nest: LoopNest, store: Position) -> Directive | None:
    """Allocating outside of the serial loops around, once for each task."""
    levels = nest.loops_around(store)
    serial = 0
    while serial < len(levels) and levels[-1 - serial].kind == SERIAL:
        serial += 1
    if serial == 0 or math.prod(level.extent for level in levels[len(levels) - serial :]) == 1:
        return None
    if serial == len(levels):
        return HoistStorageRoot()
    outside = levels[-1 - serial]
    if len(nest.algorithm.func(outside.position.stage.func).stages) > 1:
        return None  # Halide would take a loop of that name in any of the stages
    return HoistStorage(At(outside.position.stage.func, outside.name)) if outside.kind == PARALLEL else None


def _reading_loops(nest: LoopNest, func: Func, placement: Placement) -> list[Position]:
    """The innermost serial loop of the stage that reads a whole Func most, where iterations read different parts of it."""
    if placement.compute is not None:
        return []
    readers = [key for key in nest.algorithm.consumers[func.name] if key in nest.stages and key.func != func.name]
    if not readers:
        return []
    reader = max(readers, key=lambda key: nest.stages[key].points * nest.productions(key.func))
    serial = [depth for depth, kind in enumerate(nest.stages[reader].loops.kinds, start=1) if kind == SERIAL]
    if not serial:
        return []
    position = Position(reader, serial[-1])
    inside, outside = nest.required(func.name, position), nest.required(func.name, nest.outside(position))
    return [position] if inside is not None and inside != outside else []


def choose_partition(nest: LoopNest, key: StageKey, chooser: Chooser) -> list[Directive]:
    """Ask whether the loops of a stage stay in one piece, instead of a steady state and what is before and after it.

    Where coordinates are clamped, that costs each iteration something, by row little; and large pipelines compile faster.
    """
    loops = partitionable(nest, key)
    ways = {PLAIN: loops[:0], NEVER: loops, ROWS: loops[:-1]}
    weights = [1.0, _NEVER, _ROWS if _takes_long(nest) else _NEVER]
    count = 3 if len(loops) > 1 else 2
    answer = chooser.choose(f"{key.func}.{key.index}/partition", list(ways)[:count], weights[:count])
    return [Partition(name, PartitionPolicy.NEVER) for name in ways[str(answer)]]


def _takes_long(nest: LoopNest) -> bool:
    """Whether loops taken apart take the compiler long: in large pipelines with coordinates that are clamped, as a rule."""
    edges = (edge for every in nest.flow.edges.values() for edge in every)
    return len(nest.algorithm.funcs) >= _LARGE and not all(edge.is_affine for edge in edges)


def partitionable(nest: LoopNest, key: StageKey) -> list[str]:
    """The loops of a stage that Halide may take apart, outermost first."""
    loops = nest.stages[key].loops
    return [name for name, kind in zip(loops.loop_names, loops.kinds, strict=True) if kind in (SERIAL, PARALLEL)]


def details_of(schedule: Schedule, nest: LoopNest) -> dict[str, frozenset[Step]]:
    """What of a schedule these questions are about, by the Func that it is told of.

    Not that something small is kept on the stack, as autoschedulers say: it is anyway.
    """
    found: dict[str, set[Step]] = {}
    for step in schedule:
        if isinstance(step.directive, DETAILS):
            if step.directive == StoreIn(Memory.STACK) and _is_small(nest, step.stage.func):
                continue
            about = step.directive.func if isinstance(step.directive, Prefetch) else step.stage.func
            found.setdefault(about, set()).add(step)
    return {name: frozenset(steps) for name, steps in found.items()}


def _is_small(nest: LoopNest, name: str) -> bool:
    if name not in nest.boxes:
        return True
    size = math.prod(extents(nest.stored_box(name))) * sum(kind.bytes for kind in nest.algorithm.func(name).types)
    return size <= _ON_STACK_ANYWAY


def detail_answers(schedule: Schedule, nest: LoopNest) -> Mapping[str, Option]:
    """The answers that make what a schedule says of memory and partitions, as near as these questions come."""
    answers: dict[str, Option] = {}
    kinds: Sequence[tuple[type[Directive], str]] = (
        (FoldStorage, FOLD), (AlignStorage, ALIGN), (HoistStorage, HOIST), (HoistStorageRoot, HOIST)
    )  # fmt: skip
    for func in nest.algorithm.funcs:
        answers[f"{func.name}/memory"] = PLAIN
        answers.update((f"{stage.key.func}.{stage.index}/partition", PLAIN) for stage in func.stages)
    for name, steps in details_of(schedule, nest).items():
        for step in steps:
            directive = step.directive
            if isinstance(directive, Partition):
                answers[f"{name}.{step.stage.index}/partition"] = _in_one_piece(nest, step.stage, steps)
            elif isinstance(directive, Prefetch):
                answers[f"{name}/memory"], answers[f"{name}/ahead"] = PREFETCH, directive.offset
            elif isinstance(directive, StoreIn):
                answers[f"{name}/memory"] = HEAP if directive.memory is Memory.HEAP else STACK
            else:
                answers.update((f"{name}/memory", answer) for cls, answer in kinds if isinstance(directive, cls))
    return answers


def _in_one_piece(nest: LoopNest, key: StageKey, steps: frozenset[Step]) -> str:
    """Which of a stage's loops the directives leave in one piece, as near as the question comes."""
    told = {step.directive.loop for step in steps if isinstance(step.directive, Partition) and step.stage == key}
    loops = partitionable(nest, key) if key in nest.stages else []
    return ROWS if len(loops) > 1 and told == set(loops[:-1]) else NEVER
