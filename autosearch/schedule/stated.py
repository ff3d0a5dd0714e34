"""What directives say is computed of a Func along its dimensions: `bound` and `align_bounds`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeGuard

from autosearch.pipeline.ir import Algorithm, Expr, Func, StageKey
from autosearch.schedule.directives import AlignBounds, Bound, BoundExtent, Directive
from autosearch.schedule.schedule import Schedule, Step

Statement = Bound | AlignBounds


def stated_bounds(func: Func, directives: Iterable[Directive]) -> dict[int, tuple[Statement, ...]]:
    """What is stated of each dimension of a Func, by its place, in the order in which it applies."""
    found: dict[int, tuple[Statement, ...]] = {}
    for one in directives:
        if isinstance(one, Statement) and one.dim in func.args:
            place = func.args.index(one.dim)
            found[place] = (*found.get(place, ()), one)
    return found


def self_contained(schedule: Schedule, algorithm: Algorithm) -> Schedule:
    """The schedule with what the algorithm as it came states of bounds, which may come from directives that it replaces.

    What a parameter says stays the algorithm's own.
    """
    found = [Step(StageKey(func.name), one) for func in algorithm.funcs for one in _own(func)]
    known = set(schedule.steps)
    return Schedule((*(step for step in found if step not in known), *schedule.steps))


def _own(func: Func) -> Iterator[Directive]:
    for dim, low, extent in func.bounds:
        if _is_constant(extent):
            if low is None:
                yield BoundExtent(dim, int(extent.value))
            elif _is_constant(low):
                yield Bound(dim, int(low.value), int(extent.value))
    for dim, modulus, remainder in func.alignments:
        first = remainder.args[0] if remainder.op == "mod" else remainder  # Halide reduces it in the algorithm
        if _is_constant(modulus) and _is_constant(first):
            yield AlignBounds(dim, int(modulus.value), int(first.value) % int(modulus.value))


def _is_constant(value: Expr | None) -> TypeGuard[Expr]:
    return value is not None and value.op == "const"


def as_stated(low: Any, high: Any, statements: Iterable[Statement]) -> tuple[Any, Any]:
    """The first and the last coordinate computed where these are needed: numbers, or arrays of them.

    As Halide does it (src/BoundsInference.cpp): where bounds are aligned, the first one moves down, then the extent grows.
    """
    for one in statements:
        if isinstance(one, Bound):
            low, high = one.min, one.min + one.extent - 1
        else:
            low = (low - one.remainder) // one.modulus * one.modulus + one.remainder
            high = low - (low - high - 1) // one.modulus * one.modulus - 1
    return low, high
