"""The interval analysis of `intervals`, for many ranges of the loop variables at once: arrays instead of numbers.

What has no rule here is worked out one range at a time by `compile_interval`, each different one once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autosearch.pipeline.access import Edge, as_affine
from autosearch.pipeline.intervals import EVERYTHING, Bindings, compile_interval, constant_value
from autosearch.pipeline.ir import Expr

Array = np.ndarray[Any, np.dtype[np.float64]]
Ends = tuple[Any, Any]
"""First and last coordinate (inclusive), arrays of one shape, or numbers where they are the same everywhere."""
ArrayEnv = Mapping[str, Ends]
ArrayEvaluator = Callable[[ArrayEnv], Ends]

_IDENTITIES = ("likely", "likely_if_innermost", "promise_clamped", "unsafe_promise_clamped")


def filled(value: Any, shape: int | tuple[int, ...]) -> Array:
    """An array of a shape: the value itself where it is one (`np.broadcast_to` takes its time even so), else repeated."""
    if getattr(value, "shape", None) == (shape if isinstance(shape, tuple) else (shape,)):
        return np.asarray(value)
    return np.broadcast_to(value, shape)


def compile_edge(edge: Edge, bindings: Bindings) -> Callable[[ArrayEnv], list[Ends]]:
    """A function from ranges of variables to the region that is read: `Edge.box` for arrays."""
    dimensions = [_merged(indices, bindings) for indices in edge.indices]

    def box(env: ArrayEnv) -> list[Ends]:
        found = []
        for maps in dimensions:
            low, high = maps[0](env)
            for evaluate in maps[1:]:
                a, b = evaluate(env)
                low, high = np.minimum(low, a), np.maximum(high, b)
            found.append((low, high))
        return found

    return box


def _merged(indices: tuple[Expr, ...], bindings: Bindings) -> list[ArrayEvaluator]:
    """Evaluators of the distinct indices; affine ones that differ by a constant are one."""
    spans: dict[tuple[tuple[str, int], ...], tuple[int, int]] = {}
    others: list[ArrayEvaluator] = []
    for expr in indices:
        affine = as_affine(expr, bindings)
        if affine is None:
            others.append(compile_arrays(expr, bindings))
        else:
            low, high = spans.get(affine.coefficients, (affine.constant, affine.constant))
            spans[affine.coefficients] = (min(low, affine.constant), max(high, affine.constant))
    found = [_span(terms, low, high) for terms, (low, high) in spans.items()] + others
    return found or [lambda env: EVERYTHING]


def _span(terms: tuple[tuple[str, int], ...], low: int, high: int) -> ArrayEvaluator:
    def evaluate(env: ArrayEnv) -> Ends:
        a: Any = low
        b: Any = high
        for name, coefficient in terms:
            first, last = env.get(name, EVERYTHING)
            if coefficient == 1:
                a, b = a + first, b + last
            elif coefficient > 0:
                a, b = a + coefficient * first, b + coefficient * last
            else:
                a, b = a + coefficient * last, b + coefficient * first
        return a, b

    return evaluate


def compile_arrays(expr: Expr, bindings: Bindings) -> ArrayEvaluator:
    """`compile_interval` for arrays."""
    constant = constant_value(expr, bindings)
    if constant is not None:
        return lambda env: (constant, constant)
    op = expr.op
    if op == "var":
        name = expr.value
        return lambda env: env.get(name, EVERYTHING)
    if op == "call" and expr.value in _IDENTITIES:
        return compile_arrays(expr.args[0], bindings)
    plain = op in ("min", "max") or (expr.type.code == "int" and expr.type.bits >= 32)
    if plain and op in ("add", "sub", "min", "max", "div", "cast"):
        if op == "cast":
            return _one_by_one(expr, bindings) if expr.args[0].type.is_float else _cast(expr, bindings)
        if op == "div":
            divisor = constant_value(expr.args[1], bindings)
            if divisor is None or divisor <= 0:
                return _one_by_one(expr, bindings)
            dividend, by = compile_arrays(expr.args[0], bindings), float(divisor)
            return lambda env: tuple(np.floor(end / by) for end in dividend(env))
        first, second = (compile_arrays(arg, bindings) for arg in expr.args)
        return _RULES[op](first, second)
    if plain and op == "mul":
        for factor, other in (expr.args, expr.args[::-1]):
            scale = constant_value(factor, bindings)
            if scale is not None and scale != 0:
                return _scaled(compile_arrays(other, bindings), scale)
    return _one_by_one(expr, bindings)


def _scaled(inner: ArrayEvaluator, scale: float) -> ArrayEvaluator:
    def evaluate(env: ArrayEnv) -> Ends:
        a, b = inner(env)
        return (a * scale, b * scale) if scale > 0 else (b * scale, a * scale)

    return evaluate


def _cast(expr: Expr, bindings: Bindings) -> ArrayEvaluator:
    low, high = expr.type.range
    inner = compile_arrays(expr.args[0], bindings)

    def evaluate(env: ArrayEnv) -> Ends:
        a, b = inner(env)
        fits = (low <= np.asarray(a)) & (np.asarray(b) <= high)
        return np.where(fits, a, low), np.where(fits, b, high)

    return evaluate


def _add(first: ArrayEvaluator, second: ArrayEvaluator) -> ArrayEvaluator:
    def evaluate(env: ArrayEnv) -> Ends:
        (a, b), (c, d) = first(env), second(env)
        return a + c, b + d

    return evaluate


def _subtract(first: ArrayEvaluator, second: ArrayEvaluator) -> ArrayEvaluator:
    def evaluate(env: ArrayEnv) -> Ends:
        (a, b), (c, d) = first(env), second(env)
        return a - d, b - c

    return evaluate


def _both(rule: Callable[[Any, Any], Any]) -> Callable[[ArrayEvaluator, ArrayEvaluator], ArrayEvaluator]:
    def make(first: ArrayEvaluator, second: ArrayEvaluator) -> ArrayEvaluator:
        def evaluate(env: ArrayEnv) -> Ends:
            (a, b), (c, d) = first(env), second(env)
            return rule(a, c), rule(b, d)

        return evaluate

    return make


_RULES: Mapping[str, Callable[[ArrayEvaluator, ArrayEvaluator], ArrayEvaluator]] = {
    "add": _add,
    "sub": _subtract,
    "min": _both(np.minimum),
    "max": _both(np.maximum),
}


def _one_by_one(expr: Expr, bindings: Bindings) -> ArrayEvaluator:
    """The range of an expression that has no rule for arrays."""
    evaluate = compile_interval(expr, bindings)
    names = sorted(_variables(expr))

    def ends(env: ArrayEnv) -> Ends:
        used = [name for name in names if name in env]
        arrays = np.broadcast_arrays(*(np.asarray(end, dtype=np.float64) for name in used for end in env[name]))
        if not arrays or arrays[0].ndim == 0:
            return evaluate({name: (_number(env[name][0]), _number(env[name][1])) for name in used})
        table = np.stack([array.ravel() for array in arrays], axis=1)
        different, place = np.unique(table, axis=0, return_inverse=True)
        found = np.empty((len(different), 2))
        for number, row in enumerate(different.tolist()):
            values = [_number(value) for value in row]
            found[number] = evaluate({name: (values[2 * k], values[2 * k + 1]) for k, name in enumerate(used)})
        shape = arrays[0].shape
        return found[place.ravel(), 0].reshape(shape), found[place.ravel(), 1].reshape(shape)

    return ends


def _variables(expr: Expr) -> set[str]:
    """The variables that its range depends on: not those at which something is looked up."""
    if expr.op == "var":
        return {expr.value}
    if expr.op in ("func", "image"):
        return set()
    return set().union(*map(_variables, expr.args))


def _number(value: Any) -> float:
    """Whole numbers as such: integer analysis divides and shifts them."""
    number = float(value)
    return int(number) if number.is_integer() else number
