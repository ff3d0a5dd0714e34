"""From the decoded tables of a serialized pipeline to an `Algorithm`."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from autosearch.errors import PipelineError
from autosearch.pipeline.flatbuffer import Node, enum_names
from autosearch.pipeline.ir import INT32, Algorithm, Expr, Func, Image, Input, ReductionVar, Stage, Type
from autosearch.pipeline.names import canonical_funcs, canonical_rvars, canonical_vars

_BINARY = frozenset(["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "EQ", "NE", "LT", "LE", "GT", "GE", "And", "Or"])
_HALIDE_CALL, _IMAGE_CALL = 4, 0


@contextmanager
def deep_recursion(limit: int = 50_000) -> Iterator[None]:
    """Expressions are trees that nest deeply (a sum of 1,000 terms does); let walks over them recurse."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, limit))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def decode_algorithm(root: Node, order: tuple[str, ...], names: Mapping[str, str] | None = None) -> Algorithm:
    """The algorithm in a serialized pipeline.

    `order` is the realization order, in the pipeline's own names (producers first); Funcs not in it are not reachable
    from the outputs and are left out. `names`: their canonical names, where these are known already. Raises
    `PipelineError` where something needed is missing.
    """
    try:
        with deep_recursion():
            return _algorithm(root, order, names or canonical_funcs(order))
    except (KeyError, IndexError, AttributeError, TypeError, ValueError) as error:
        raise PipelineError(f"the serialized pipeline is inconsistent ({type(error).__name__}: {error})") from None


def _algorithm(root: Node, order: tuple[str, ...], canonical: Mapping[str, str]) -> Algorithm:
    nodes = {func.name: func for func in root.funcs}
    by_index = dict(enumerate(root.func_names_in_order))
    inputs: dict[str, Input] = {}
    for parameter in root.external_parameters:
        dimensions = int(parameter.dimensions) if parameter.is_buffer else None
        inputs[parameter.name] = Input(parameter.name, _type(parameter.type), dimensions)
    funcs = tuple(_func(nodes[name], canonical, by_index) for name in order)
    outputs = tuple(canonical[name] for name in root.output_names)
    images = tuple(_image(buffer) for buffer in root.buffers if buffer.name not in inputs)
    return Algorithm(funcs, outputs, tuple(inputs.values()), images, len(root.requirements), order)


def _image(buffer: Node) -> Image:
    box = tuple((int(dim.min), int(dim.min + dim.extent - 1)) for dim in buffer.dims)
    return Image(buffer.name, _type(buffer.type), box, hashlib.sha256(buffer.data).hexdigest()[:16])


def _func(node: Node, canonical: Mapping[str, str], by_index: Mapping[int, str]) -> Func:
    pure = canonical_vars(node.args)
    args = tuple(pure[name] for name in node.args)
    name = canonical[node.name]
    types = tuple(_type(t) for t in node.output_types)
    scope = _Scope(canonical, dict(pure))
    stages = []
    if node.extern_function_name:
        calls = []
        for argument in node.extern_arguments:
            called = by_index.get(argument.func_index) if argument.func_index >= 0 else None
            if argument.arg_type == 1 and called is not None and called in canonical:
                calls.append(Expr("func", INT32, (), canonical[called]))
        stages.append(Stage(name, 0, tuple(Expr("var", INT32, (), arg) for arg in args), tuple(calls)))
    else:
        definitions = [node.init_def, *node.updates]
        if definitions[0] is None:
            raise PipelineError(f"Func {node.name!r} has no definition")
        stages = [_stage(name, place, definition, scope) for place, definition in enumerate(definitions)]
    schedule = node.func_schedule

    def ranges(bounds: list[Node]) -> tuple[tuple[str, Expr | None, Expr | None], ...]:
        return tuple(
            (pure.get(bound.var, bound.var), scope.optional(bound.min), scope.optional(bound.extent))
            for bound in bounds
        )

    return Func(
        name,
        args,
        types,
        tuple(stages),
        node.extern_function_name,
        ranges(schedule.estimates),
        ranges([bound for bound in schedule.bounds if bound.modulus is None]),
        tuple(
            (pure.get(bound.var, bound.var), scope.expr(bound.modulus), scope.expr(bound.remainder))
            for bound in schedule.bounds
            if bound.modulus is not None
        ),
    )


def _stage(func: str, place: int, node: Node, outer: _Scope) -> Stage:
    names = [rvar.var for rvar in node.stage_schedule.rvars]
    rvars = canonical_rvars(names, outer.variables.values())
    scope = _Scope(outer.canonical, {**outer.variables, **rvars})
    pure_dims = root_dim_types(node.stage_schedule)
    domain = tuple(
        ReductionVar(rvars[v.var], scope.expr(v.min), scope.expr(v.extent), pure_dims.get(v.var, 2) == 1)
        for v in node.stage_schedule.rvars
    )
    args = tuple(scope.expr(arg) for arg in node.args)
    values = tuple(scope.expr(value) for value in node.values)
    predicate = scope.optional(node.predicate)
    if predicate is not None and predicate.op == "const":
        predicate = None
    return Stage(func, place, args, values, domain, predicate)


def root_dim_types(schedule: Node) -> dict[str, int]:
    """For each unscheduled loop of a stage its `DimType` (0 pure, 1 pure RVar, 2 impure RVar), undoing the splits."""
    kinds = {dim.var: int(dim.dim_type) for dim in schedule.dims}
    names = enum_names("SplitType")
    for split in reversed(schedule.splits):
        what = names[split.split_type]
        if what == "FuseVars":
            kinds[split.inner] = kinds[split.outer] = kinds.get(split.old_var, 2)
        elif what == "RenameVar":
            kinds[split.old_var] = kinds.get(split.outer, 2)
        else:
            kinds[split.old_var] = max(kinds.get(split.outer, 0), kinds.get(split.inner, 0))
    return kinds


@dataclass
class _Scope:
    """The names known while an expression is decoded."""

    canonical: Mapping[str, str]
    variables: Mapping[str, str]
    lets: dict[str, str] = field(default_factory=dict)

    def optional(self, node: Node | None) -> Expr | None:
        return None if node is None else self.expr(node)

    def expr(self, node: Node | None) -> Expr:
        if node is None:
            raise PipelineError("the serialized pipeline has an undefined expression where one is needed")
        kind = node.kind
        if kind in ("IntImm", "UIntImm", "FloatImm"):
            return Expr("const", _type(node.type), (), node.value)
        if kind == "StringImm":
            return Expr("const", Type("handle", 64), (), node.value)
        if kind in _BINARY:
            a, b = self.expr(node.a), self.expr(node.b)
            boolean = kind in ("EQ", "NE", "LT", "LE", "GT", "GE", "And", "Or")
            return Expr(kind.lower(), Type("uint", 1) if boolean else a.type, (a, b))
        if kind == "Not":
            return Expr("not", Type("uint", 1), (self.expr(node.a),))
        if kind in ("Cast", "Reinterpret"):
            return Expr(kind.lower(), _type(node.type), (self.expr(node.value),))
        if kind == "Select":
            chosen = self.expr(node.true_value)
            return Expr("select", chosen.type, (self.expr(node.condition), chosen, self.expr(node.false_value)))
        if kind == "Let":
            name = f"t{len(self.lets)}"
            value = self.expr(node.value)
            self.lets[node.name] = name
            body = self.expr(node.body)
            return Expr("let", body.type, (value, body), name)
        if kind == "Variable":
            return self.variable(node)
        if kind == "Call":
            return self.call(node)
        raise PipelineError(f"an expression of the pipeline holds a {kind}, which no front end makes")

    def variable(self, node: Node) -> Expr:
        kind = _type(node.type)
        if node.param_name:
            return Expr("param", kind, (), node.name)
        if node.name in self.lets:
            return Expr("var", kind, (), self.lets[node.name])
        return Expr("var", kind, (), self.variables.get(node.name, node.name))

    def call(self, node: Node) -> Expr:
        args = tuple(self.expr(arg) for arg in node.args)
        kind = _type(node.type)
        if node.call_type == _HALIDE_CALL:
            return Expr("func", kind, args, self.canonical.get(node.name, node.name), int(node.value_index))
        if node.call_type == _IMAGE_CALL:
            return Expr("image", kind, args, node.name)
        return Expr("call", kind, args, node.name)


def constant_of(node: Node | None) -> int | None:
    """The value of a constant integer expression, else None."""
    return int(node.value) if node is not None and node.kind in ("IntImm", "UIntImm") else None


_CODES = {0: "int", 1: "uint", 2: "float", 3: "handle", 4: "bfloat"}


def _type(node: Node | None) -> Type:
    if node is None or node.code not in _CODES:
        raise PipelineError("the serialized pipeline has an expression without a type")
    return Type(_CODES[node.code], int(node.bits))
