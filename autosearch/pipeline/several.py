"""Several sizes to tune for at once: what the user says of each, and what follows from it.

A schedule for several sizes must work at any. So it is also checked at two sizes that nobody asked for: one whose extents
are odd, and one of a few elements, less than any tile.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from autosearch.errors import SizeError
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.intervals import Interval
from autosearch.pipeline.ir import Algorithm
from autosearch.pipeline.sizes import Known, Sizes, resolve

Extents = Sequence[int]
SizesLike = Sequence[Mapping[str, Extents] | Extents]
"""Each either the extents of every output, in the order of the Func's variables, or extents of outputs and inputs by name."""

FEW = 3
"""Elements along each dimension of the smallest size that is checked."""


def several(algorithm: Algorithm, known: Known, must: Mapping[str, tuple[Interval | None, ...]], given: SizesLike) -> Sizes:
    """The sizes that the user names, completed as `resolve` does it, with those to check at besides.

    `must`: ranges of inputs that can't be otherwise. Sizes of inputs that aren't named follow from the outputs or, where
    they don't, stay as `known`. Raises `SizeError`.
    """
    if isinstance(given, (str, Mapping)) or not isinstance(given, Sequence) or not given:
        raise SizeError("sizes must be a list of sizes, such as sizes=[(1920, 1080), (640, 480)]")
    named = [_named(algorithm, one) for one in given]
    found = sorted(((_resolved(algorithm, known, must, one), one) for one in named), key=_elements, reverse=True)
    if len({str(one.to_json()) for one, _ in found}) < len(found):
        raise SizeError("sizes names the same size twice: leave one out")
    (largest, _), *others = found
    if not others:
        return largest
    whole = replace(largest, others=tuple(one for one, _ in others))
    least, least_named = others[-1]

    def beside(change: Callable[[int], int]) -> Sizes | None:
        """The least of the sizes with the extents of its outputs changed; None where nothing follows from that."""
        changed = {
            name: tuple(change(extent) if place in free else extent for place, extent in enumerate(extents(box)))
            for (name, box), free in zip(least.outputs.items(), whole.free.values(), strict=True)
        }
        try:
            return _resolved(algorithm, known, must, {**least_named, **changed})
        except SizeError:
            return None

    return replace(whole, odd=beside(odd), small=beside(lambda extent: min(extent, FEW)))


def odd(extent: int) -> int:
    """The next smaller odd extent."""
    return extent - (1 if extent % 2 == 0 else 2) if extent > FEW else extent


def _named(algorithm: Algorithm, given: Mapping[str, Extents] | Extents) -> dict[str, tuple[int, ...]]:
    """Extents by name, checked."""
    if not isinstance(given, (Mapping, Sequence)) or isinstance(given, str):
        raise SizeError(f"each of sizes must be extents, or a dict of name -> extents, but one is {given!r}")
    by_name = given if isinstance(given, Mapping) else dict.fromkeys(algorithm.outputs, given)
    dimensions = {name: len(algorithm.func(name).args) for name in algorithm.outputs}
    dimensions.update({one.name: one.dimensions for one in algorithm.inputs if one.dimensions is not None})
    result = {}
    for name, shape in by_name.items():
        if name not in dimensions:
            raise SizeError(f"sizes names {name!r}, but the outputs and inputs are {', '.join(dimensions)}")
        if not all(isinstance(extent, int) and not isinstance(extent, bool) and extent > 0 for extent in shape):
            raise SizeError(f"the extents of {name!r} in sizes must be positive whole numbers, but are {tuple(shape)}")
        if len(shape) != dimensions[name]:
            raise SizeError(f"{name!r} has {dimensions[name]} dimensions, but sizes gives it {len(shape)} extents")
        result[name] = tuple(shape)
    return result


def _resolved(
    algorithm: Algorithm,
    known: Known,
    must: Mapping[str, tuple[Interval | None, ...]],
    named: Mapping[str, tuple[int, ...]],
) -> Sizes:
    """The sizes with these extents; lower limits stay as they are known."""
    outputs = {
        name: _ranges(ranges, named[name]) if name in named else ranges for name, ranges in known.outputs.items()
    }
    inputs = {name: _ranges(known.inputs[name], named[name]) if name in named else ranges for name, ranges in must.items()}
    fallback = {name: ranges for name, ranges in known.inputs.items() if name not in named}
    return resolve(algorithm, replace(known, outputs=outputs, inputs=inputs, fallback=fallback))


def _ranges(known: Sequence[Interval | None], shape: Sequence[int]) -> tuple[Interval, ...]:
    lows = [one[0] if one is not None else 0 for one in known]
    return tuple((low, low + extent - 1) for low, extent in zip(lows, shape, strict=True))


def _elements(found: tuple[Sizes, object]) -> int:
    return sum(math.prod(extents(box)) for box in found[0].outputs.values())
