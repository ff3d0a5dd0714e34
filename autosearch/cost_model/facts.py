"""What features are made of: plain quantities of one stage in a loop nest, or of many, a column each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

Column = np.ndarray[Any, np.dtype[np.float64]]


class Facts(NamedTuple):
    """Columns with a value a stage. "Evaluations" are of its definition, "bytes" of whole elements, tuples together."""

    stage: Column
    """0 for the pure definition, k for the k-th update."""
    dimensions: Column
    element_bytes: Column
    lanes: Column
    """Elements in a native vector."""
    # Where it is computed
    depth: Column
    """Loops around where its Func is produced."""
    productions: Column
    realizations: Column
    outer_tasks: Column
    """Iterations of the parallel loops around it."""
    share: Column
    """The part of each production that isn't re-used from the last, see `LoopNest.sliding_share`."""
    # Its loops
    points: Column
    """Evaluations each time it is produced."""
    minimum: Column
    """Evaluations in one run if nothing were computed twice."""
    region: Column
    """Points of its Func that are needed in one run."""
    vector: Column
    unrolled: Column
    own_tasks: Column
    serial: Column
    """Iterations of its serial and parallel loops together."""
    innermost: Column
    """Of the innermost of these."""
    innermost_pure: Column
    """Of the innermost of these that doesn't reduce."""
    loops: Column
    covered: Column
    """Computed over needed, since tails round up."""
    guarded: Column
    """1 where a tail is left to an if inside the loops."""
    scalar_share: Column
    """The share of its evaluations that such an if leaves over of vectorized loops."""
    accumulated: Column
    """Runs of the innermost body in a row that accumulate in the same registers: the innermost loops that reduce."""
    reduced: Column
    """Iterations of its vectorized loops that reduce."""
    unrolled_reduced: Column
    """Iterations of its unrolled loops that reduce."""
    guards: Column
    """Splits that leave their tail to an if, whether or not they divide at this size: Halide may not know."""
    shifts: Column
    """Splits that shift their tail inwards, likewise."""
    # What it does
    adds: Column
    adds_f: Column
    muls: Column
    muls_f: Column
    divs: Column
    divs_f: Column
    calls: Column
    logic: Column
    casts: Column
    index_work: Column
    loads: Column
    operations: Column
    """All of these but index work, with those of inlined Funcs for each of their calls."""
    inlined: Column
    """Calls of inlined Funcs that one evaluation takes."""
    # How its definition's own loads go with its variables, and how all loads go with the vector
    pointwise: Column
    transposed: Column
    broadcasts: Column
    sliced: Column
    scatters: Column
    dots: Column
    """Products of narrow integers that one instruction can add up to one result; 1 where it adds up none."""
    dense: Column
    broadcast: Column
    strided: Column
    gathered: Column
    # Its storage, in bytes
    stored: Column
    stored_row: Column
    """Along the dimension innermost in memory."""
    produced: Column
    produced_row: Column
    whole: Column
    """What is needed of it in one run."""
    producer: Column
    """The largest storage that it reads."""
    # What it reads in one iteration of some loops, in bytes
    body_reads: Column
    """Inside its innermost serial loop; `inner`: one loop further out, `middle`: two."""
    inner_reads: Column
    middle_reads: Column
    production_reads: Column
    realization_reads: Column
    task_reads: Column
    root_reads: Column
    body_lines: Column
    """Lines along the dimension innermost in memory."""
    production_lines: Column
    task_lines: Column
    root_lines: Column
    inner_pieces: Column
    """Pieces of memory without a gap."""
    # What it writes there, in bytes
    inner_writes: Column
    middle_writes: Column
    production_writes: Column
    realization_writes: Column
    task_writes: Column
    root_writes: Column

    @property
    def total(self) -> Column:
        """Evaluations in one run."""
        return self.points * self.productions * self.share

    @property
    def tasks(self) -> Column:
        """Parallel tasks that the stage is part of."""
        return self.own_tasks * self.outer_tasks

    @property
    def vector_work(self) -> Column:
        """Operations of one run over those that one instruction does."""
        results = self.vector / self.summed
        return self.operations * self.total / np.maximum(1.0, np.minimum(results, self.lanes) * self.summed)

    @property
    def summed(self) -> Column:
        """Products of narrow integers that one instruction adds up to one result."""
        return np.minimum(self.reduced, self.dots)


def columns(rows: Sequence[Sequence[float]]) -> Facts:
    """The facts of several stages, each given as a row in the order of the fields."""
    table = np.asarray(rows, dtype=np.float64).reshape(len(rows), len(Facts._fields))
    return Facts(*table.T)
