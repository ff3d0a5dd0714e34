"""The question where a Func is computed and stored."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autosearch.choices import Chooser
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import At, ComputeAt, ComputeRoot, Directive, StoreAt, StoreRoot
from autosearch.schedule.loops import PARALLEL, VECTORIZED
from autosearch.schedule.nest import INLINE, LoopNest, Placement, Position

_INLINE, _ROOT, _SAME = "inline", "root", "same"


@dataclass(frozen=True)
class FuncFacts:
    """What bears on a Func's placement besides the nest."""

    may_inline: bool
    uses: int
    """Loads of it in one evaluation of every consumer."""
    work: int
    """Arithmetic operations of one evaluation."""


Labels = Mapping[StageKey, Sequence[str]]
"""Names for the loops of each stage, outermost first, that stay the same when other loops come and go."""


def choose_placement(nest: LoopNest, func: Func, facts: FuncFacts, labels: Labels, chooser: Chooser) -> Placement:
    """Ask where `func` is computed, then where it is stored. All its consumers are in the nest."""
    levels = computable_levels(nest, func.name)
    by_label = {label_of(position, labels): position for position in levels}
    options = ([_INLINE] if facts.may_inline else []) + [_ROOT, *by_label]
    weights = ([_inline_weight(facts)] if facts.may_inline else []) + [0.5, *_level_weights(nest, func, levels)]
    answer = chooser.choose(f"{func.name}/place", options, weights)
    if answer == _INLINE:
        return INLINE
    compute = None if answer == _ROOT else by_label[str(answer)]
    return Placement(False, compute, _choose_store(nest, func, compute, labels, chooser))


def placement_directives(nest: LoopNest, placement: Placement) -> list[Directive]:
    """The directives for a placement."""
    if placement.inline:
        return []
    result: list[Directive] = [ComputeRoot() if placement.compute is None else ComputeAt(_at(nest, placement.compute))]
    if placement.store != placement.compute:
        result.append(StoreRoot() if placement.store is None else StoreAt(_at(nest, placement.store)))
    return result


def computable_levels(nest: LoopNest, name: str) -> list[Position]:
    """The loop levels at which a Func may be computed, outermost first: around all its uses, in no vectorized loop."""
    levels: list[Position] = []
    for position in nest.common_path(name):
        if nest.level(position).kind == VECTORIZED:
            break
        levels.append(position)
    return levels


def storable_levels(nest: LoopNest, compute: Position) -> list[Position | None]:
    """The levels further out at which what is computed at `compute` may be stored, innermost first; None is root.

    No loop between the two may be parallel: iterations would race (src/ScheduleFunctions.cpp, `validate_schedule`).
    Nor may two come of one variable: Halide's sliding window would then start before the region's begin.
    """
    levels: list[Position | None] = []
    around = nest.around(compute)
    slid: set[tuple[StageKey, int]] = set()
    for place in range(len(around) - 1, -1, -1):
        stage = around[place].stage
        loops = nest.stages[stage].loops
        variable = (stage, loops.variable_of(loops.order[around[place].depth - 1]))
        if variable in slid or nest.level(around[place]).kind in (PARALLEL, VECTORIZED):
            return levels
        slid.add(variable)
        levels.append(around[place - 1] if place else None)
    return levels


def label_of(position: Position, labels: Labels) -> str:
    """A stable name for a loop level: `blur_y.0/y@outer`."""
    return f"{position.stage.func}.{position.stage.index}/{labels[position.stage][position.depth - 1]}"


def _choose_store(
    nest: LoopNest, func: Func, compute: Position | None, labels: Labels, chooser: Chooser
) -> Position | None:
    if compute is None:
        return None
    levels = storable_levels(nest, compute)
    if not levels:
        return compute
    by_label = {(_ROOT if level is None else label_of(level, labels)): level for level in levels}
    weights = [0.6] + [0.4 / len(by_label)] * len(by_label)
    answer = chooser.choose(f"{func.name}/store", [_SAME, *by_label], weights)
    return compute if answer == _SAME else by_label[str(answer)]


def _inline_weight(facts: FuncFacts) -> float:
    repeated = facts.work * (facts.uses - 1)
    for limit, weight in ((0, 4.0), (8, 1.0), (30, 0.3), (150, 0.05)):
        if repeated <= limit:
            return weight
    return 0.005


def _level_weights(nest: LoopNest, func: Func, levels: Sequence[Position]) -> list[float]:
    """Levels that shrink what is held of the Func weigh more, those that compute much of it again less."""
    whole = _volume(nest.regions.funcs[func.name])
    weights = []
    before = float(whole)
    for level in levels:
        box = nest.required(func.name, level)
        held = float(_volume(box)) if box is not None else before
        times = math.prod(loop.extent for loop in nest.loops_around(level))
        again = max(1.0, times * held / max(1, whole))
        weights.append((1.0 if held < before else 0.05) / (again if again > 1.5 else 1.0))
        before = held
    total = sum(weights)
    return [1.5 * weight / total for weight in weights] if total else []


def _volume(box: Box) -> int:
    return math.prod(extents(box))


def _at(nest: LoopNest, position: Position) -> At:
    return At(position.stage.func, nest.level(position).name)
