"""A reduction of which every part may differ."""

from __future__ import annotations

import halide as hl
import numpy as np

CHANGES: tuple[dict[str, float], ...] = (
    {"weight": 3.0}, {"weight": 2.0000002}, {"extent": 32}, {"below": 40}, {"table": 2}, {"shift": 1},
)  # fmt: skip
"""A constant, its last digit, the range of the reduction, its predicate, the values of a table, and where that lies."""


def reduction(extent: int = 48, below: int = 48, weight: float = 2.0, table: int = 1, shift: int = 0) -> hl.Func:
    """A weighted sum of each column, over the rows below a limit."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    weights = hl.Buffer(np.full((2, 50), table, np.float32))
    weights.set_min([-shift, 0])
    x, k, total = hl.Var("x"), hl.RDom([(0, extent)], "k"), hl.Func("total")
    k.where(k.x < below)
    total[x] = 0.0
    total[x] += image[k, x] * hl.f32(weight) * weights[k, 0]
    total.set_estimates([(0, 16)])
    return total
