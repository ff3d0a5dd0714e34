"""The arithmetic of `StageLoops`, for many stages of one kind at once: extents, what is covered, what an iteration covers.

Loops and derivations are rows of numbers, padded to a common length, and each step is done for all rows together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autosearch.pipeline.ir import Stage
from autosearch.schedule.loops import (
    GUARDS,
    PARALLEL,
    ROUNDS_UP,
    SERIAL,
    SHIFTS,
    UNROLLED,
    VECTORIZED,
    StageLoops,
)

Numbers = np.ndarray[Any, np.dtype[np.int64]]
KINDS = {SERIAL: 1, PARALLEL: 2, VECTORIZED: 3, UNROLLED: 4}
"""Kinds of loops as numbers; 0 is no loop."""
MOST_LOOPS, MOST_DERIVATIONS = 24, 20
"""Stages with more are taken one at a time."""
_EXACT, _UP, _SHIFT, _FUSE, _NONE = range(5)


class Packed(NamedTuple):
    """One stage's loops as numbers."""

    order: list[int]
    kinds: list[int]
    steps: list[tuple[int, int, int, int, int, int]]
    """Old, outer and inner loop, factor, what is done with the tail, and whether that is left to an if."""
    reduces: list[bool]
    """Of each loop of `order`, whether it came of a reduction variable."""
    vector: int
    """The variable that the outermost vectorized loop came of; -1 where there is none."""


def pack(loops: StageLoops, stage: Stage) -> Packed | None:
    """The loops of a stage as numbers; None where there are too many."""
    if len(loops.order) > MOST_LOOPS or len(loops.derivations) > MOST_DERIVATIONS:
        return None
    steps = []
    for d in loops.derivations:
        tail = _FUSE if d.fuse else _UP if d.tail in ROUNDS_UP else _SHIFT if d.tail in SHIFTS else _EXACT
        steps.append((d.old, d.outer, d.inner, d.factor, tail, int(not d.fuse and d.tail in GUARDS)))
    variables = [loops.variable_of(loop) for loop in loops.order]
    reduces = [stage.is_rvar(loops.variables[variable]) for variable in variables]
    vectors = [variable for variable, kind in zip(variables, loops.kinds, strict=True) if kind == VECTORIZED]
    kinds = [KINDS[kind] for kind in loops.kinds]
    return Packed(list(loops.order), kinds, steps, reduces, vectors[0] if vectors else -1)


class LoopArrays:
    """Stages' loops, a row each: `rows[k]` is with which variables' `sizes[k]`. All have the same variables."""

    def __init__(self, rows: Sequence[Packed], sizes: Numbers) -> None:
        count, self.variables = sizes.shape
        self.depth = max((len(row.order) for row in rows), default=0)
        steps = max((len(row.steps) for row in rows), default=0)
        self.order = np.full((count, self.depth), -1)
        self.kinds = np.zeros((count, self.depth), dtype=np.int64)
        self.reduces = np.zeros((count, self.depth), dtype=bool)
        self.vector = np.array([row.vector for row in rows], dtype=np.int64)
        table = np.zeros((count, steps, 6), dtype=np.int64)
        table[:, :, 3] = 1
        table[:, :, 4] = _NONE
        for place, row in enumerate(rows):
            self.order[place, : len(row.order)] = row.order
            self.kinds[place, : len(row.kinds)] = row.kinds
            self.reduces[place, : len(row.kinds)] = row.reduces
            if row.steps:
                table[place, : len(row.steps)] = row.steps
        self._steps = table
        self.extents = np.ones((count, self.variables + 2 * steps + 1), dtype=np.int64)
        """Of every loop that ever was, by number; the last column is no loop."""
        self.extents[:, : self.variables] = sizes
        self._all = np.arange(count)
        self._extend()
        found = self.extents[self._all[:, None], self.order]
        self.loop_extents = np.where(self.kinds > 0, found, 1)
        """Of the loops that remain, outermost first."""

    def _extend(self) -> None:
        every = self.extents
        for k in range(self._steps.shape[1]):
            old, outer, inner, factor, tail, _ = self._steps[:, k].T
            split, fuse = np.flatnonzero(tail < _FUSE), np.flatnonzero(tail == _FUSE)
            if len(split):
                by = factor[split]
                every[split, inner[split]] = by
                every[split, outer[split]] = -(-every[split, old[split]] // by)
            if len(fuse):
                every[fuse, old[fuse]] = every[fuse, inner[fuse]] * every[fuse, outer[fuse]]

    def covered(self) -> Numbers:
        """`StageLoops.covered` of each row: (rows, variables)."""
        found = self.extents.copy()
        for k in reversed(range(self._steps.shape[1])):
            old, outer, _, factor, tail, _ = self._steps[:, k].T
            rows = np.flatnonzero(tail < _FUSE)
            old, outer, factor, tail = old[rows], outer[rows], factor[rows], tail[rows]
            given = self.extents[rows, old]
            up, shifted = factor * found[rows, outer], np.maximum(given, factor)
            found[rows, old] = np.where(tail == _UP, up, np.where(tail == _SHIFT, shifted, given))
        return found[:, : self.variables]

    def left_over(self) -> tuple[Numbers, Numbers, Numbers]:
        """For each derivation the iterations that it leaves to an if inside the loop, of how many, and its inner loop,
        each (rows, derivations)."""
        old, inner, factor, guard = (self._steps[:, :, k] for k in (0, 2, 3, 5))
        size = np.take_along_axis(self.extents, old, axis=1)
        return np.where(guard > 0, size % np.maximum(1, factor), 0), size, inner

    def windows(self) -> tuple[Numbers, Numbers]:
        """`StageLoops.window` of each row at each depth from 1: offsets and lengths, (variables, rows, depth)."""
        count, loops = self.extents.shape
        offset = np.zeros((loops, count, self.depth), dtype=np.int64)
        length = np.repeat(self.extents.T[:, :, None], self.depth, axis=2)
        for place in range(self.depth):
            rows = np.flatnonzero(self.kinds[:, place])
            loop = self.order[rows, place]
            offset[loop, rows, place:] = (self.extents[rows, loop] // 2)[:, None]
            length[loop, rows, place:] = 1
        for k in reversed(range(self._steps.shape[1])):
            tail = self._steps[:, k, 4]
            rows = np.flatnonzero(tail == _FUSE)
            if len(rows):
                self._unfuse(offset, length, k, rows)
            rows = np.flatnonzero(tail < _FUSE)
            if len(rows):
                self._join(offset, length, k, rows)
        return offset[: self.variables], length[: self.variables]

    def _join(self, offset: Numbers, length: Numbers, k: int, rows: Numbers) -> None:
        old, outer, inner, factor, tail, _ = self._steps[rows, k].T
        size = self.extents[rows, old][:, None]
        by, tail = factor[:, None], tail[:, None]
        long = (length[outer, rows] - 1) * by + length[inner, rows]
        at = offset[outer, rows] * by + offset[inner, rows]
        most = np.where(tail == _SHIFT, np.maximum(size, by), size)
        bounded = np.minimum(long, most)
        inside = np.maximum(0, np.minimum(at, size - bounded))
        length[old, rows] = np.where(tail == _UP, long, bounded)
        offset[old, rows] = np.where(tail == _UP, at, inside)

    def _unfuse(self, offset: Numbers, length: Numbers, k: int, rows: Numbers) -> None:
        old, outer, inner, _, _, _ = self._steps[rows, k].T
        at, long = offset[old, rows], length[old, rows]
        size = self.extents[rows, inner][:, None]
        whole = long >= size
        offset[inner, rows] = np.where(whole, 0, np.minimum(at % size, size - long))
        length[inner, rows] = np.where(whole, size, long)
        offset[outer, rows] = at // size
        length[outer, rows] = np.where(whole, -(-long // size), 1)
