"""What a stage's own loops come to: how deep its innermost body is, what stays in registers, what tails leave over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autosearch.pipeline.array_intervals import Array
from autosearch.schedule.directives import Tail
from autosearch.schedule.loop_arrays import KINDS, LoopArrays
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


def reducing(own: StageNest, of_kind: str) -> int:
    """Iterations of the loops of one kind that reduce."""
    loops = zip(own.loops.order, own.loops.kinds, own.loop_extents, strict=True)
    return math.prod(size for loop, kind, size in loops if kind == of_kind and reduces(own, loop))


def tails(own: StageNest, kinds: Sequence[Tail]) -> int:
    """How many splits deal with their tails in one of these ways, whether or not they divide at this size."""
    return sum(one.tail in kinds for one in own.loops.derivations if not one.fuse)


LOOP_FACTS = (
    "points", "vector", "unrolled", "own_tasks", "serial", "innermost", "innermost_pure", "loops", "covered", "guarded",
    "scalar_share", "accumulated", "reduced", "unrolled_reduced", "guards", "shifts",
)  # fmt: skip
"""Facts that depend on a stage's own loops alone."""


def loop_facts(loops: LoopArrays) -> Array:
    """The facts about a stage's own loops, as the functions above have them, of many stages: (facts, rows)."""
    kinds, sizes = loops.kinds, loops.loop_extents.astype(float)
    serial, parallel = kinds == KINDS[SERIAL], kinds == KINDS[PARALLEL]
    runs = serial | parallel
    together = [
        np.prod(np.where(kinds == KINDS[kind], sizes, 1.0), axis=1) for kind in (VECTORIZED, UNROLLED, PARALLEL)
    ]
    reducing = [
        np.prod(np.where((kinds == KINDS[kind]) & loops.reduces, sizes, 1.0), axis=1) for kind in (VECTORIZED, UNROLLED)
    ]
    given = np.maximum(1, loops.extents[:, : loops.variables])
    covered = np.prod(loops.covered() / given, axis=1)
    row, left, size, inner = loops.left_over()
    count = len(kinds)
    guarded, whole = np.zeros(count), np.ones(count)
    guarded[row] = 1.0
    if len(row):
        is_vector = np.zeros(loops.extents.shape, dtype=bool)
        which, place = np.nonzero(kinds == KINDS[VECTORIZED])
        is_vector[which, loops.order[which, place]] = True
        some = is_vector[row, inner]
        np.multiply.at(whole, row[some], 1.0 - left[some] / size[some])
    accumulated, running = np.ones(count), np.ones(count, dtype=bool)
    for loop in reversed(range(kinds.shape[1])):
        there = running & runs[:, loop]
        running &= ~there | (serial[:, loop] & loops.reduces[:, loop])
        accumulated = np.where(there & running, accumulated * sizes[:, loop], accumulated)
    return np.stack([
        np.prod(sizes, axis=1), *together, np.prod(np.where(runs, sizes, 1.0), axis=1),
        _last(sizes, runs), _last(sizes, runs & ~loops.reduces), (kinds > 0).sum(axis=1), covered,
        guarded, 1.0 - whole, accumulated, *reducing, *loops.tails(),
    ])  # fmt: skip


def _last(sizes: Array, where: np.ndarray[Any, np.dtype[np.bool_]]) -> Array:
    """The last of each row that counts, 1 where none does."""
    if not sizes.shape[1]:
        return np.ones(len(sizes))
    place = sizes.shape[1] - 1 - np.argmax(where[:, ::-1], axis=1)
    return np.where(where.any(axis=1), sizes[np.arange(len(sizes)), place], 1.0)
