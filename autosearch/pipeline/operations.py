"""What a stage computes: its operations by kind, and whether an update is an associative reduction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import wraps
from typing import TypeVar

from autosearch.pipeline.decode import deep_recursion
from autosearch.pipeline.ir import Expr, Stage, Type

ARITHMETIC = frozenset(("add", "sub", "mul", "div", "mod", "min", "max"))
LOGIC = frozenset(("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "select"))
_FREE_CALLS = frozenset(("likely", "likely_if_innermost", "promise_clamped", "unsafe_promise_clamped", "undef"))
_SCATTERING = frozenset(("min", "max", "select", "func", "image"))
_GATHER = 24
"""Instructions of a load whose lanes are loaded one by one, more or less: for LLVM, whose time grows faster than they do."""
_GATHERING = 2
"""Operations that one costs when it runs, on average: at most elements nothing is clamped."""
_REDUCERS = frozenset(("add", "mul", "min", "max", "and", "or"))

_Fact = TypeVar("_Fact")


def _fact(work_out: Callable[[Stage], _Fact]) -> Callable[[Stage], _Fact]:
    """Remember the fact with the stage itself.

    Not in a dictionary by stage: that grows with every pipeline, and looking up a stage that is equal to a known one, but
    not the same, compares all their expressions.
    """

    @wraps(work_out)
    def remembered(stage: Stage) -> _Fact:
        name = work_out.__name__
        if name not in stage.facts:
            stage.facts[name] = work_out(stage)
        found: _Fact = stage.facts[name]
        return found

    return remembered


@_fact
def operations(stage: Stage) -> Mapping[str, int]:
    """How many operations one evaluation does, by kind: add, mul, div, ..., cast, call, with `_f` appended for floats.

    Loads count as `load`. Integer arithmetic on indices counts as `index`: much of it is hoisted out of loops.
    """
    counted: Counter[str] = Counter()
    pending = [(value, False) for value in stage.values] + [(argument, True) for argument in stage.args]
    while pending:
        node, in_index = pending.pop()
        kind = _kind(node)
        if kind:
            hidden = in_index and kind != "load" and not kind.endswith("_f")
            counted["index" if hidden else kind] += 1
        below = in_index or node.op in ("func", "image")
        pending += [(argument, below) for argument in node.args]
    return counted


def _kind(node: Expr) -> str:
    if node.op in ("func", "image"):
        return "load"
    if node.op in ARITHMETIC or node.op in LOGIC or node.op in ("cast", "reinterpret"):
        operand = node.args[0] if node.op not in ("select",) else node
        return node.op + ("_f" if operand.type.is_float else "")
    if node.op == "call" and node.value not in _FREE_CALLS:
        return "call_f" if node.type.is_float else "call"
    return ""


@_fact
def work(stage: Stage) -> int:
    """The number of arithmetic operations of one evaluation, loads and casts aside; dear ones count several times."""
    dear = {"div_f": 4, "div": 6, "mod": 6, "call_f": 12, "call": 1}
    return sum(
        n * dear.get(kind, 1)
        for kind, n in operations(stage).items()
        if kind not in ("load", "cast", "cast_f", "index")
    )


@_fact
def preparation(stage: Stage) -> int:
    """What one evaluation takes beside its work and loads: conversions, and the lanes of gathers put together."""
    counted = operations(stage)
    return counted.get("cast", 0) + counted.get("cast_f", 0) + _GATHERING * gathers(stage)


def gathers(stage: Stage) -> int:
    """The loads whose lanes are loaded one by one: where an index is clamped or computed from data."""
    return sum(_gathers(value) for value in (*stage.values, *stage.args))


@_fact
def body_size(stage: Stage) -> int:
    """What one evaluation adds to the code of a loop body: arithmetic, and loads."""
    return work(stage) + operations(stage).get("load", 0)


def varying_share(stage: Stage, variable: str) -> float:
    """The part of a body that is another for each iteration of a variable: what unrolling adds for every copy.

    The rest is computed once for all copies. Of a `select` by the variable alone each copy keeps one side.
    """
    return _varying_shares(stage)[variable]


@_fact
def _varying_shares(stage: Stage) -> Mapping[str, float]:
    size = body_size(stage)
    if not size:
        return dict.fromkeys(stage.loop_vars, 1.0)
    with deep_recursion():
        varying = {name: sum(_varying(value, name) for value in stage.values) for name in stage.loop_vars}
    return {name: min(1.0, max(count, 1) / size) for name, count in varying.items()}


def _varying(node: Expr, variable: str) -> int:
    found = {one.value for one in node.walk() if one.op == "var"}
    if variable not in found:
        return 0
    if node.op in ("func", "image"):
        return 1
    if node.op == "select" and {one.value for one in node.args[0].walk() if one.op == "var"} == {variable}:
        return max(_varying(one, variable) for one in node.args[1:])
    return (_kind(node) not in ("", "cast", "cast_f")) + sum(_varying(one, variable) for one in node.args)


@_fact
def code_size(stage: Stage) -> int:
    """What one evaluation adds to the code of a loop body for native vectors: its body, and what gathers take.

    Where an index is clamped or computed from data each lane is loaded by itself, at an index of its own.
    """
    return body_size(stage) + _GATHER * gathers(stage)


def _gathers(expr: Expr) -> int:
    """The loads whose lanes may lie anywhere."""
    return sum(
        node.op in ("func", "image") and any(inner.op in _SCATTERING for one in node.args for inner in one.walk())
        for node in expr.walk()
    )


def moves_on(index: Expr) -> bool:
    """Whether a coordinate moves on with each of its variables: a sum of multiples or fractions of them."""
    if index.op == "div" and index.args[1].op != "const":
        return False
    if index.op == "mul" and all(one.op != "const" for one in index.args):
        return False
    if index.op in ("add", "sub", "mul", "div"):
        return all(map(moves_on, index.args))
    return index.op in ("var", "const")


@_fact
def narrowing(stage: Stage) -> int:
    """How many times narrower than its sum the integers are of which an update adds up products; 1 where it does no such.

    CPUs have instructions for that: x86's `vpmaddwd` adds two products of 16 bits to 32, `vpdpbusd` four of 8 bits; Arm's
    `sdot` four of 8 bits.
    """
    products = [
        (node.type.bits, [one.args[0].type for one in node.args])
        for value in stage.values
        for node in value.walk()
        if node.op == "mul" and node.type.code in ("int", "uint") and all(one.op == "cast" for one in node.args)
    ]
    return max([1, *(bits // max(one.bits for one in factors) for bits, factors in products if _are_integers(factors))])


def _are_integers(types: Iterable[Type]) -> bool:
    return all(one.code in ("int", "uint") for one in types)


def multiplies_narrow(stage: Stage) -> bool:
    """Whether an update adds up products of integers of half its width or less, for which CPUs have an instruction."""
    return narrowing(stage) > 1


@_fact
def is_associative(stage: Stage) -> bool:
    """Whether an update is `f(args) = f(args) op e`, `op` associative and commutative and `e` free of `f`.

    Then its reduction loops may be reordered (and vectorized with `atomic`). Halide proves more forms
    (src/Associativity.cpp); for those this says no, which is safe.
    """
    if len(stage.values) != 1:
        return False
    with deep_recursion():
        value = _without_lets(stage.values[0], {})
        args = tuple(_without_lets(argument, {}) for argument in stage.args)
    if value.op not in _REDUCERS:
        return False
    selves = [(one.op, one.value, one.args) == ("func", stage.func, args) for one in value.args]
    if sum(selves) != 1:
        return False
    other = value.args[0 if selves[1] else 1]
    return not any(_mentions(one, stage.func) for one in (other, *args))


def _without_lets(expr: Expr, known: Mapping[str, Expr]) -> Expr:
    """The expression with the value of each let in its place: `rfactor` puts lets around what it makes."""
    if expr.op == "let":
        value, body = expr.args
        return _without_lets(body, {**known, expr.value: _without_lets(value, known)})
    if expr.op == "var" and expr.value in known:
        return known[expr.value]
    if not expr.args:
        return expr
    return replace(expr, args=tuple(_without_lets(one, known) for one in expr.args))


def _mentions(expr: Expr, func: str) -> bool:
    return any(node.op == "func" and node.value == func for node in expr.walk())


@_fact
def writes_by_data(stage: Stage) -> bool:
    """Whether where a stage writes depends on data: neighbouring lanes of a vector then go anywhere."""
    return any(node.op in ("func", "image") for argument in stage.args for node in argument.walk())


@_fact
def is_scatter(stage: Stage) -> bool:
    """Whether where a stage writes depends on a reduction variable or on data."""
    along = (node for argument in stage.args for node in argument.walk() if node.op == "var")
    return writes_by_data(stage) or any(stage.is_rvar(node.value) for node in along)
