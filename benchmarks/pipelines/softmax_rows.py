"""The softmax of each row of a matrix, with the maximum of the row subtracted so that no exponential overflows.

The last layer of most classifiers; for the stable form see I. Goodfellow, Y. Bengio, A. Courville, "Deep Learning",
2016, section 4.1. float32, 2048 rows of 1000 columns.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

COLUMNS, ROWS = 1000, 2048
TASK_ROWS = 32


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    column: hl.RDom
    largest: hl.Func
    powers: hl.Func
    total: hl.Func
    softmax: hl.Func


def _algorithm() -> _Algorithm:
    scores = hl.ImageParam(hl.Float(32), 2, "scores")
    x, y = hl.Var("x"), hl.Var("y")
    column = hl.RDom([(0, scores.width())], "column")

    largest, powers, total = hl.Func("largest"), hl.Func("powers"), hl.Func("total")
    largest[y] = hl.Float(32).min()
    largest[y] = hl.max(largest[y], scores[column.x, y])
    powers[x, y] = hl.exp(scores[x, y] - largest[y])
    total[y] = 0.0
    total[y] += powers[column.x, y]
    softmax = hl.Func("softmax")
    softmax[x, y] = powers[x, y] / total[y]

    for f in (scores, softmax):
        f.set_estimates([(0, COLUMNS), (0, ROWS)])
    return _Algorithm(x, y, column, largest, powers, total, softmax)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().softmax


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y = a.x, a.y
    yo, lane = hl.Var("yo"), hl.Var("lane")
    ro, ri = hl.RVar("ro"), hl.RVar("ri")
    vec = hl.get_host_target().natural_vector_size(hl.Float(32))
    # A row stays in cache from its maximum to its quotients, and each power is computed once.
    a.softmax.split(y, yo, y, TASK_ROWS).parallel(yo).vectorize(x, vec)
    a.powers.compute_at(a.softmax, y).vectorize(x, vec)
    # Both reductions keep one partial result per lane of a vector.
    for reduction in (a.largest, a.total):
        reduction.compute_at(a.softmax, y)
        partial = reduction.update().split(a.column.x, ro, ri, vec).rfactor(ri, lane)
        partial.compute_at(a.softmax, y).vectorize(lane).update().reorder(lane, ro).vectorize(lane)
    return a.softmax
