"""What a stage's own loops come to: how deep its innermost body is, what stays in registers, what tails leave over."""

from __future__ import annotations

import math

from autosearch.schedule.loops import GUARDS, PARALLEL, SERIAL, UNROLLED, VECTORIZED, Derivation, StageLoops
from autosearch.schedule.nest import StageNest


def body_depth(loops: StageLoops) -> int:
    """How many loops one is inside of when inside the innermost serial or parallel one."""
    return max((place for place, kind in enumerate(loops.kinds, start=1) if kind in (SERIAL, PARALLEL)), default=0)


def vector_variable(loops: StageLoops) -> str | None:
    """The variable that the outermost vectorized loop came of."""
    for loop, kind in zip(loops.order, loops.kinds, strict=True):
        if kind == VECTORIZED:
            return loops.variables[loops.variable_of(loop)]
    return None


def reduces(own: StageNest, loop: int) -> bool:
    """Whether a loop, by its number, came of a reduction variable."""
    return own.stage.is_rvar(own.loops.variables[own.loops.variable_of(loop)])


def innermost_pure(own: StageNest) -> int:
    """Iterations of the innermost serial or parallel loop that doesn't reduce."""
    for loop, kind, size in reversed(list(zip(own.loops.order, own.loops.kinds, own.loop_extents, strict=True))):
        if kind in (SERIAL, PARALLEL) and not reduces(own, loop):
            return size
    return 1


def accumulated(own: StageNest) -> int:
    """Runs of the body in a row that accumulate in the same registers: the innermost serial loops that reduce."""
    count = 1
    for loop, kind, size in reversed(list(zip(own.loops.order, own.loops.kinds, own.loop_extents, strict=True))):
        if kind in (VECTORIZED, UNROLLED):
            continue
        if kind != SERIAL or not reduces(own, loop):
            break
        count *= size
    return count


def covered(own: StageNest) -> float:
    """Computed over needed, since tails round up."""
    found = own.loops.covered(own.extents)
    return math.prod(c / max(1, s) for c, s in zip(found, own.extents[: len(found)], strict=True))


def _left_over(own: StageNest, derivation: Derivation) -> int:
    """Iterations that a split leaves to an if inside the loop."""
    if derivation.fuse or derivation.tail not in GUARDS:
        return 0
    return own.extents[derivation.old] % derivation.factor


def guarded(own: StageNest) -> float:
    """1 where a tail is left to an if inside the loop."""
    return float(any(_left_over(own, one) for one in own.loops.derivations))


def scalar_share(own: StageNest) -> float:
    """The share of the evaluations that such ifs leave over of vectorized loops."""
    vectors = {loop for loop, kind in zip(own.loops.order, own.loops.kinds, strict=True) if kind == VECTORIZED}
    whole = 1.0
    for one in own.loops.derivations:
        if one.inner in vectors and not one.fuse:
            whole *= 1.0 - _left_over(own, one) / own.extents[one.old]
    return 1.0 - whole
