"""The question whether a Func shares the loops of another (`compute_with`): both are then made by one pass over what they read.

Offered where it can be told to be right: two pure Funcs of the same dimensions and types that are computed and stored at
the same levels, where the same region of both is needed, and neither is computed from the other. The Func takes over all
loops of the other, since Halide wants those shared to be the same. Source: Halide's src/ScheduleFunctions.cpp
(`validate_fused_pair`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from autosearch.choices import Chooser
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import Align, At, ComputeWith
from autosearch.schedule.loops import PARALLEL, SERIAL
from autosearch.schedule.nest import LoopNest, Placement, Position
from autosearch.space.ground import Ground
from autosearch.space.placement import label_of

ALONE = "alone"
_SHARED, _RARELY = 0.3, 0.02
"""How likely it is to share all serial loops of another Func, and only outer ones, where being alone is 1."""


def choose_partner(
    nest: LoopNest, func: Func, others: Iterable[str], labels: Mapping[StageKey, Sequence[str]], chooser: Chooser
) -> Position | None:
    """Ask inside which loop of one of `others` Func `func` is computed as well; None for loops of its own."""
    by_label: dict[str, Position] = {}
    weights = [1.0]
    for name in others:
        levels = sharable_levels(nest, name)
        by_label.update((label_of(position, labels), position) for position in levels)
        weights += [_RARELY] * (len(levels) - 1) + [_SHARED]
    if not by_label:
        return None
    answer = chooser.choose(f"{func.name}/with", [ALONE, *by_label], weights)
    return None if answer == ALONE else by_label[str(answer)]


def partners(nest: LoopNest, ground: Ground, func: Func, placement: Placement) -> Iterator[str]:
    """The Funcs already in the nest whose loops `func` may share, and reads something in common with."""
    if not func.is_pure or func.name in nest.algorithm.outputs:
        return
    for name in ground.siblings[func.name]:
        key = StageKey(name)
        if key in nest.stages and nest.placements[name] == placement and key not in nest.joined:
            other = nest.algorithm.by_name[name]
            needs = nest.required(func.name, placement.compute) == nest.required(name, placement.compute)
            if needs and other.args == func.args and other.types == func.types and sharable_levels(nest, name):
                yield name


def sharable_levels(nest: LoopNest, name: str) -> list[Position]:
    """The serial and parallel loops of a Func, outermost first, as far as nothing slides in them."""
    key = StageKey(name)
    levels: list[Position] = []
    for depth, kind in enumerate(nest.stages[key].loops.kinds, start=1):
        if kind not in (SERIAL, PARALLEL):
            break
        levels.append(Position(key, depth))
    inside = (one for one in nest.placements.values() if one.compute is not None and one.compute.stage == key)
    return [] if any(one.store != one.compute for one in inside) else levels


def join(nest: LoopNest, position: Position) -> ComputeWith:
    """The directive for sharing loops down to `position`."""
    return ComputeWith(At(position.stage.func, nest.level(position).name), position.stage.index, Align.AUTO)
