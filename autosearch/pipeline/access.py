"""How stages read: every access of a producer as an affine map of the loop variables where it is one.

An `Edge` joins a consumer stage and what it reads (a Func, an input image, or itself). Its `box` gives the region read
when each loop variable covers a range: the question that bounds inference, footprints and legality all come down to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from autosearch.pipeline.intervals import (
    EVERYTHING,
    Bindings,
    Env,
    Evaluator,
    Interval,
    compile_interval,
    constant_value,
)
from autosearch.pipeline.ir import Algorithm, Expr, Func, Stage, StageKey

Box = tuple[Interval, ...]
"""A region: for each dimension, the first and last coordinate (inclusive; infinite where unknown)."""
Slope = tuple[tuple[str, float | None], ...]
"""How an index moves with each variable that it depends on, away from borders; None where that can't be told."""


@dataclass(frozen=True)
class Affine:
    """The index sum(coefficient * variable) + constant."""

    coefficients: tuple[tuple[str, int], ...]
    constant: int

    def coefficient(self, variable: str) -> int:
        return dict(self.coefficients).get(variable, 0)


@dataclass(frozen=True)
class Access:
    """One load: an index in each dimension of the producer; None where it is not affine (a lookup, a clamp, x / 2)."""

    index: tuple[Affine | None, ...]
    count: int = 1
    """How many loads of the stage have exactly this index."""


@dataclass(frozen=True)
class Edge:
    """Everything that the stage `consumer` reads of `producer` (a Func, an input, or the stage's own Func)."""

    consumer: StageKey
    producer: str
    is_input: bool
    accesses: tuple[Access, ...]
    maps: tuple[tuple[Evaluator, ...], ...]
    """For each dimension of the producer, the distinct index maps (affine ones that differ by a constant are merged)."""
    slopes: tuple[tuple[tuple[Slope, ...], int], ...]
    """The distinct slopes of loads (one of each dimension of the producer), and how many loads have them."""
    sites: tuple[tuple[Affine | int, ...], ...]
    """The distinct loads; an index that isn't affine is the number of its expression."""
    indices: tuple[tuple[Expr, ...], ...]
    """For each dimension of the producer, the distinct indices; none where it may be read anywhere."""

    def box(self, env: Env) -> Box:
        """The region read when variables cover `env`."""
        result = []
        for maps in self.maps:
            low, high = maps[0](env)
            for evaluate in maps[1:]:
                a, b = evaluate(env)
                low, high = min(low, a), max(high, b)
            result.append((low, high))
        return tuple(result)

    @cached_property
    def is_affine(self) -> bool:
        return all(index is not None for access in self.accesses for index in access.index)

    @cached_property
    def loads(self) -> int:
        return sum(access.count for access in self.accesses)


def edges_of(stage: Stage, algorithm: Algorithm, bindings: Bindings) -> tuple[Edge, ...]:
    """The edges into a stage: one for each Func or input that it reads; its own Func counts when read recursively."""
    loads: dict[tuple[str, bool], list[tuple[Expr, ...]]] = {}
    for expression in stage.expressions():
        for node in expand_lets(expression).walk():
            if node.op in ("func", "image"):
                loads.setdefault((node.value, node.op == "image"), []).append(node.args)
    if algorithm.func(stage.func).extern:  # it reads what it likes
        return tuple(_edge_to_whole(stage.key, algorithm.func(name)) for name, _ in loads)
    return tuple(_edge(stage.key, name, is_input, indices, bindings) for (name, is_input), indices in loads.items())


def expand_lets(expr: Expr, values: Mapping[str, Expr] | None = None) -> Expr:
    """`expr` with each `let` replaced by its value where it is used."""
    values = values or {}
    if expr.op == "let":
        value, body = expr.args
        return expand_lets(body, {**values, expr.value: expand_lets(value, values)})
    if expr.op == "var":
        return values.get(expr.value, expr)
    args = tuple(expand_lets(arg, values) for arg in expr.args)
    return expr if args == expr.args else replace(expr, args=args)


def store_edge(stage: Stage, bindings: Bindings) -> Edge:
    """The region that a stage writes, as an edge to its own Func."""
    return _edge(stage.key, stage.func, False, [stage.args], bindings)


def _edge_to_whole(consumer: StageKey, producer: Func) -> Edge:
    unknown = tuple((lambda env: EVERYTHING,) for _ in producer.args)
    anywhere = ((),) * len(producer.args)
    return Edge(consumer, producer.name, False, (Access((None,) * len(producer.args)),), unknown, (), (), anywhere)


def _edge(
    consumer: StageKey, producer: str, is_input: bool, indices: list[tuple[Expr, ...]], bindings: Bindings
) -> Edge:
    counted: dict[tuple[Affine | None, ...], int] = {}
    sites: dict[tuple[Affine | int, ...], None] = {}
    others: dict[Expr, int] = {}
    for index in indices:
        affine = tuple(as_affine(expr, bindings) for expr in index)
        counted[affine] = counted.get(affine, 0) + 1
        site = (
            known if known is not None else others.setdefault(expr, len(others))
            for known, expr in zip(affine, index, strict=True)
        )
        sites[tuple(site)] = None
    accesses = tuple(Access(index, count) for index, count in counted.items())
    maps = tuple(_merge([index[d] for index in indices], bindings) for d in range(len(indices[0])))
    slopes = Counter(tuple(slope_of(expr, bindings) for expr in index) for index in indices)
    distinct = tuple(tuple(dict.fromkeys(index[d] for index in indices)) for d in range(len(indices[0])))
    return Edge(consumer, producer, is_input, accesses, maps, tuple(slopes.items()), tuple(sites), distinct)


def _merge(indices: list[Expr], bindings: Bindings) -> tuple[Evaluator, ...]:
    spans: dict[tuple[tuple[str, int], ...], tuple[int, int]] = {}
    others: dict[Expr, Evaluator] = {}
    for expr in indices:
        affine = as_affine(expr, bindings)
        if affine is None:
            others.setdefault(expr, compile_interval(expr, bindings))
        else:
            low, high = spans.get(affine.coefficients, (affine.constant, affine.constant))
            spans[affine.coefficients] = (min(low, affine.constant), max(high, affine.constant))
    return tuple(_span(terms, low, high) for terms, (low, high) in spans.items()) + tuple(others.values())


def _span(terms: tuple[tuple[str, int], ...], low: int, high: int) -> Evaluator:
    if not terms:
        return lambda env: (low, high)
    if len(terms) == 1 and terms[0][1] == 1:
        name = terms[0][0]

        def shifted(env: Env) -> tuple[float, float]:
            a, b = env.get(name, EVERYTHING)
            return (a + low, b + high)

        return shifted

    def general(env: Env) -> tuple[float, float]:
        a: float = low
        b: float = high
        for variable, coefficient in terms:
            first, last = env.get(variable, EVERYTHING)
            if coefficient > 0:
                a, b = a + coefficient * first, b + coefficient * last
            else:
                a, b = a + coefficient * last, b + coefficient * first
        return (a, b)

    return general


def slope_of(expr: Expr, bindings: Bindings) -> Slope:
    """The slope of an index: of a clamped one that of what is clamped, of a lookup unknown in all that it depends on."""
    affine = as_affine(expr, bindings)
    if affine is not None:
        return affine.coefficients
    parts = [arg for arg in expr.args if constant_value(arg, bindings) is None]
    if expr.op in ("min", "max", "cast") or (expr.op == "call" and str(expr.value).startswith("likely")):
        slopes = {slope_of(part, bindings) for part in parts}
        if len(slopes) == 1:
            return slopes.pop()
    if expr.op == "div" and len(parts) == 1 and parts[0] is expr.args[0]:
        divisor = constant_value(expr.args[1], bindings)
        if divisor:
            return tuple((name, None if c is None else c / divisor) for name, c in slope_of(parts[0], bindings))
    variables = {node.value for node in expr.walk() if node.op == "var"}
    return tuple((name, None) for name in sorted(variables))


def as_affine(expr: Expr, bindings: Bindings) -> Affine | None:
    """`expr` as an affine map of variables (parameters at their estimates), or None."""
    terms = _terms(expr, bindings)
    if terms is None:
        return None
    constant = terms.pop("", 0)
    return Affine(tuple(sorted((name, c) for name, c in terms.items() if c)), constant)


def _terms(expr: Expr, bindings: Bindings) -> dict[str, int] | None:
    value = constant_value(expr, bindings)
    if value is not None:
        return {"": value} if isinstance(value, int) else None
    if expr.op == "var":
        return {expr.value: 1}
    if expr.op == "cast" and expr.type.code == "int" and expr.type.bits >= 32 and not expr.args[0].type.is_float:
        return _terms(expr.args[0], bindings) if expr.args[0].type.code == "int" else None
    if expr.op == "call" and expr.value in ("likely", "likely_if_innermost"):
        return _terms(expr.args[0], bindings)
    if expr.op not in ("add", "sub", "mul") or expr.type.code != "int":
        return None
    a, b = (_terms(arg, bindings) for arg in expr.args)
    if a is None or b is None:
        return None
    if expr.op == "mul":
        scale, other = (a, b) if set(a) <= {""} else (b, a)
        return {name: c * scale.get("", 0) for name, c in other.items()} if set(scale) <= {""} else None
    sign = 1 if expr.op == "add" else -1
    return _sum(a, b, sign)


def _sum(a: Mapping[str, int], b: Mapping[str, int], sign: int) -> dict[str, int]:
    result = dict(a)
    for name, c in b.items():
        result[name] = result.get(name, 0) + sign * c
    return result
