"""What directives say is computed of a Func along its dimensions: `bound` and `align_bounds`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from autosearch.pipeline.ir import Func
from autosearch.schedule.directives import AlignBounds, Bound, Directive

Statement = Bound | AlignBounds


def stated_bounds(func: Func, directives: Iterable[Directive]) -> dict[int, tuple[Statement, ...]]:
    """What is stated of each dimension of a Func, by its place, in the order in which it applies."""
    found: dict[int, tuple[Statement, ...]] = {}
    for one in directives:
        if isinstance(one, Statement) and one.dim in func.args:
            place = func.args.index(one.dim)
            found[place] = (*found.get(place, ()), one)
    return found


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
