"""An algorithm written as Python, from its intermediate representation: what a person might have written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from autosearch.errors import ExportError
from autosearch.pipeline.ir import INT32, Algorithm, Expr, Func, Stage, Type

_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">",
    "ge": ">=", "and": "&", "or": "|",
}  # fmt: skip
_BITWISE = {"shift_left": "<<", "shift_right": ">>", "bitwise_and": "&", "bitwise_or": "|", "bitwise_xor": "^"}
_MAKERS = {"int": "Int", "uint": "UInt", "float": "Float", "bfloat": "BFloat"}
_SAME_NAME = frozenset(
    """
    abs absd count_leading_zeros count_trailing_zeros div_round_to_zero halving_add halving_sub lerp likely
    likely_if_innermost mod_round_to_zero mul_shift_right popcount rounding_halving_add rounding_mul_shift_right
    rounding_shift_left rounding_shift_right saturating_add saturating_sub strict_float widen_right_add widen_right_mul
    widen_right_sub widening_add widening_mul widening_shift_left widening_shift_right widening_sub
    """.split()  # noqa: SIM905 (a list of so many words is no easier to read)
)
_MATH = re.compile(r"^([a-z0-9_]+?)_(?:f16|f32|f64)$")
_PROPERTY = re.compile(r"^(.+)\.(min|extent|stride)\.(\d+)$")
_DIMENSIONS = "xyzw"


def type_text(kind: Type) -> str:
    """`hl.UInt(8)`. Raises `ExportError`."""
    if kind.code not in _MAKERS:
        raise ExportError(f"a value of type {kind} can't be written in Python")
    return f"hl.{_MAKERS[kind.code]}({kind.bits})"


class Writer:
    """Writes definitions. `names`: the Python expressions that stand for Funcs and inputs."""

    def __init__(self, algorithm: Algorithm, names: Mapping[str, str]) -> None:
        self.algorithm = algorithm
        self.names = names
        self.lets: dict[str, Expr] = {}
        self.variables: dict[str, str] = {}

    def func(self, func: Func) -> Iterator[str]:
        """The statements that define a Func. Raises `ExportError` for what can't be written."""
        if func.extern:
            raise ExportError(f"Func {func.name} is defined outside of Halide, which can't be written in Python")
        for stage in func.stages:
            self.variables = {arg: variable(arg) for arg in func.args}
            yield from self.domain(stage)
            args = ", ".join(self.bare(arg) for arg in stage.args)
            values = [self.typed(value) for value in stage.values]
            value = values[0] if len(values) == 1 else f"hl.Tuple(({', '.join(values)}))"
            yield f"{self.names[func.name]}[{args or '()'}] = {value}"

    def domain(self, stage: Stage) -> Iterator[str]:
        """The reduction domain of a stage, if it has one, with its condition."""
        if not stage.rvars:
            return
        if len(stage.rvars) > len(_DIMENSIONS):
            raise ExportError(f"the reduction domain of {stage.key} has more than four dimensions")
        stem = _stem([one.name for one in stage.rvars])
        name = variable(stem) if variable(stem) not in self.names.values() else f"{stem}_domain"
        ranges = ", ".join(f"({self.bare(one.min)}, {self.bare(one.extent)})" for one in stage.rvars)
        for place, one in enumerate(stage.rvars):
            self.variables[one.name] = f"{name}.{_DIMENSIONS[place]}"
        yield f'{name} = hl.RDom([{ranges}], "{stem}")'
        if stage.predicate is not None:
            yield f"{name}.where({self.bare(stage.predicate)})"

    def typed(self, expr: Expr) -> str:
        """An expression that is a whole value: a bare number would lose its type."""
        return f"hl.{_short(expr.type)}({expr.value})" if expr.op == "const" and expr.type == INT32 else self.bare(expr)

    def scalar(self, expr: Expr) -> str:
        """An expression where calls of Funcs would be taken for a Tuple: a cast to their own type changes nothing."""
        return _cast(expr.type, self.bare(expr)) if expr.op == "func" else self.typed(expr)

    def bare(self, expr: Expr) -> str:
        """An expression that stands by itself: no parentheses around it are needed."""
        text = self.expr(expr)
        enclosed = expr.op in _SYMBOLS or (expr.op == "call" and expr.value in _BITWISE)
        return text[1:-1] if enclosed else text

    def expr(self, expr: Expr) -> str:
        """An expression. Raises `ExportError` for what can't be written."""
        op, args = expr.op, expr.args
        if op == "const":
            return _constant(expr)
        if op == "var":
            return self.expr(self.lets[expr.value]) if expr.value in self.lets else self.variables[expr.value]
        if op == "param":
            return self.parameter(str(expr.value))
        if op in _SYMBOLS:
            both = args[0].op == args[1].op == "const"  # of which at least one must know its type
            first = self.typed(args[0]) if both else self.expr(args[0])
            return f"({first} {_SYMBOLS[op]} {self.expr(args[1])})"
        if op in ("func", "image"):
            called = f"{self.called(expr)}[{', '.join(map(self.bare, args)) or '()'}]"
            several = op == "func" and len(self.algorithm.func(expr.value).types) > 1
            return f"{called}[{expr.index}]" if several else called
        if op in ("min", "max"):
            return f"hl.{op}({self.typed(args[0])}, {self.bare(args[1])})"
        if op == "not":
            return f"hl.logical_not({self.bare(args[0])})"
        if op == "select":
            return f"hl.select({self.bare(args[0])}, {self.scalar(args[1])}, {self.scalar(args[2])})"
        if op == "cast":
            return _cast(expr.type, self.typed(args[0]))
        if op == "reinterpret":
            return f"hl.reinterpret({type_text(expr.type)}, {self.typed(args[0])})"
        if op == "let":
            self.lets[expr.value] = args[0]
            return self.expr(args[1])
        return self.call(expr)

    def called(self, expr: Expr) -> str:
        if expr.value not in self.names:
            raise ExportError(f"the table of constants {expr.value!r} can't be written in Python")
        return self.names[expr.value]

    def parameter(self, name: str) -> str:
        found = _PROPERTY.match(name)
        if found is None:
            return self.names[name]
        if found[1] not in {one.name for one in self.algorithm.inputs}:
            raise ExportError(f"{name}, of an output, can't be written in Python")
        return f"{self.names[found[1]]}.dim({found[3]}).{found[2]}()"

    def call(self, expr: Expr) -> str:
        name, args = str(expr.value), expr.args
        if name in _BITWISE:
            first = self.expr(args[0]) if args[0].op != "const" else self.typed(args[0])
            return f"({first} {_BITWISE[name]} {self.expr(args[1])})"
        if name == "bitwise_not":
            return f"(~{self.expr(args[0])})"
        if name == "undef":
            return f"hl.undef({type_text(expr.type)})"
        inside = ", ".join(map(self.typed, args))
        if name == "saturating_cast":
            return f"hl.saturating_cast({type_text(expr.type)}, {inside})"
        if name == "promise_clamped":
            return f"hl.unsafe_promise_clamped({inside})"
        if name == "mux":
            options = ", ".join(map(self.scalar, args[1:]))
            return f"hl.mux({self.bare(args[0])}, [{options}])"
        math_name = _MATH.match(name)
        if name in _SAME_NAME or math_name:
            return f"hl.{math_name[1] if math_name else name}({inside})"
        raise ExportError(f"a call of {name!r} can't be written in Python")


def variable(name: str) -> str:
    """The Python name of a Var or RDom."""
    plain = re.sub(r"\W", "_", name)
    return f"v{plain}" if not plain[0].isalpha() else plain


def _stem(names: list[str]) -> str:
    """The name of a reduction domain, whose variables are called after it and their dimension."""
    stems = {name[:-1] for name in names}
    regular = len(stems) == 1 and [name[-1] for name in names] == list(_DIMENSIONS[: len(names)])
    return stems.pop() if regular and len(names[0]) > 1 else names[0]


def _short(kind: Type) -> str:
    """`u8` of `hl.u8(...)`; "" for a type that has no such name."""
    letter = {"int": "i", "uint": "u", "float": "f"}.get(kind.code, "")
    return f"{letter}{kind.bits}" if letter and kind.bits > 1 and (kind.code, kind.bits) != ("float", 16) else ""


def _cast(kind: Type, text: str) -> str:
    short = _short(kind)
    return f"hl.{short}({text})" if short else f"hl.cast({type_text(kind)}, {text})"


def _constant(expr: Expr) -> str:
    if isinstance(expr.value, str) or expr.type.code == "handle":
        raise ExportError("a text in an expression can't be written in Python")
    if expr.type == INT32:
        return str(expr.value) if expr.value >= 0 else f"({expr.value})"
    value = expr.value
    if isinstance(value, float) and not math.isfinite(value):
        value = f'float("{value}")'
    if isinstance(value, int) and abs(value) >= 2**31:
        raise ExportError(f"the constant {value} is too large to be written in Python")
    return _cast(expr.type, str(value))
