"""Is an output right? Integers must be equal, floats agree within a tolerance that follows from the algorithm.

Two schedules of one algorithm may round differently: sums are taken in another order, and a multiply-add is fused or
not. The tolerance for floats is `epsilon * max(256, 4 * depth)`, at most 0.05, relative to the larger of the element
and the output's typical magnitude (a mean of absolute values, since sums cancel), where `depth` is the longest chain of
accumulation.
Where the algorithm rounds floats to integers or compares them on the way, a last-bit difference can flip a rounding:
then, and only then, integers may be off by one in 1 of 50 elements, and any element by more in 1 of 10,000.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from autosearch.pipeline.bounds import Dataflow
from autosearch.pipeline.ir import Algorithm, Expr

_LOOSEST = 0.05
"""No relative difference beyond this is put down to rounding: half floats would else agree with anything."""

_PIECE = 1 << 16
"""Elements that are compared at a time."""


@dataclass(frozen=True)
class Tolerance:
    """What counts as equal. `relative` is for floats; `outliers` is the share of elements that may be off by more."""

    relative: float
    outliers: float = 0.0
    roundings: float = 0.0
    """The share of integers that may be off by one."""


def derive_tolerance(flow: Dataflow) -> Tolerance:
    """The tolerance for outputs of an algorithm, see the module's text."""
    algorithm = flow.algorithm
    epsilon = 0.0
    for func in algorithm.funcs:
        for kind in func.types:
            if kind.is_float:
                epsilon = max(epsilon, {16: 2.0**-10, 32: 2.0**-23, 64: 2.0**-52}.get(kind.bits, 2.0**-7))
    depth = 1.0
    for domain in flow.domains.values():
        depth = max(depth, math.prod(high - low + 1 for low, high in domain.values()))
    relative = epsilon * max(256.0, 4.0 * min(depth, 2.0**20))
    rounds = rounds_floats(algorithm)
    return Tolerance(min(relative, _LOOSEST), 1e-4 if rounds else 0.0, 0.02 if rounds else 0.0)


def rounds_floats(algorithm: Algorithm) -> bool:
    """Whether a difference in a float's last bit can become a larger one: by rounding, or by a comparison."""
    return any(
        _is_discontinuous(node)
        for stage in algorithm.stages
        for expression in stage.expressions()
        for node in expression.walk()
    )


def _is_discontinuous(node: Expr) -> bool:
    if node.op in ("lt", "le", "gt", "ge", "eq", "ne"):
        return node.args[0].type.is_float
    if node.op == "cast":
        return not node.type.is_float and node.args[0].type.is_float
    return node.op == "call" and str(node.value).startswith(("floor", "ceil", "round", "trunc"))


def compare(
    output: np.ndarray[Any, Any], reference: np.ndarray[Any, Any], tolerance: Tolerance, is_bfloat: bool = False
) -> str:
    """Why `output` is wrong, in words; "" if it is right. NaN equals NaN."""
    if is_bfloat:
        output, reference = (_widen(array) for array in (output, reference))
    if output.dtype.kind != "f":
        wrong = output != reference
        if output.dtype.kind in "iu" and 0 < np.count_nonzero(wrong) <= tolerance.roundings * output.size:
            wrong = np.maximum(output, reference) - np.minimum(output, reference) > 1
    elif np.array_equal(output, reference):
        return ""
    else:
        wrong = _float_mismatch(output, reference, tolerance)
    count = int(np.count_nonzero(wrong))
    if count <= tolerance.outliers * output.size:
        return ""
    where = tuple(int(index) for index in np.argwhere(wrong)[0])
    return f"{count} of {output.size} elements are wrong, the first at {where}: {output[where]} instead of {reference[where]}"


def _float_mismatch(
    output: np.ndarray[Any, Any], reference: np.ndarray[Any, Any], tolerance: Tolerance
) -> np.ndarray[Any, Any]:
    """Where they differ, in pieces that a cache holds: large outputs take longer to compare than to compute otherwise."""
    wrong = np.zeros_like(reference, dtype=bool)
    typical = _typical_magnitude(reference)
    with np.errstate(invalid="ignore", over="ignore"):
        for found, one, other in _pieces(wrong, output, reference):
            magnitude = np.abs(other)
            near = np.abs(one - other) <= tolerance.relative * np.maximum(magnitude, typical)
            near &= magnitude < np.inf
            if not near.all():
                same = (one == other) | (np.isnan(one) & np.isnan(other))
                found[...] = ~near & ~same
    return wrong


def _typical_magnitude(array: np.ndarray[Any, Any]) -> float:
    """The mean of the magnitudes of finite elements; zero where there are none."""
    total, count = 0.0, 0
    for (piece,) in _pieces(array):
        magnitude = np.abs(piece)
        finite = magnitude < np.inf
        count += int(np.count_nonzero(finite))
        total += float((magnitude if finite.all() else magnitude[finite]).sum(dtype=np.float64))
    return total / count if count else 0.0


def _pieces(*arrays: np.ndarray[Any, Any]) -> Iterator[tuple[np.ndarray[Any, Any], ...]]:
    """The same elements of all, views of some at a time, those together that lie together in the last array."""
    order = np.argsort(arrays[-1].strides, kind="stable")[::-1]
    views = [array.transpose(order) for array in arrays]
    if all(view.flags.c_contiguous for view in views):
        views = [view.reshape(-1) for view in views]
    rows = max(1, _PIECE // max(1, views[0].size // max(1, len(views[0]))))
    for start in range(0, len(views[0]), rows):
        yield tuple(view[start : start + rows] for view in views)


def _widen(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return (array.astype(np.uint32) << 16).view(np.float32)
