"""The arithmetic of `StageLoops`, for many stages of one kind at once: extents, what is covered, what an iteration covers.

Loops and derivations are rows of numbers, padded to a common length, and each step is done for all rows together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from autosearch.pipeline.ir import Stage
from autosearch.schedule.directives import Tail
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
MOST_LOOPS = 24
"""Stages with more are taken one at a time."""
_EXACT, _UP, _SHIFT, _FUSE = range(4)
_TAILS = {
    tail.value: (_UP if tail in ROUNDS_UP else _SHIFT if tail in SHIFTS else _EXACT, int(tail in GUARDS)) for tail in Tail
}
"""What each does, and whether it leaves that to an if."""


class Packed(NamedTuple):
    """One stage's loops as numbers."""

    loops: Numbers
    """Of the loops that remain, outermost first: number, kind, whether it came of a reduction variable: (3, MOST_LOOPS),
    the number -1 and the kind 0 where there are no more."""
    steps: Numbers
    """Of each derivation: old, outer and inner loop, factor, what is done with the tail, whether that is left to an if, and
    how many derivations come before it because it needs them: (derivations, 7)."""
    vector: int
    """The variable that the outermost vectorized loop came of; -1 where there is none."""


NO_LOOPS = Packed(np.zeros((3, MOST_LOOPS), dtype=np.int64), np.zeros((0, 7), dtype=np.int64), -1)


def pack(loops: StageLoops, stage: Stage) -> Packed | None:
    """The loops of a stage as numbers; None where there are too many."""
    if len(loops.order) > MOST_LOOPS:
        return None
    names, order = len(loops.names), loops.order
    turn, variable = [0] * names, list(range(names))
    steps: list[tuple[int, ...]] = []
    for d in loops.derivations:
        if d.fuse:
            now = max(turn[d.outer], turn[d.inner])
            turn[d.old], variable[d.old] = now + 1, variable[d.inner]
            steps.append((d.old, d.outer, d.inner, d.factor, _FUSE, 0, now))
        else:
            now = turn[d.old]
            turn[d.outer] = turn[d.inner] = now + 1
            variable[d.outer] = variable[d.inner] = variable[d.old]
            tail, guarded = _TAILS[d.tail.value]
            steps.append((d.old, d.outer, d.inner, d.factor, tail, guarded, now))
    rvars = [stage.is_rvar(name) for name in loops.variables]
    padding = [0] * (MOST_LOOPS - len(order))
    found = np.array((
        [*order, *[-1] * len(padding)],
        [*[KINDS[kind] for kind in loops.kinds], *padding],
        [*[rvars[variable[loop]] for loop in order], *padding],
    ), dtype=np.int64)  # fmt: skip
    vectors = [variable[loop] for loop, kind in zip(order, loops.kinds, strict=True) if kind == VECTORIZED]
    table = np.array(steps, dtype=np.int64) if steps else NO_LOOPS.steps
    return Packed(found, table, vectors[0] if vectors else -1)


class LoopArrays:
    """Stages' loops, a row each: `rows[k]` is with which variables' `sizes[k]`. All have the same variables."""

    def __init__(self, rows: Sequence[Packed], sizes: Numbers) -> None:
        count, self.variables = sizes.shape
        loops = np.stack([row.loops for row in rows])
        self.depth = int((loops[:, 1] > 0).sum(axis=1).max(initial=0))
        self.order, self.kinds = loops[:, 0, : self.depth], loops[:, 1, : self.depth]
        self.reduces = loops[:, 2, : self.depth] > 0
        self.vector = np.array([row.vector for row in rows], dtype=np.int64)
        steps = [len(row.steps) for row in rows]
        table = np.concatenate([row.steps for row in rows])
        self._row = np.repeat(np.arange(count), steps)
        """Of each derivation of any row."""
        self._steps = table.T
        turn = self._steps[6]
        self._turns = [np.flatnonzero(turn == k) for k in range(int(turn.max(initial=-1)) + 1)]
        """The derivations that can be done at once, those that the others need first."""
        self.extents = np.ones((count, self.variables + 2 * max(steps, default=0) + 1), dtype=np.int64)
        """Of every loop that ever was, by number; the last column is no loop."""
        self.extents[:, : self.variables] = sizes
        self._extend()
        found = self.extents[np.arange(count)[:, None], self.order]
        self.loop_extents = np.where(self.kinds > 0, found, 1)
        """Of the loops that remain, outermost first."""

    def _of(self, turn: Numbers) -> tuple[Numbers, ...]:
        """Row, old, outer and inner loop, factor and tail of some derivations."""
        return (self._row[turn], *self._steps[:5, turn])

    def _extend(self) -> None:
        every = self.extents
        for turn in self._turns:
            row, old, outer, inner, factor, tail = self._of(turn)
            fused = tail == _FUSE
            if fused.any():
                r, f = row[fused], (old[fused], outer[fused], inner[fused])
                every[r, f[0]] = every[r, f[2]] * every[r, f[1]]
                row, old, outer, inner, factor = (one[~fused] for one in (row, old, outer, inner, factor))
            every[row, inner] = factor
            every[row, outer] = -(-every[row, old] // factor)

    def covered(self) -> Numbers:
        """`StageLoops.covered` of each row: (rows, variables)."""
        found = self.extents.copy()
        for turn in reversed(self._turns):
            tails = self._steps[4, turn]
            turn = turn[(tails == _UP) | (tails == _SHIFT)]
            if len(turn):
                row, old, outer, _, factor, tail = self._of(turn)
                shifted = np.maximum(self.extents[row, old], factor)
                found[row, old] = np.where(tail == _UP, factor * found[row, outer], shifted)
        return found[:, : self.variables]

    def left_over(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        """The derivations that leave iterations to an if inside the loop: row, how many, of how many, and inner loop."""
        some = np.flatnonzero(self._steps[5])
        row, old, _, inner, factor, _ = self._of(some)
        size = self.extents[row, old]
        left = size % factor
        some = np.flatnonzero(left)
        return row[some], left[some], size[some], inner[some]

    def tails(self) -> tuple[Numbers, Numbers]:
        """How many derivations of each row are splits that leave their tail to an if, and that shift it inwards."""
        count = len(self.extents)
        kinds = (self._steps[5] > 0, self._steps[4] == _SHIFT)
        guards, shifts = (np.bincount(self._row[some], minlength=count) for some in kinds)
        return guards, shifts

    def windows(self) -> tuple[Numbers, Numbers]:
        """`StageLoops.window` of each row at each depth from 1: offsets and lengths, (variables, rows, depth)."""
        count, loops = self.extents.shape
        offset = np.zeros((loops, count, self.depth), dtype=np.int64)
        length = np.repeat(self.extents.T[:, :, None], self.depth, axis=2)
        row, place = np.nonzero(self.kinds)
        loop = self.order[row, place]
        inside = np.arange(self.depth) >= place[:, None]
        offset[loop, row] = np.where(inside, (self.extents[row, loop] // 2)[:, None], 0)
        length[loop, row] = np.where(inside, 1, length[loop, row])
        for turn in reversed(self._turns):
            fused = self._steps[4, turn] == _FUSE
            if fused.any():
                self._unfuse(offset, length, turn[fused])
                turn = turn[~fused]
            self._join(offset, length, turn)
        return offset[: self.variables], length[: self.variables]

    def _join(self, offset: Numbers, length: Numbers, turn: Numbers) -> None:
        row, old, outer, inner, factor, tail = self._of(turn)
        size = self.extents[row, old][:, None]
        by, tail = factor[:, None], tail[:, None]
        long = (length[outer, row] - 1) * by + length[inner, row]
        at = offset[outer, row] * by + offset[inner, row]
        bounded = np.minimum(long, np.where(tail == _SHIFT, np.maximum(size, by), size))
        up = tail == _UP
        length[old, row] = np.where(up, long, bounded)
        offset[old, row] = np.where(up, at, np.maximum(0, np.minimum(at, size - bounded)))

    def _unfuse(self, offset: Numbers, length: Numbers, turn: Numbers) -> None:
        row, old, outer, inner, _, _ = self._of(turn)
        at, long = offset[old, row], length[old, row]
        size = self.extents[row, inner][:, None]
        whole = long >= size
        offset[inner, row] = np.where(whole, 0, np.minimum(at % size, size - long))
        length[inner, row] = np.where(whole, size, long)
        offset[outer, row] = at // size
        length[outer, row] = np.where(whole, -(-long // size), 1)
