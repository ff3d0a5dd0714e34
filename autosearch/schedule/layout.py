"""How a Func lies in memory: in which order its dimensions (`reorder_storage`), and how much of each there is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autosearch.errors import ScheduleError
from autosearch.pipeline.access import Box
from autosearch.pipeline.ir import Func
from autosearch.schedule.directives import AlignStorage, BoundStorage, Directive, FoldStorage, ReorderStorage

RESIZING = (AlignStorage, BoundStorage, FoldStorage)
"""Directives that say how much of a dimension is allocated."""


def storage_order(func: Func, directives: Iterable[Directive]) -> tuple[int, ...]:
    """The dimensions of a Func as they lie in memory, innermost first, by number.

    As with loops, `reorder_storage` permutes the dimensions that it names among their places. Raises `ScheduleError`
    where it names one that the Func doesn't have.
    """
    order = list(range(len(func.args)))
    for directive in directives:
        if isinstance(directive, ReorderStorage):
            unknown = [name for name in directive.dims if name not in func.args]
            if unknown:
                raise ScheduleError(f"{func.name} has no dimension {unknown[0]!r}; its dimensions are {func.args}")
            named = [func.args.index(name) for name in directive.dims]
            places = sorted(order.index(dimension) for dimension in named)
            for place, dimension in zip(places, named, strict=True):
                order[place] = dimension
    return tuple(order)


def resized(func: Func, directives: Iterable[Directive], box: Box) -> Box:
    """What is allocated for a region `box` of a Func: less where it is folded or bounded, more where it is aligned.

    Raises `ScheduleError` where a directive names a dimension that the Func doesn't have.
    """
    sides = list(box)
    for directive in directives:
        if isinstance(directive, RESIZING):
            if directive.dim not in func.args:
                raise ScheduleError(f"{func.name} has no dimension {directive.dim!r}; its dimensions are {func.args}")
            place = func.args.index(directive.dim)
            low, high = sides[place]
            extent = high - low + 1
            if isinstance(directive, AlignStorage):
                extent = -(-extent // directive.alignment) * directive.alignment
            elif isinstance(directive, FoldStorage):
                extent = min(extent, directive.factor)
            else:
                extent = directive.extent
            sides[place] = (low, low + extent - 1)
    return tuple(sides)


def contiguous_run(sides: Sequence[float], stored: Sequence[float], order: Sequence[int]) -> float:
    """How many elements of a box lie in memory one after the other.

    sides, stored: the extents of the box and of what is stored, by dimension; order: see `storage_order`.
    """
    run = 1.0
    for dimension in order:
        run *= sides[dimension]
        if sides[dimension] < stored[dimension]:
            break
    return run
