"""An immutable snapshot of a pipeline: what is tuned, apart from the user's objects, and able to cross processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import halide as hl
import numpy as np

from autosearch.errors import InputError, PipelineError, SizeError
from autosearch.pipeline.bounds import Dataflow, Regions, infer_regions
from autosearch.pipeline.decode import constant_of, decode_algorithm, deep_recursion
from autosearch.pipeline.fingerprint import fingerprint, func_digests
from autosearch.pipeline.flatbuffer import Node, read_pipeline
from autosearch.pipeline.intervals import Interval
from autosearch.pipeline.ir import Algorithm, Type
from autosearch.pipeline.parameters import Parameters, capture
from autosearch.pipeline.several import SizesLike, several
from autosearch.pipeline.sizes import Sizes, constrained, resolve, stated
from autosearch.pipeline.source import PipelineLike, own_schedule, to_pipeline
from autosearch.pipeline.unschedule import is_scheduled, unschedule, without_bounds


@dataclass(frozen=True)
class Snapshot:
    """A pipeline's algorithm, never scheduled, with its inputs' constraints and the sizes to tune for.

    `data` is Halide's serialized form with the schedule taken out; `given` the form as it came, where it carried one.
    """

    data: bytes
    given: bytes | None
    algorithm: Algorithm
    parameters: Parameters
    sizes: Sizes
    output_strides: Mapping[str, tuple[int | None, ...]]
    """Strides demanded of each output's dimensions, None where free."""

    def fresh(self) -> hl.Pipeline:
        """A new, unscheduled Halide pipeline that shares nothing with any other."""
        return hl.deserialize_pipeline(self.data, self.parameters.restore())

    @cached_property
    def fingerprint(self) -> str:
        """The algorithm's identity, see `autosearch.pipeline.fingerprint`."""
        return fingerprint(self.algorithm)

    @cached_property
    def func_digests(self) -> dict[str, str]:
        """A digest of each Func's definition, by canonical name."""
        return func_digests(self.algorithm)

    @cached_property
    def flow(self) -> Dataflow:
        """Who reads what of whom, at the sizes tuned for."""
        with deep_recursion():
            return Dataflow(self.algorithm, self.sizes.bindings(self.algorithm))

    @cached_property
    def regions(self) -> Regions:
        """The region of every Func and input that the outputs need."""
        with deep_recursion():
            return infer_regions(self.flow, self.sizes.outputs)


def take(
    given: PipelineLike, target: hl.Target, inputs: Mapping[str, Any] | None = None, sizes: SizesLike | None = None
) -> Snapshot:
    """Snapshot a pipeline; it is left untouched.

    What a scheduled one states of bounds (`bound`, `bound_extent`, `align_bounds`) is part of its schedule; of the algorithm
    where nothing else bounds what is needed of some Func, and where it carries no other directive.

    `inputs`: arrays (numpy order, the reverse of Halide's: `[y, x]` for a Func of `(x, y)`) and scalars by name.
    `sizes`: those to tune for at once, see `autosearch.pipeline.several`; arrays don't go with them.
    Raises `PipelineError`, `InputError` or `SizeError`, each saying what to do.
    """
    pipeline = to_pipeline(given, target)
    try:
        data, params = hl.serialize_pipeline(pipeline, get_params=True)
    except hl.HalideError as error:
        raise PipelineError(f"Halide can't serialize the pipeline: {str(error).splitlines()[0]}") from error
    with deep_recursion():
        root = read_pipeline(data)
        algorithm = decode_algorithm(root, func_order(pipeline))
        parameters = capture(params)
        shapes, scalars = _check_inputs(algorithm, inputs or {})
        limits, strides = output_constraints(root, algorithm)
        known = stated(algorithm, parameters, limits, shapes, scalars)
        if sizes is not None and shapes:
            raise InputError(f"sizes= and the array {next(iter(shapes))!r} can't both say the sizes: leave one of them out")
        chosen = resolve(algorithm, known) if sizes is None else several(
            algorithm, known, constrained(algorithm, parameters), sizes
        )
        own = own_schedule(given, target) or data
        scheduled = own if is_scheduled(read_pipeline(own)) else None
        bare = unschedule(data)
        free = _without_bounds(algorithm)
        if scheduled is not None and free != algorithm and _is_bounded(free, chosen):
            bare, algorithm = without_bounds(bare), free
        return Snapshot(bare, scheduled, algorithm, parameters, chosen, strides)


def _without_bounds(algorithm: Algorithm) -> Algorithm:
    return replace(algorithm, funcs=tuple(replace(func, bounds=(), alignments=()) for func in algorithm.funcs))


def _is_bounded(algorithm: Algorithm, sizes: Sizes) -> bool:
    """Whether all that is needed of each Func can be told without what is stated of Funcs, as Halide must."""
    told = replace(algorithm, funcs=tuple(replace(func, estimates=()) for func in algorithm.funcs))
    try:
        infer_regions(Dataflow(told, sizes.bindings(told)), sizes.outputs)
    except SizeError:
        return False
    return True


def read_algorithm(given: PipelineLike, target: hl.Target) -> tuple[Algorithm, bool]:
    """The algorithm of a pipeline, whatever its sizes, and whether it carries a schedule. Raises `PipelineError`."""
    pipeline = to_pipeline(given, target)
    with deep_recursion():
        root = read_pipeline(hl.serialize_pipeline(pipeline))
        return decode_algorithm(root, func_order(pipeline)), is_scheduled(root)


def func_order(pipeline: hl.Pipeline) -> tuple[str, ...]:
    """Names of all Funcs of a pipeline in realization order, producers first."""
    return tuple(func.name() for func in funcs_of(pipeline))


def funcs_of(pipeline: hl.Pipeline) -> list[hl.Func]:
    """All Funcs of a pipeline in realization order, producers first."""
    funcs: list[hl.Func] = []
    while True:
        try:
            funcs.append(pipeline.get_func(len(funcs)))
        except hl.HalideError:
            if not funcs:
                raise
            return funcs


def output_constraints(
    root: Node, algorithm: Algorithm
) -> tuple[dict[str, tuple[Interval | None, ...]], dict[str, tuple[int | None, ...]]]:
    """Ranges and strides stated on output buffers (`dim(0).set_bounds(...)`), which the serialized form has."""
    canonical = dict(zip(algorithm.halide_names, (func.name for func in algorithm.funcs), strict=True))
    limits: dict[str, tuple[Interval | None, ...]] = {}
    strides: dict[str, tuple[int | None, ...]] = {}
    for parameter in root.parameters:
        name = canonical.get(parameter.name.split(".")[0], "")
        if name not in algorithm.outputs:
            continue
        ranges: list[Interval | None] = []
        for constraint in parameter.buffer_constraints:
            low, size = constant_of(constraint.min), constant_of(constraint.extent)
            if size is None:
                low, size = constant_of(constraint.min_estimate), constant_of(constraint.extent_estimate)
            ranges.append(None if size is None else (low or 0, (low or 0) + size - 1))
        limits[name] = tuple(ranges)
        strides[name] = tuple(constant_of(constraint.stride) for constraint in parameter.buffer_constraints)
    return limits, strides


def numpy_type(kind: Type) -> np.dtype[Any]:
    """The numpy type that holds elements of a Halide type (bfloat16 and float16 bits travel as uint16 and float16)."""
    if kind.code == "bfloat":
        return np.dtype(np.uint16)
    if (kind.code, kind.bits) == ("uint", 1):
        return np.dtype(np.bool_)
    letter = {"int": "i", "uint": "u", "float": "f"}.get(kind.code)
    if letter is None:
        raise InputError(f"AutoSearch can't make arrays of type {kind}")
    return np.dtype(f"{letter}{kind.bits // 8}")


def _check_inputs(
    algorithm: Algorithm, inputs: Mapping[str, Any]
) -> tuple[dict[str, tuple[int, ...]], dict[str, float]]:
    """Shapes of the arrays given (in Halide's order) and values of the scalars given."""
    if not isinstance(inputs, Mapping):
        raise InputError(f"inputs must be a dict of name -> array or scalar, but got {type(inputs).__name__}")
    known = {one.name: one for one in algorithm.inputs}
    shapes: dict[str, tuple[int, ...]] = {}
    scalars: dict[str, float] = {}
    for name, value in inputs.items():
        if name not in known:
            raise InputError(f"the pipeline has no input {name!r}; its inputs are {', '.join(known) or 'none'}")
        one = known[name]
        if one.dimensions is None:
            if np.ndim(value) != 0:
                raise InputError(f"input {name!r} is a scalar of type {one.type}, but an array was given")
            scalars[name] = np.asarray(value).item()
            continue
        array = np.asarray(value)
        expected = numpy_type(one.type)
        if array.dtype != expected:
            raise InputError(
                f"input {name!r} has elements of type {array.dtype}, but the pipeline wants {expected}: "
                f"convert it with .astype('{expected}')"
            )
        if array.ndim != one.dimensions:
            raise InputError(
                f"input {name!r} has {array.ndim} dimensions, but the pipeline wants {one.dimensions} "
                "(numpy order, the reverse of Halide's)"
            )
        shapes[name] = tuple(reversed(array.shape))
    return shapes, scalars
