"""What the serialized form leaves out: the constraints and values of inputs, in a form that crosses processes.

Halide keeps external parameters (inputs) apart from a serialized pipeline. Their constraints (`set_bounds`,
`set_stride`) are expressions that may refer to other inputs; they travel as the definitions of a second, tiny pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import halide as hl

from autosearch.errors import PipelineError
from autosearch.pipeline.decode import decode_algorithm
from autosearch.pipeline.flatbuffer import read_pipeline
from autosearch.pipeline.ir import Expr, Type

_CONSTRAINTS = ("min_constraint", "extent_constraint", "stride_constraint")
_ESTIMATES = ("min_constraint_estimate", "extent_constraint_estimate")
_SCALARS = ("min_value", "max_value", "estimate", "default_value")
_VALUE = "scalar"

Key = tuple[str, str, int]
"""An input's name, a property's, and the dimension that it is of."""


@dataclass(frozen=True)
class Parameter:
    """One input as Halide's front end declared it; `dimensions` is None for a scalar."""

    name: str
    type: Type
    dimensions: int | None
    host_alignment: int = 0


@dataclass(frozen=True)
class Property:
    """One expression attached to a parameter: a constraint or estimate of a dimension, or a property of a scalar."""

    parameter: str
    name: str
    dimension: int
    value: Expr


@dataclass(frozen=True)
class Parameters:
    """All inputs of a pipeline with their properties; `expressions` is the pipeline whose outputs those are."""

    declared: tuple[Parameter, ...]
    properties: tuple[Property, ...]
    expressions: bytes

    def get(self, parameter: str, name: str, dimension: int = 0) -> Expr | None:
        """The expression of a property, or None where it was not set."""
        for prop in self.properties:
            if (prop.parameter, prop.name, prop.dimension) == (parameter, name, dimension):
                return prop.value
        return None

    def to_json(self) -> dict[str, Any]:
        """All but `expressions`, as plain lists."""
        return {
            "declared": [[p.name, p.type.code, p.type.bits, p.dimensions, p.host_alignment] for p in self.declared],
            "properties": [[prop.parameter, prop.name, prop.dimension] for prop in self.properties],
        }

    def restore(self) -> dict[str, hl.Parameter]:
        """New Halide parameters with all properties, as `hl.deserialize_pipeline` wants them."""
        params: dict[str, hl.Parameter] = {}
        for one in self.declared:
            kind = _halide_type(one.type)
            params[one.name] = hl.Parameter(kind, one.dimensions is not None, one.dimensions or 0, one.name)
            if one.dimensions is not None and one.host_alignment:
                params[one.name].set_host_alignment(one.host_alignment)
        if not self.properties:
            return params
        outputs = hl.deserialize_pipeline(self.expressions, params).outputs()
        for prop, output in zip(self.properties, outputs, strict=True):
            parameter, value = params[prop.parameter], output.value()
            if prop.name in _SCALARS:
                getattr(parameter, f"set_{prop.name.removesuffix('_value')}" + _suffix(prop.name))(value)
            elif prop.name != _VALUE:
                getattr(parameter, f"set_{prop.name}")(prop.dimension, value)
        return params


def _suffix(name: str) -> str:
    return "_value" if name.endswith("_value") else ""


def capture(params: Mapping[str, hl.Parameter]) -> Parameters:
    """Read everything set on Halide's parameters."""
    declared: dict[str, Parameter] = {}
    found: list[tuple[Key, hl.Expr]] = []
    for name, param in params.items():
        _declare(declared, name, param)
        if param.is_buffer():
            for dimension in range(param.dimensions()):
                for prop in _CONSTRAINTS + _ESTIMATES:
                    found.append(((name, prop, dimension), getattr(param, prop)(dimension)))
        else:
            for prop in _SCALARS:
                found.append(((name, prop, 0), getattr(param, prop)()))
            try:
                found.append(((name, _VALUE, 0), param.scalar_expr()))
            except hl.HalideError:
                pass  # no value was set
    found = [entry for entry in found if entry[1].defined()]
    if not found:
        return Parameters(tuple(declared.values()), (), b"")
    outputs = []
    for place, (_, value) in enumerate(found):
        output = hl.Func(f"property_{place}")
        output[()] = value
        outputs.append(output)
    data, used = hl.serialize_pipeline(hl.Pipeline(outputs), get_params=True)
    for name, param in used.items():
        _declare(declared, name, param)
    return _with_expressions(tuple(declared.values()), [key for key, _ in found], data)


def _with_expressions(declared: tuple[Parameter, ...], keys: Sequence[Key], data: bytes) -> Parameters:
    """Parameters whose properties are the outputs of the serialized pipeline `data`, in the order of `keys`."""
    root = read_pipeline(data)
    algorithm = decode_algorithm(root, tuple(root.output_names))
    values = [algorithm.func(name).stages[0].values[0] for name in algorithm.outputs]
    if len(values) != len(keys):
        raise PipelineError(f"{len(keys)} properties of inputs were announced, but {len(values)} came")
    return Parameters(declared, tuple(Property(*key, value) for key, value in zip(keys, values, strict=True)), data)


def from_json(content: Any, expressions: bytes) -> Parameters:
    """The inverse of `Parameters.to_json`, with its `expressions` apart. Raises `PipelineError` where it is malformed."""
    try:
        declared = tuple(
            _parameter(_text(name), _text(code), int(bits), None if dims is None else int(dims), int(alignment))
            for name, code, bits, dims, alignment in content["declared"]
        )
        keys = [(_text(name), _text(prop), int(dimension)) for name, prop, dimension in content["properties"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise PipelineError(f"the description of the inputs is malformed: {type(error).__name__} {error}") from None
    known = {one.name: one.dimensions for one in declared}
    for name, prop, dimension in keys:
        of_buffer = prop in _CONSTRAINTS + _ESTIMATES and 0 <= dimension < (known.get(name) or 0)
        if not of_buffer and not (prop in (*_SCALARS, _VALUE) and known.get(name, 0) is None):
            raise PipelineError(f"the description of the inputs has an unknown property {prop!r} of {name!r}")
    return _with_expressions(declared, keys, expressions) if keys else Parameters(declared, (), b"")


def _parameter(name: str, code: str, bits: int, dimensions: int | None, alignment: int) -> Parameter:
    fits = code in (*_MAKERS, "handle") and bits in (1, 8, 16, 32, 64) and 0 <= (dimensions or 0) <= 32
    if not fits or not 0 <= alignment <= 1 << 16:
        raise ValueError(f"{name}: {code}{bits} of {dimensions} dimensions, aligned to {alignment}")
    return Parameter(name, Type(code, bits), dimensions, alignment)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {type(value).__name__}")
    return value


def _declare(declared: dict[str, Parameter], name: str, param: hl.Parameter) -> None:
    is_buffer = param.is_buffer()
    alignment = param.host_alignment() if is_buffer else 0
    declared.setdefault(
        name, Parameter(name, _type_of(param.type()), param.dimensions() if is_buffer else None, alignment)
    )


_MAKERS = {"int": hl.Int, "uint": hl.UInt, "float": hl.Float, "bfloat": hl.BFloat}


def _halide_type(kind: Type) -> hl.Type:
    return _MAKERS[kind.code](kind.bits) if kind.code in _MAKERS else hl.Handle()


def _type_of(kind: hl.Type) -> Type:
    for code, make in _MAKERS.items():
        if kind == make(kind.bits()):
            return Type(code, kind.bits())
    return Type("handle", 64)
