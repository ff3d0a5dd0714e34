"""Interval analysis: what range of values can an expression take, given ranges of the loop variables?

Expressions are compiled once to closures over an environment {variable: (low, high)}, since a search asks the same
question for thousands of schedules. Bounds are inclusive; integers stay Python integers, unknown is infinite.
Halide's own analysis (src/Bounds.cpp) is symbolic; ours is numeric, at the sizes that are tuned for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autosearch.pipeline.ir import Algorithm, Expr, Type

Interval = tuple[float, float]
Env = Mapping[str, Interval]
Evaluator = Callable[[Env], Interval]

EVERYTHING: Interval = (-math.inf, math.inf)

_IDENTITY_CALLS = frozenset(
    ("likely", "likely_if_innermost", "promise_clamped", "unsafe_promise_clamped", "strict_float", "require")
)
_MONOTONE_CALLS: dict[str, Callable[[float], float]] = {
    "floor": math.floor,
    "ceil": math.ceil,
    "trunc": math.trunc,
    "round": round,
    "sqrt": lambda v: math.sqrt(v) if v >= 0 else 0.0,
    "exp": lambda v: math.exp(v) if v < 700 else math.inf,
    "log": lambda v: math.log(v) if v > 0 else -math.inf,
}


@dataclass
class Bindings:
    """What is known besides loop variables: the values of parameters, and the ranges of values of Funcs."""

    algorithm: Algorithm
    params: Mapping[str, float] = field(default_factory=dict)
    _ranges: dict[tuple[str, int], Interval] = field(default_factory=dict)

    def value_range(self, name: str, index: int, kind: Type) -> Interval:
        """The range of values of element `index` of Func `name`, from its pure definition where it has no other."""
        key = (name, index)
        if key not in self._ranges:
            self._ranges[key] = _unknown(kind)  # also ends recursion
            func = self.algorithm.by_name.get(name)
            if func is not None and func.is_pure and index < len(func.stages[0].values):
                self._ranges[key] = compile_interval(func.stages[0].values[index], self)({})
        return self._ranges[key]


def compile_interval(expr: Expr, bindings: Bindings) -> Evaluator:
    """A function from ranges of variables to the range of `expr`. A variable without a range can be anything."""
    constant = constant_value(expr, bindings)
    if constant is not None:
        point = (constant, constant)
        return lambda env: point
    op = expr.op
    if op == "var":
        name = expr.value
        return lambda env: env.get(name, EVERYTHING)
    if op == "let":
        return _let(expr, bindings)
    if op == "func":
        found = bindings.value_range(expr.value, expr.index, expr.type)
        return lambda env: found
    if op in ("cast", "reinterpret"):
        return _cast(expr, compile_interval(expr.args[0], bindings))
    if op == "call":
        return _call(expr, bindings)
    args = [compile_interval(arg, bindings) for arg in expr.args]
    rule = _RULES.get(op)
    if rule is None:
        whole = _unknown(expr.type)
        return lambda env: whole
    if op == "select":
        condition, chosen, other = args
        return lambda env: _select(condition(env), chosen(env), other(env))
    first, second = args[0], args[1] if len(args) > 1 else args[0]
    if op == "div" and expr.type.is_float:
        rule = _divide_floats
    if (expr.type.code == "int" and expr.type.bits >= 32) or expr.type.is_float or op in ("min", "max"):
        return lambda env: rule(first(env), second(env))
    low, high = expr.type.range  # narrow and unsigned types wrap around

    def wrapping(env: Env) -> Interval:
        found = rule(first(env), second(env))
        return found if low <= found[0] and found[1] <= high else (low, high)

    return wrapping


def constant_value(expr: Expr, bindings: Bindings) -> float | None:
    """The value of an expression of constants and bound parameters, else None."""
    if expr.op == "const":
        return expr.value if isinstance(expr.value, (int, float)) else None
    if expr.op == "param":
        return bindings.params.get(expr.value)
    if expr.op in ("add", "sub", "mul") and expr.type.code == "int":
        values = [constant_value(arg, bindings) for arg in expr.args]
        if values[0] is None or values[1] is None:
            return None
        a, b = values[0], values[1]
        return a + b if expr.op == "add" else a - b if expr.op == "sub" else a * b
    return None


def _unknown(kind: Type) -> Interval:
    """The range of a value of which nothing is known: that of its type, where the type is narrow enough to mean something."""
    return kind.range if kind.bits < 32 else EVERYTHING


def _let(expr: Expr, bindings: Bindings) -> Evaluator:
    value, body = (compile_interval(arg, bindings) for arg in expr.args)
    name = expr.value
    return lambda env: body({**env, name: value(env)})


def _cast(expr: Expr, inner: Evaluator) -> Evaluator:
    low, high = expr.type.range
    truncates = not expr.type.is_float and expr.args[0].type.is_float

    def evaluate(env: Env) -> Interval:
        a, b = inner(env)
        if truncates:
            a = math.trunc(a) if math.isfinite(a) else a
            b = math.trunc(b) if math.isfinite(b) else b
        return (a, b) if low <= a and b <= high else (low, high)

    return evaluate


def _call(expr: Expr, bindings: Bindings) -> Evaluator:
    name = str(expr.value)
    whole = _unknown(expr.type)
    args = [compile_interval(arg, bindings) for arg in expr.args]
    if name in _IDENTITY_CALLS and args:
        position = 1 if name == "require" and len(args) > 1 else 0
        return args[position]
    stem = name.rsplit("_f", 1)[0]
    if stem in _MONOTONE_CALLS and len(args) == 1:
        apply = _MONOTONE_CALLS[stem]

        def monotone(env: Env) -> Interval:
            a, b = args[0](env)
            return (apply(a) if math.isfinite(a) else a, apply(b) if math.isfinite(b) else b)

        return monotone
    if name == "abs":
        return lambda env: _absolute(args[0](env))
    if name == "absd":
        return lambda env: _absolute(_subtract(args[0](env), args[1](env)))
    if name in ("shift_left", "shift_right") and len(args) == 2:
        amount = constant_value(expr.args[1], bindings)
        if amount is not None and 0 <= amount < 64:
            scale = 2 ** int(amount)
            if name == "shift_right":
                return lambda env: _divide(args[0](env), (scale, scale))
            return lambda env: _within(_multiply(args[0](env), (scale, scale)), whole)
    if name == "bitwise_and" and len(args) == 2:
        mask = constant_value(expr.args[1], bindings)
        if mask is not None and mask >= 0:
            return lambda env: (0, mask)
    if name == "if_then_else" and len(args) == 3:
        return lambda env: _select(args[0](env), args[1](env), args[2](env))
    return lambda env: whole


def _within(found: Interval, whole: Interval) -> Interval:
    return found if whole[0] <= found[0] and found[1] <= whole[1] else whole


def _absolute(a: Interval) -> Interval:
    if a[0] >= 0:
        return a
    if a[1] <= 0:
        return (-a[1], -a[0])
    return (0, max(-a[0], a[1]))


def _select(condition: Interval, chosen: Interval, other: Interval) -> Interval:
    if condition == (1, 1):
        return chosen
    if condition == (0, 0):
        return other
    return (min(chosen[0], other[0]), max(chosen[1], other[1]))


def _product(a: float, b: float) -> float:
    return 0 if a == 0 or b == 0 else a * b  # 0 times infinity is 0 here


def _multiply(a: Interval, b: Interval) -> Interval:
    corners = (_product(a[0], b[0]), _product(a[0], b[1]), _product(a[1], b[0]), _product(a[1], b[1]))
    return (min(corners), max(corners))


def _subtract(a: Interval, b: Interval) -> Interval:
    return (a[0] - b[1], a[1] - b[0])


def _quotient(a: float, b: float) -> float:
    """Halide's integer division: rounds towards minus infinity for positive divisors; division by 0 gives 0."""
    if b == 0:
        return 0
    if math.isinf(a):
        return a if b > 0 else -a
    if math.isinf(b):
        return 0 if (a >= 0) == (b > 0) else -1
    return a // b if b > 0 else -(a // -b)


def _divide(a: Interval, b: Interval) -> Interval:
    divisors = [d for d in b if d != 0]
    if b[0] < 0 < b[1]:
        divisors += [-1, 1]
    if b[0] == 0 and b[1] > 0:
        divisors.append(1)
    if b[1] == 0 and b[0] < 0:
        divisors.append(-1)
    corners = [_quotient(n, d) for n in a for d in divisors]
    if b[0] <= 0 <= b[1]:
        corners.append(0)
    return (min(corners), max(corners))


def _divide_floats(a: Interval, b: Interval) -> Interval:
    if b[0] <= 0 <= b[1]:
        return EVERYTHING
    corners = [0.0 if math.isinf(d) and math.isinf(n) else n / d for n in a for d in b]
    return (min(corners), max(corners))


def _modulo(a: Interval, b: Interval) -> Interval:
    if b[0] == b[1] and 0 < b[0] < math.inf and a[1] - a[0] < b[0] and math.isfinite(a[0]):
        low, high = a[0] % b[0], a[1] % b[0]
        if low <= high:
            return (low, high)
    largest = max(abs(b[0]), abs(b[1]))
    return (0, max(0, largest - 1))


def _compare(certain: Callable[[Interval, Interval], bool], impossible: Callable[[Interval, Interval], bool]) -> _Rule:
    def rule(a: Interval, b: Interval) -> Interval:
        return (1, 1) if certain(a, b) else (0, 0) if impossible(a, b) else (0, 1)

    return rule


_Rule = Callable[[Interval, Interval], Interval]

_RULES: dict[str, _Rule] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": _subtract,
    "mul": _multiply,
    "div": _divide,
    "mod": _modulo,
    "min": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "max": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "lt": _compare(lambda a, b: a[1] < b[0], lambda a, b: a[0] >= b[1]),
    "le": _compare(lambda a, b: a[1] <= b[0], lambda a, b: a[0] > b[1]),
    "gt": _compare(lambda a, b: a[0] > b[1], lambda a, b: a[1] <= b[0]),
    "ge": _compare(lambda a, b: a[0] >= b[1], lambda a, b: a[1] < b[0]),
    "eq": _compare(lambda a, b: a[0] == a[1] == b[0] == b[1], lambda a, b: a[1] < b[0] or a[0] > b[1]),
    "ne": _compare(lambda a, b: a[1] < b[0] or a[0] > b[1], lambda a, b: a[0] == a[1] == b[0] == b[1]),
    "and": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "or": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "not": lambda a, _: (1 - a[1], 1 - a[0]),
    "select": lambda a, b: b,
}
