"""How far beyond the region needed a Func may be computed: what rounding up a tail must not exceed.

A Func computed beyond its region reads more of its producers, and in the end more of the inputs than there is, unless
an index is clamped on the way. Found producers first: a Func may grow as long as each of its producers may.
"""

from __future__ import annotations

from collections.abc import Mapping

from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import Dataflow, Regions, hull
from autosearch.pipeline.intervals import Interval
from autosearch.pipeline.ir import Func

_MOST = 4096


def allowed_regions(flow: Dataflow, regions: Regions, inputs: Mapping[str, Box]) -> dict[str, Box]:
    """For each Func the largest box, grown in one dimension at a time, whose computation stays within the inputs.

    Smaller than its region where that is looser than Halide's: the last strip of a factored reduction may be short, say.
    """
    allowed: dict[str, Box] = {}
    for func in flow.algorithm.funcs:
        box = regions.funcs[func.name]
        if func.extern or func.name in flow.algorithm.outputs:
            allowed[func.name] = box
            continue
        inside = tuple(_shrunk(flow, func, box, place, allowed, inputs) for place in range(len(box)))
        grown = []
        for place in range(len(box)):
            if inside[place] != box[place]:
                grown.append(inside[place])
                continue
            up = _most(flow, func, inside, place, +1, allowed, inputs)
            down = _most(flow, func, inside, place, -1, allowed, inputs)
            grown.append((box[place][0] - down, box[place][1] + up))
        allowed[func.name] = tuple(grown)
    return allowed


def _shrunk(
    flow: Dataflow, func: Func, box: Box, place: int, allowed: Mapping[str, Box], inputs: Mapping[str, Box]
) -> Interval:
    """The range of one dimension, cut at its end so far that it alone doesn't make a Func read beyond the inputs."""

    def harmless(last: float) -> bool:
        one = tuple((low, last if other == place else low) for other, (low, _) in enumerate(box))
        return _stays_inside(flow, func, one, allowed, inputs)

    low, high = box[place]
    if harmless(high) or not harmless(low):
        return low, high
    known, wrong = low, high
    while wrong - known > 1:
        middle = (known + wrong) // 2
        known, wrong = (middle, wrong) if harmless(middle) else (known, middle)
    return low, known


def _most(
    flow: Dataflow, func: Func, box: Box, place: int, sign: int, allowed: Mapping[str, Box], inputs: Mapping[str, Box]
) -> int:
    """The largest growth (a power of two, halved while refining) of one side of one dimension that is harmless."""

    def harmless(amount: int) -> bool:
        low, high = box[place]
        wider = (low - amount, high) if sign < 0 else (low, high + amount)
        return _stays_inside(flow, func, (*box[:place], wider, *box[place + 1 :]), allowed, inputs)

    if harmless(_MOST):
        return _MOST
    best, step = 0, _MOST // 2
    while step:
        if harmless(best + step):
            best += step
        step //= 2
    return best


def _stays_inside(flow: Dataflow, func: Func, box: Box, allowed: Mapping[str, Box], inputs: Mapping[str, Box]) -> bool:
    for stage in func.stages:
        env = flow.environment(stage, box)
        for edge in flow.edges[stage.key]:
            limit = inputs.get(edge.producer) if edge.is_input else allowed.get(edge.producer)
            if limit is None or edge.producer == func.name:
                continue
            if hull(limit, edge.box(env)) != limit:
                return False
    return True
