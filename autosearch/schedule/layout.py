"""In which order the dimensions of a Func lie in memory (`reorder_storage`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import Func
from autosearch.schedule.directives import Directive, ReorderStorage


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
