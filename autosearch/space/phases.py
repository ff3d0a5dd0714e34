"""Phases: where what is computed depends on a coordinate modulo a small number, as in `select(x % 2 == 0, ...)` and `f(x / 2)`.

Where Halide knows that an output begins, and ends, at a multiple of that number, the loops that are unrolled by it need no
selection.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from autosearch.pipeline.access import Affine, as_affine, expand_lets
from autosearch.pipeline.bounds import Dataflow
from autosearch.pipeline.intervals import constant_value
from autosearch.pipeline.ir import Func

ALIGNED, ANYWHERE = "aligned", "anywhere"
MOST_PHASES = 8
"""More are rarely unrolled, and few sizes are multiples of so many."""
Periods = Mapping[tuple[str, str], int]
"""By Func and dimension."""


def periods_of(flow: Dataflow) -> Periods:
    """For each dimension of a Func after how many coordinates what it computes, or reads there or beside it, begins anew;
    none where that is 1, or too many."""
    found: dict[tuple[str, str], int] = {}
    for func in flow.algorithm.funcs:
        for arg, period in (*_own(flow, func), *_inherited(flow, func, found)):
            together = math.lcm(found.get((func.name, arg), 1), period)
            if 1 < together <= MOST_PHASES:
                found[func.name, arg] = together
    return found


def _own(flow: Dataflow, func: Func) -> Iterator[tuple[str, int]]:
    """What its definitions divide their coordinates by."""
    for stage in func.stages:
        for expression in stage.expressions():
            for node in expand_lets(expression).walk():
                if node.op in ("mod", "div"):
                    divisor = constant_value(node.args[1], flow.bindings)
                    arg = _moved(func, as_affine(node.args[0], flow.bindings))
                    if arg is not None and isinstance(divisor, int) and divisor > 1:
                        yield arg, divisor


def _moved(func: Func, index: Affine | None) -> str | None:
    """The dimension of which an index is the coordinate, a constant aside."""
    if index is None or len(index.coefficients) != 1 or index.coefficients[0][1] != 1:
        return None
    ((name, _),) = index.coefficients
    return name if name in func.args else None


def _inherited(flow: Dataflow, func: Func, known: Periods) -> Iterator[tuple[str, int]]:
    """What those that it reads at its own coordinates, or beside them, have."""
    for stage in func.stages:
        for edge in flow.edges[stage.key]:
            if edge.is_input or edge.producer == func.name:
                continue
            dims = flow.algorithm.func(edge.producer).args
            for access in edge.accesses:
                for dim, index in zip(dims, access.index, strict=True):
                    arg, period = _moved(func, index), known.get((edge.producer, dim), 1)
                    if arg is not None and period > 1:
                        yield arg, period
