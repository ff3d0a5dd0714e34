"""What the serialized form leaves out: the constraints and values of inputs, in a form that crosses processes.

Halide keeps external parameters (inputs) apart from a serialized pipeline. Their constraints (`set_bounds`,
`set_stride`) are expressions that may refer to other inputs; they travel as the definitions of a second, tiny pipeline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import halide as hl

from autosearch.pipeline.decode import decode_algorithm
from autosearch.pipeline.flatbuffer import read_pipeline
from autosearch.pipeline.ir import Expr, Type

_CONSTRAINTS = ("min_constraint", "extent_constraint", "stride_constraint")
_ESTIMATES = ("min_constraint_estimate", "extent_constraint_estimate")
_SCALARS = ("min_value", "max_value", "estimate", "default_value")


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
            elif prop.name != "scalar":
                getattr(parameter, f"set_{prop.name}")(prop.dimension, value)
        return params


def _suffix(name: str) -> str:
    return "_value" if name.endswith("_value") else ""


def capture(params: Mapping[str, hl.Parameter]) -> Parameters:
    """Read everything set on Halide's parameters."""
    declared: dict[str, Parameter] = {}
    found: list[tuple[str, str, int, hl.Expr]] = []
    for name, param in params.items():
        _declare(declared, name, param)
        if param.is_buffer():
            for dimension in range(param.dimensions()):
                for prop in _CONSTRAINTS + _ESTIMATES:
                    found.append((name, prop, dimension, getattr(param, prop)(dimension)))
        else:
            for prop in _SCALARS:
                found.append((name, prop, 0, getattr(param, prop)()))
            try:
                found.append((name, "scalar", 0, param.scalar_expr()))
            except hl.HalideError:
                pass  # no value was set
    found = [entry for entry in found if entry[3].defined()]
    if not found:
        return Parameters(tuple(declared.values()), (), b"")
    outputs = []
    for place, (_, _, _, value) in enumerate(found):
        output = hl.Func(f"property_{place}")
        output[()] = value
        outputs.append(output)
    data, used = hl.serialize_pipeline(hl.Pipeline(outputs), get_params=True)
    for name, param in used.items():
        _declare(declared, name, param)
    root = read_pipeline(data)
    algorithm = decode_algorithm(root, tuple(root.output_names))
    values = [algorithm.func(name).stages[0].values[0] for name in algorithm.outputs]
    properties = tuple(
        Property(name, prop, dimension, value) for (name, prop, dimension, _), value in zip(found, values, strict=True)
    )
    return Parameters(tuple(declared.values()), properties, data)


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
