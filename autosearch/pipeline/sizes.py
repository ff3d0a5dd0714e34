"""The concrete sizes that a pipeline is tuned for: boxes of outputs and inputs, values of scalars.

They come from the user's arrays, from constraints and from estimates, in this order. What is missing is inferred: the
inputs from what the outputs need, the outputs from what the inputs allow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from autosearch.errors import SizeError
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import Dataflow, extents, hull, infer_regions, is_finite
from autosearch.pipeline.intervals import Bindings, Interval, constant_value
from autosearch.pipeline.ir import Algorithm
from autosearch.pipeline.parameters import Parameters

CHANNELS = 4
"""Extents up to this are channels, which a schedule may take for constant."""


@dataclass(frozen=True)
class Sizes:
    """Boxes (inclusive coordinates, Halide's order of dimensions: innermost first) and scalar values."""

    outputs: Mapping[str, Box]
    inputs: Mapping[str, Box]
    scalars: Mapping[str, float] = field(default_factory=dict)
    others: tuple[Sizes, ...] = ()
    """Smaller ones to tune for at once."""
    odd: Sizes | None = None
    small: Sizes | None = None
    """Where there are others: sizes at which a schedule must work too, of odd extents and of a few elements."""

    @property
    def each(self) -> tuple[Sizes, ...]:
        """All that are tuned for, the largest first."""
        return (replace(self, others=(), odd=None, small=None), *self.others)

    @property
    def free(self) -> dict[str, frozenset[int]]:
        """For each output the dimensions in which a schedule must work at any extent: all but channels.

        Nothing where there is one size: a schedule may be for that alone.
        """
        if not self.others:
            return {}
        shapes = {name: [extents(one.outputs[name]) for one in self.each] for name in self.outputs}
        return {
            name: frozenset(
                place for place, along in enumerate(zip(*each, strict=True)) if len(set(along)) > 1 or max(along) > CHANNELS
            )
            for name, each in shapes.items()
        }

    def bindings(self, algorithm: Algorithm) -> Bindings:
        """The values of all parameters at these sizes."""
        params: dict[str, float] = dict(self.scalars)
        halide_name = dict(zip((f.name for f in algorithm.funcs), algorithm.halide_names, strict=True))
        boxes = {**self.inputs, **{halide_name[name]: box for name, box in self.outputs.items()}}
        for name, box in boxes.items():
            stride = 1
            for place, (low, high) in enumerate(box):
                if is_finite(((low, high),)):
                    params[f"{name}.min.{place}"] = int(low)
                    params[f"{name}.extent.{place}"] = int(high - low + 1)
                    params[f"{name}.stride.{place}"] = stride
                    stride *= int(high - low + 1)
        return Bindings(algorithm, params)

    def to_json(self) -> dict[str, object]:
        """Extents and minima as plain lists, for records and messages."""
        return {
            "outputs": {name: [list(i) for i in box] for name, box in self.outputs.items()},
            "inputs": {name: [list(i) for i in box] for name, box in self.inputs.items()},
            "scalars": dict(self.scalars),
            **({"others": [one.to_json() for one in self.others]} if self.others else {}),
            **({"odd": self.odd.to_json()} if self.odd is not None else {}),
            **({"small": self.small.to_json()} if self.small is not None else {}),
        }

    @staticmethod
    def from_json(content: Any) -> Sizes:
        """The inverse of `to_json`. Raises `SizeError` where it is malformed."""
        try:
            outputs, inputs = ({name: _box(box) for name, box in content[key].items()} for key in ("outputs", "inputs"))
            scalars = {str(name): float(value) for name, value in content["scalars"].items()}
            others = tuple(Sizes.from_json(one) for one in content.get("others", ()))
            odd, small = (Sizes.from_json(content[key]) if key in content else None for key in ("odd", "small"))
            return Sizes(outputs, inputs, scalars, others, odd, small)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SizeError(f"sizes are malformed: {type(error).__name__} {error}") from None


def _box(content: Any) -> Box:
    box = tuple((int(low), int(high)) for low, high in content)
    if any(low > high or max(abs(low), abs(high)) >= _HUGE for low, high in box):
        raise ValueError(f"{content} are no ranges")
    return box


@dataclass(frozen=True)
class Known:
    """What was stated about sizes: per dimension a range or None. `exact` inputs came as arrays."""

    outputs: Mapping[str, tuple[Interval | None, ...]]
    inputs: Mapping[str, tuple[Interval | None, ...]]
    scalars: Mapping[str, float]
    exact: frozenset[str] = frozenset()
    fallback: Mapping[str, tuple[Interval | None, ...]] = field(default_factory=dict)
    """For inputs whose size is not stated: what it is where it doesn't follow from the outputs."""

    def otherwise(self, name: str, dimension: int) -> Interval | None:
        """The range of an input's dimension where it doesn't follow."""
        return self.fallback[name][dimension] if name in self.fallback else None

    def settled(self, name: str, dimension: int, limits: Interval) -> Known:
        """The same with one dimension of an input stated."""
        ranges = list(self.inputs[name])
        ranges[dimension] = limits
        return replace(self, inputs={**self.inputs, name: tuple(ranges)})


def stated(
    algorithm: Algorithm,
    parameters: Parameters,
    output_limits: Mapping[str, tuple[Interval | None, ...]],
    shapes: Mapping[str, tuple[int, ...]],
    scalars: Mapping[str, float],
) -> Known:
    """Collect what arrays (`shapes`, in Halide's order), constraints and estimates say."""
    blank = Bindings(algorithm)
    values: dict[str, float] = {}
    inputs: dict[str, tuple[Interval | None, ...]] = {}
    for one in algorithm.inputs:
        if one.dimensions is None:
            for prop in ("estimate", "scalar", "default_value"):
                expr = parameters.get(one.name, prop)
                value = constant_value(expr, blank) if expr is not None else None
                if value is not None:
                    values[one.name] = value
                    break
            continue
        ranges: list[Interval | None] = []
        for dimension in range(one.dimensions):
            found = _range(parameters, blank, one.name, dimension)
            wrapper = algorithm.by_name.get(f"{one.name}_im")
            if found is None and wrapper is not None:  # a pipeline from a file: its wrapper Func keeps the estimates
                found = _own(wrapper.estimates, wrapper.args[dimension], blank)
            ranges.append(found)
        inputs[one.name] = tuple(ranges)
    values.update(scalars)
    for name, shape in shapes.items():
        inputs[name] = tuple((0, size - 1) for size in shape)
    for image in algorithm.images:
        inputs[image.name] = image.box
    outputs: dict[str, tuple[Interval | None, ...]] = {}
    for name in algorithm.outputs:
        func = algorithm.func(name)
        limits = output_limits.get(name, (None,) * len(func.args))
        own = [_own(func.estimates, arg, blank) or _own(func.bounds, arg, blank) for arg in func.args]
        outputs[name] = tuple(limit or estimate for limit, estimate in zip(limits, own, strict=True))
    return Known(outputs, inputs, values, frozenset([*shapes, *(image.name for image in algorithm.images)]))


def resolve(algorithm: Algorithm, known: Known) -> Sizes:
    """Complete what was stated to concrete sizes.

    Raises `SizeError` where the outputs' sizes are neither stated nor follow from inputs, or where an array given is
    smaller than the outputs need.
    """
    missing = [name for name, ranges in known.outputs.items() if None in ranges]
    scalars = dict(known.scalars)
    needs = [i.name for i in algorithm.inputs if i.is_scalar and i.name not in scalars]
    if needs:
        raise SizeError(
            f"the scalar parameter {needs[0]!r} has no value: pass inputs={{{needs[0]!r}: ...}} or set one with "
            f"{needs[0]}.set_estimate(value)"
        )
    if missing:
        known = replace(known, outputs=_fit_outputs(algorithm, known, missing))
    outputs = {name: tuple(i for i in ranges if i is not None) for name, ranges in known.outputs.items()}
    return _with_inputs(algorithm, outputs, known)


def _with_inputs(algorithm: Algorithm, outputs: Mapping[str, Box], known: Known) -> Sizes:
    """Inputs of unstated size become as large as needed.

    Where a boundary condition clamps every index, any size would do; then it is what would be read without the clamp.
    """
    unlimited = {name: tuple(i or (-_HUGE, _HUGE) for i in ranges) for name, ranges in known.inputs.items()}
    widest = _needed(algorithm, outputs, known, unlimited)
    smallest = {name: tuple(i or (0, 0) for i in ranges) for name, ranges in known.inputs.items()}
    for _ in range(_ITERATIONS):  # the size of one input may bound what is read of another, or of itself
        needed = _needed(algorithm, outputs, known, smallest)
        if needed == smallest:
            break
        smallest = needed
    chosen = {
        name: tuple(w if s[0] == s[1] else s for s, w in zip(box, widest[name], strict=True))
        for name, box in smallest.items()
    }
    for name, box in chosen.items():
        for dimension, (low, high) in enumerate(box):
            if max(abs(low), abs(high)) >= _HUGE // 2:
                instead = known.otherwise(name, dimension)
                if instead is not None:
                    return _with_inputs(algorithm, outputs, known.settled(name, dimension, instead))
                raise SizeError(
                    f"can't tell how large input {name!r} must be in dimension {dimension}: pass it in inputs=, or give "
                    f"{name}.dim({dimension}).set_estimate(min, extent)"
                )
    return Sizes(outputs, chosen, known.scalars)


_ITERATIONS = 4
_HUGE = 1 << 28


def _needed(
    algorithm: Algorithm, outputs: Mapping[str, Box], known: Known, inputs: Mapping[str, Box]
) -> dict[str, Box]:
    """What the outputs need of each input, if the inputs are of the sizes given."""
    sizes = Sizes(outputs, inputs, known.scalars)
    return _grow(algorithm, known, infer_regions(Dataflow(algorithm, sizes.bindings(algorithm)), outputs).inputs)


def _finite_inputs(known: Known) -> dict[str, Box]:
    return {name: tuple(i or (-math.inf, math.inf) for i in ranges) for name, ranges in known.inputs.items()}


def _grow(algorithm: Algorithm, known: Known, needed: Mapping[str, Box]) -> dict[str, Box]:
    result: dict[str, Box] = {}
    for one in algorithm.inputs:
        if one.dimensions is None:
            continue
        ranges = known.inputs[one.name]
        wanted = needed.get(one.name, ((math.inf, -math.inf),) * one.dimensions)
        box = []
        for dimension, (given, want) in enumerate(zip(ranges, wanted, strict=True)):
            fits = given is not None and (not is_finite((want,)) or (given[0] <= want[0] and want[1] <= given[1]))
            if given is not None and fits:
                box.append(given)
            elif given is not None and one.name in known.exact:
                raise SizeError(
                    f"input {one.name!r} covers [{given[0]}, {given[1]}] in dimension {dimension}, but computing the "
                    f"outputs reads [{want[0]:g}, {want[1]:g}] of it: pass a larger array, or set smaller estimates of "
                    "the outputs"
                )
            elif not is_finite((want,)) and (instead := known.otherwise(one.name, dimension)) is not None:
                box.append(instead)
            elif not is_finite((want,)):
                raise SizeError(
                    f"can't tell how large input {one.name!r} must be in dimension {dimension}: pass it in inputs=, or "
                    f"give {one.name}.dim({dimension}).set_estimate(min, extent)"
                )
            else:
                low, high = hull((given,), (want,))[0] if given is not None else want
                box.append((int(low), int(high)))
        result[one.name] = tuple(box)
    return result


def _fit_outputs(algorithm: Algorithm, known: Known, missing: list[str]) -> dict[str, tuple[Interval | None, ...]]:
    """Choose each unstated output dimension as large as the inputs allow.

    Where the inputs don't limit it (a boundary condition clamps every index), take the smallest extent from which a
    larger one reads no more of them.
    """
    if not any(None not in ranges for ranges in known.inputs.values()):
        name = missing[0]
        raise SizeError(
            f"there are no sizes to tune for: pass inputs={{name: array}}, or give estimates with "
            f"{name}.set_estimates([(min, extent), ...]) on each output and input.set_estimates(...) on each input"
        )
    outputs = {name: tuple(i if i is not None else (0, 0) for i in ranges) for name, ranges in known.outputs.items()}
    for name in missing:
        for place, stated_range in enumerate(known.outputs[name]):
            if stated_range is None:
                outputs[name] = _fit_dimension(algorithm, known, outputs, name, place)
    return {name: tuple(box) for name, box in outputs.items()}


def _fit_dimension(algorithm: Algorithm, known: Known, outputs: Mapping[str, Box], name: str, place: int) -> Box:
    def with_range(low: int, high: int) -> dict[str, Box]:
        box = list(outputs[name])
        box[place] = (low, high)
        return {**outputs, name: tuple(box)}

    flow = Dataflow(algorithm, Sizes(with_range(0, 0), _finite_inputs(known), known.scalars).bindings(algorithm))

    def reads(low: int, high: int) -> Mapping[str, Box]:
        return infer_regions(flow, with_range(low, high)).inputs

    def fits(found: Mapping[str, Box]) -> bool:
        return all(
            given is None or not is_finite((want,)) or (given[0] <= want[0] and want[1] <= given[1])
            for input_name, box in found.items()
            for given, want in zip(known.inputs[input_name], box, strict=True)
        )

    origin = next((low for low in range(0, 257) if fits(reads(low, low))), None)
    if origin is None:
        raise SizeError(
            f"the inputs given are too small to compute any element of {name!r}, or its sizes don't follow from them: "
            f"give {name}.set_estimates([(min, extent), ...])"
        )
    limit = 1 << 26
    largest = _last(lambda high: fits(reads(origin, high)), origin, limit)
    if largest == limit:
        everything = reads(origin, limit)
        largest = _last(lambda high: reads(origin, high) != everything, origin, limit) + 1
        largest = _same_as_an_input(known, largest - origin + 1) + origin - 1
        if largest == origin or largest >= limit:  # it doesn't touch the inputs, or only ones of unknown size
            raise SizeError(
                f"the size of {name!r} in dimension {place} doesn't follow from the inputs: give "
                f"{name}.set_estimates([(min, extent), ...])"
            )
    box = list(outputs[name])
    box[place] = (origin, largest)
    return tuple(box)


def _same_as_an_input(known: Known, extent: int) -> int:
    """The extent of an input close to `extent`, else `extent`: a boundary condition keeps sizes as they are."""
    sizes = {int(i[1] - i[0]) + 1 for ranges in known.inputs.values() for i in ranges if i is not None}
    close = [size for size in sizes if abs(size - extent) <= max(8, extent // 16)]
    return min(close, key=lambda size: abs(size - extent), default=extent)


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The largest value in [low, high] up to which `holds` (a monotone predicate, true at `low`)."""
    if holds(high):
        return high
    if not holds(low):
        return low - 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


_CONSTRAINT = ("min_constraint", "extent_constraint")
_ESTIMATE = ("min_constraint_estimate", "extent_constraint_estimate")


def constrained(algorithm: Algorithm, parameters: Parameters) -> dict[str, tuple[Interval | None, ...]]:
    """For each input the ranges that it must have, None where it may be of any size."""
    blank, images = Bindings(algorithm), {image.name: image.box for image in algorithm.images}
    return {
        one.name: images.get(
            one.name, tuple(_range(parameters, blank, one.name, d, (_CONSTRAINT,)) for d in range(one.dimensions))
        )
        for one in algorithm.inputs
        if one.dimensions is not None
    }


def _range(
    parameters: Parameters,
    blank: Bindings,
    name: str,
    dimension: int,
    properties: Sequence[tuple[str, str]] = (_CONSTRAINT, _ESTIMATE),
) -> Interval | None:
    for low_name, size_name in properties:
        low = parameters.get(name, low_name, dimension)
        size = parameters.get(name, size_name, dimension)
        if size is not None:
            first = constant_value(low, blank) if low is not None else 0
            count = constant_value(size, blank)
            if first is not None and count is not None:
                return (int(first), int(first + count - 1))
    return None


def _own(ranges: tuple[tuple[str, object, object], ...], arg: str, blank: Bindings) -> Interval | None:
    for name, low, size in ranges:
        if name == arg and low is not None and size is not None:
            first, count = constant_value(low, blank), constant_value(size, blank)  # type: ignore[arg-type]
            if first is not None and count is not None:
                return (int(first), int(first + count - 1))
    return None
