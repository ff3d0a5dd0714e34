"""Interval analysis holds the truth: no value of an expression lies outside its interval."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.pipeline.intervals import Bindings, compile_interval
from autosearch.pipeline.ir import BOOL, INT32, Algorithm, Expr, Type

EMPTY = Bindings(Algorithm((), (), ()), {"p": 7})
NAMES = ("x", "y")


def _leaf() -> st.SearchStrategy[Expr]:
    constants = st.integers(-20, 20).map(lambda v: Expr("const", INT32, (), v))
    variables = st.sampled_from(NAMES).map(lambda name: Expr("var", INT32, (), name))
    return constants | variables | st.just(Expr("param", INT32, (), "p"))


def _node(children: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    binary = st.sampled_from(("add", "sub", "mul", "div", "mod", "min", "max"))
    arithmetic = st.tuples(binary, children, children).map(lambda t: Expr(t[0], INT32, (t[1], t[2])))
    compare = st.sampled_from(("lt", "le", "gt", "ge", "eq", "ne"))
    choice = st.tuples(compare, children, children, children, children).map(
        lambda t: Expr("select", INT32, (Expr(t[0], BOOL, (t[1], t[2])), t[3], t[4]))
    )
    narrow = children.map(lambda e: Expr("cast", INT32, (Expr("cast", Type("uint", 8), (e,)),)))
    bound = st.tuples(children, children).map(
        lambda t: Expr("let", INT32, (t[0], Expr("add", INT32, (t[1], Expr("var", INT32, (), "t0")))), "t0")
    )
    return arithmetic | choice | narrow | bound | children.map(lambda e: Expr("call", INT32, (e,), "likely"))


EXPRESSIONS = st.recursive(_leaf(), _node, max_leaves=12)


def _evaluate(expr: Expr, env: dict[str, int]) -> int:
    """What Halide computes, on unbounded integers (division rounds down, by zero gives zero; uint8 wraps)."""
    if expr.op == "const":
        return int(expr.value)
    if expr.op == "var":
        return env[expr.value]
    if expr.op == "param":
        return 7
    if expr.op == "let":
        return _evaluate(expr.args[1], {**env, expr.value: _evaluate(expr.args[0], env)})
    values = [_evaluate(arg, env) for arg in expr.args]
    if expr.op == "select":
        return values[1] if values[0] else values[2]
    if expr.op == "cast":
        return values[0] % 256 if expr.type.bits == 8 else values[0]
    if expr.op == "call":
        return values[0]
    a, b = values
    if expr.op == "div":
        return 0 if b == 0 else (a // b if b > 0 else -(a // -b))
    if expr.op == "mod":
        return 0 if b == 0 else a % abs(b)
    table = {"add": a + b, "sub": a - b, "mul": a * b, "min": min(a, b), "max": max(a, b), "lt": a < b, "le": a <= b,
             "gt": a > b, "ge": a >= b, "eq": a == b, "ne": a != b}  # fmt: skip
    return int(table[expr.op])


@settings(max_examples=400, deadline=None)
@given(EXPRESSIONS, st.integers(-15, 15), st.integers(0, 9), st.integers(-15, 15), st.integers(0, 9), st.data())
def test_every_value_lies_within(expr: Expr, x: int, x_length: int, y: int, y_length: int, data: st.DataObject) -> None:
    low, high = compile_interval(expr, EMPTY)({"x": (x, x + x_length), "y": (y, y + y_length)})
    env = {"x": data.draw(st.integers(x, x + x_length)), "y": data.draw(st.integers(y, y + y_length))}
    assert low <= _evaluate(expr, env) <= high


def test_a_divisor_that_may_be_zero_may_give_zero() -> None:
    """That is what Halide makes of a division by zero."""
    one_over_x = Expr("div", INT32, (Expr("const", INT32, (), 1), Expr("var", INT32, (), "x")))
    assert compile_interval(one_over_x, EMPTY)({"x": (0, 1)}) == (0, 1)


def test_a_single_point_is_exact() -> None:
    two_x = Expr("mul", INT32, (Expr("const", INT32, (), 2), Expr("var", INT32, (), "x")))
    assert compile_interval(two_x, EMPTY)({"x": (5, 5)}) == (10, 10)


def test_floats_are_truncated_by_casts() -> None:
    value = Expr("cast", INT32, (Expr("const", Type("float", 32), (), 2.75),))
    assert compile_interval(value, EMPTY)({}) == (2, 2)


def test_the_unknown_is_unbounded_where_its_type_says_nothing() -> None:
    load = Expr("image", INT32, (), "image")
    assert compile_interval(load, EMPTY)({}) == (-math.inf, math.inf)
    assert compile_interval(Expr("image", Type("uint", 8), (), "image"), EMPTY)({}) == (0, 255)
