"""A chain of 32 stencils of 5x5 points, each on the result of the one before.

A stress test for the fusion of many stages, of the kind in R. T. Mullapudi et al., "Automatically scheduling Halide
image processing pipelines", SIGGRAPH 2016. uint16 with wrapping sums, 1536x2560, edges of the input repeated.
"""

from __future__ import annotations

from typing import NamedTuple

import halide as hl

WIDTH, HEIGHT, STAGES = 1536, 2560, 32
GROUP, TILE_X, TILE_Y = 11, 384, 320


class _Algorithm(NamedTuple):
    x: hl.Var
    y: hl.Var
    padded: hl.Func
    stages: list[hl.Func]


def _algorithm() -> _Algorithm:
    image = hl.ImageParam(hl.UInt(16), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    padded = before = hl.BoundaryConditions.repeat_edge(image)
    stages = []
    for s in range(STAGES):
        stage = hl.Func(f"stage_{s}" if s < STAGES - 1 else "chained")
        points = [((i + 3) * (j + 3), before[x + i, y + j]) for i in range(-2, 3) for j in range(-2, 3)]
        stage[x, y] = sum((hl.u16(weight) * value for weight, value in points), hl.u16(0))
        stages.append(stage)
        before = stage

    image.set_estimates([(0, WIDTH), (0, HEIGHT)])
    before.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return _Algorithm(x, y, padded, stages)


def pipeline() -> hl.Func:
    """The algorithm alone."""
    return _algorithm().stages[-1]


def expert() -> hl.Func:
    """The algorithm with a schedule by hand."""
    a = _algorithm()
    x, y = a.x, a.y
    xo, yo, t, xi, yi, yii = hl.vars("xo yo t xi yi yii")
    vec = hl.get_host_target().natural_vector_size(hl.UInt(16))
    a.padded.compute_root().parallel(a.padded.args()[1], 32).vectorize(a.padded.args()[0], vec)
    # Groups of stages: the last of a group is stored whole, in tiles; the others slide down its tiles two rows at a
    # time, which share most of their loads. Longer groups save memory traffic, but repeat more where tiles overlap.
    for last in range(STAGES - 1, -1, -GROUP):
        out = a.stages[last]
        out.compute_root().tile(x, y, xo, yo, xi, yi, TILE_X, TILE_Y).fuse(xo, yo, t).parallel(t)
        out.split(yi, yi, yii, 2).vectorize(xi, vec).reorder(yii, xi, yi).unroll(yii)
        for stage in a.stages[max(0, last - GROUP + 1) : last]:
            stage.store_at(out, t).compute_at(out, yi).vectorize(x, vec)
            stage.split(y, y, yii, 2, hl.TailStrategy.RoundUp).reorder(yii, x, y).unroll(yii)
    return a.stages[-1]
