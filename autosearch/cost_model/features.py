"""Features of a schedule: for every stage that is computed somewhere, what it does there, in a fixed vector.

All come from our own loop-nest model, none from compiling. In the spirit of Adams et al. 2019 (Learning to Optimize
Halide with Tree Search and Random Programs), with our own definitions: each is one documented entry of `FEATURES`.
Magnitudes are given as log2(1 + value), so that ratios become differences.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from autosearch.cost_model.base import Rows
from autosearch.cost_model.facts import Column, Facts, columns
from autosearch.cost_model.stage import facts_of
from autosearch.machine import Machine
from autosearch.schedule.nest import LoopNest


@dataclass(frozen=True)
class Feature:
    """One entry of the vector."""

    name: str
    unit: str
    meaning: str
    value: Callable[[Facts, Machine], Column]


def _log(value: Column) -> Column:
    return np.log2(1.0 + np.maximum(0.0, value))


def _over(machine: Machine, level: int, size: Column) -> Column:
    return np.log2((size + 64.0) / machine.cache_bytes[level])


def _busy(f: Facts, m: Machine) -> Column:
    return np.maximum(1.0, np.minimum(f.tasks, m.cores))


FEATURES: tuple[Feature, ...] = (
    # How often, and how much
    Feature("productions", "log2 count", "how often the Func is produced", lambda f, m: _log(f.productions)),
    Feature("points", "log2 count", "evaluations each time it is produced", lambda f, m: _log(f.points)),
    Feature("realization_points", "log2 count", "evaluations for each allocation of its storage",
            lambda f, m: _log(f.total / f.realizations)),
    Feature("total_points", "log2 count", "evaluations in one run", lambda f, m: _log(f.total)),
    Feature("minimum_points", "log2 count", "evaluations if nothing were computed twice", lambda f, m: _log(f.minimum)),
    Feature("recompute", "log2 ratio", "evaluations over the minimum", lambda f, m: np.log2(f.total / f.minimum)),
    Feature("sliding", "ratio", "part of each production that is not re-used from the last", lambda f, m: f.share),
    # The algorithm
    Feature("stage", "index", "0 for the pure definition, k for the k-th update", lambda f, m: f.stage),
    Feature("dimensions", "count", "dimensions of the Func", lambda f, m: f.dimensions),
    Feature("reductions", "log2 count", "reduction loop iterations for each point",
            lambda f, m: _log(f.minimum / np.maximum(1.0, f.region))),
    Feature("adds", "log2 count", "additions, subtractions, minima and maxima of an evaluation", lambda f, m: _log(f.adds)),
    Feature("adds_f", "log2 count", "the same on floats", lambda f, m: _log(f.adds_f)),
    Feature("muls", "log2 count", "integer multiplications", lambda f, m: _log(f.muls)),
    Feature("muls_f", "log2 count", "float multiplications", lambda f, m: _log(f.muls_f)),
    Feature("divs", "log2 count", "integer divisions and remainders", lambda f, m: _log(f.divs)),
    Feature("divs_f", "log2 count", "float divisions", lambda f, m: _log(f.divs_f)),
    Feature("calls", "log2 count", "calls of intrinsics and extern functions", lambda f, m: _log(f.calls)),
    Feature("logic", "log2 count", "comparisons, boolean operations and selections", lambda f, m: _log(f.logic)),
    Feature("casts", "log2 count", "conversions", lambda f, m: _log(f.casts)),
    Feature("index", "log2 count", "integer operations on indices", lambda f, m: _log(f.index_work)),
    Feature("loads", "log2 count", "loads of an evaluation", lambda f, m: _log(f.loads)),
    Feature("inlined", "log2 count", "calls of inlined Funcs that an evaluation takes", lambda f, m: _log(f.inlined)),
    Feature("pointwise", "count", "loads of the definition at its own coordinates, one offset aside", lambda f, m: f.pointwise),
    Feature("transposed", "count", "loads at its coordinates in another order", lambda f, m: f.transposed),
    Feature("broadcasts", "count", "loads that some of its variables don't move", lambda f, m: f.broadcasts),
    Feature("sliced", "count", "loads at a constant in some dimension", lambda f, m: f.sliced),
    Feature("scatters", "flag", "it writes where data or a reduction variable says", lambda f, m: f.scatters),
    # Work
    Feature("total_work", "log2 count", "operations of one run, loads included", lambda f, m: _log(f.operations * f.total)),
    Feature("vector_work", "log2 count", "operations of one run over those that one instruction does",
            lambda f, m: _log(f.vector_work)),
    Feature("core_work", "log2 count", "vector_work over the cores that the tasks keep busy",
            lambda f, m: _log(f.vector_work / _busy(f, m))),
    # Its loops
    Feature("vector", "log2 lanes", "iterations of vectorized loops", lambda f, m: np.log2(f.vector)),
    Feature("native_vectors", "log2 ratio", "vector size over the native one", lambda f, m: np.log2(f.vector / f.lanes)),
    Feature("vectors", "log2 count", "whole vectors evaluated in one run",
            lambda f, m: _log(np.where(f.vector > 1, f.total * (1.0 - f.scalar_share) / f.vector, 0.0))),
    Feature("scalars", "log2 count", "evaluations in one run that aren't part of a whole vector",
            lambda f, m: _log(np.where(f.vector > 1, f.total * f.scalar_share, f.total))),
    Feature("unrolled", "log2 count", "iterations of unrolled loops", lambda f, m: np.log2(f.unrolled)),
    Feature("innermost", "log2 count", "iterations of the innermost serial loop", lambda f, m: np.log2(f.innermost)),
    Feature("innermost_pure", "log2 count", "iterations of the innermost serial loop that doesn't reduce",
            lambda f, m: np.log2(f.innermost_pure)),
    Feature("serial", "log2 count", "iterations of all own serial and parallel loops", lambda f, m: np.log2(f.serial)),
    Feature("loops", "count", "own loops", lambda f, m: f.loops),
    Feature("covered", "ratio", "computed over needed, since tails round up", lambda f, m: f.covered),
    Feature("guarded", "flag", "a tail is left to an if inside the loops", lambda f, m: f.guarded),
    Feature("accumulated", "log2 count", "runs of the innermost body in a row that accumulate in the same registers",
            lambda f, m: np.log2(f.accumulated)),
    Feature("summed", "log2 count", "products of narrow integers that one instruction adds up", lambda f, m: np.log2(f.summed)),
    Feature("reduced", "log2 lanes", "iterations of vectorized loops that reduce",
            lambda f, m: np.log2(f.reduced)),
    Feature("unrolled_reduced", "log2 count", "iterations of unrolled loops that reduce",
            lambda f, m: np.log2(f.unrolled_reduced)),
    Feature("body_results", "log2 ratio", "native vectors of different results that the innermost serial body makes",
            lambda f, m: np.log2(f.vector / f.reduced * f.unrolled / f.unrolled_reduced / f.lanes)),
    Feature("guards", "count", "splits that leave their tail to an if, even where they divide", lambda f, m: f.guards),
    Feature("shifts", "count", "splits that shift their tail inwards, even where they divide", lambda f, m: f.shifts),
    Feature("body_vectors", "log2 ratio", "native vectors that the innermost serial body writes",
            lambda f, m: np.log2(f.vector * f.unrolled / f.lanes)),
    Feature("intensity", "log2 operations per byte", "operations of it for each byte that it reads",
            lambda f, m: _log(f.operations * f.vector * f.unrolled / (f.body_reads + 1.0))),
    # Tasks
    Feature("tasks", "log2 count", "parallel tasks that the stage is part of", lambda f, m: np.log2(f.tasks)),
    Feature("own_tasks", "log2 count", "parallel tasks that its own loops make", lambda f, m: np.log2(f.own_tasks)),
    Feature("launches", "log2 count", "how often its own parallel loops are started",
            lambda f, m: _log(np.where(f.own_tasks > 1, f.productions, 0.0))),
    Feature("balance", "ratio", "part of the cores' time that the tasks fill",
            lambda f, m: f.tasks / (np.ceil(f.tasks / m.cores) * m.cores)),
    Feature("depth", "count", "loops around where it is computed", lambda f, m: f.depth),
    # Its storage
    Feature("element", "bytes", "bytes of an element", lambda f, m: f.element_bytes),
    Feature("stored", "log2 bytes", "storage that it needs", lambda f, m: _log(f.stored)),
    Feature("stored_row", "log2 bytes", "of it, contiguous", lambda f, m: _log(f.stored_row)),
    Feature("stored_l1", "log2 ratio", "storage over the first cache", lambda f, m: _over(m, 0, f.stored)),
    Feature("stored_l2", "log2 ratio", "storage over the second cache", lambda f, m: _over(m, 1, f.stored)),
    Feature("stored_l3", "log2 ratio", "storage over the third cache", lambda f, m: _over(m, 2, f.stored)),
    Feature("allocations", "log2 count", "how often the storage is allocated", lambda f, m: _log(f.realizations)),
    Feature("produced", "log2 bytes", "bytes made each time it is produced", lambda f, m: _log(f.produced)),
    Feature("produced_row", "log2 bytes", "of these, contiguous", lambda f, m: _log(f.produced_row)),
    Feature("task_writes", "log2 bytes", "bytes that a parallel task makes of it", lambda f, m: _log(f.task_writes)),
    Feature("whole", "log2 bytes", "bytes that are needed of it in one run", lambda f, m: _log(f.whole)),
    Feature("written", "log2 bytes", "bytes written in one run", lambda f, m: _log(f.total * f.element_bytes)),
    # What it reads
    Feature("body_reads", "log2 bytes", "bytes read by the innermost serial body", lambda f, m: _log(f.body_reads)),
    Feature("body_lines", "log2 count", "contiguous lines read by it", lambda f, m: _log(f.body_lines)),
    Feature("inner_reads", "log2 bytes", "bytes read by all iterations of the innermost serial loop",
            lambda f, m: _log(f.inner_reads)),
    Feature("inner_pieces", "log2 count", "pieces of memory without a gap that they read", lambda f, m: _log(f.inner_pieces)),
    Feature("production_reads", "log2 bytes", "bytes read each time it is produced", lambda f, m: _log(f.production_reads)),
    Feature("production_lines", "log2 count", "contiguous lines read each time it is produced",
            lambda f, m: _log(f.production_lines)),
    Feature("realization_reads", "log2 bytes", "bytes read for each allocation of its storage",
            lambda f, m: _log(f.realization_reads)),
    Feature("task_reads", "log2 bytes", "bytes read by a parallel task", lambda f, m: _log(f.task_reads)),
    Feature("task_lines", "log2 count", "contiguous lines read by a parallel task", lambda f, m: _log(f.task_lines)),
    Feature("root_reads", "log2 bytes", "bytes read in one run, each counted once", lambda f, m: _log(f.root_reads)),
    Feature("root_lines", "log2 count", "contiguous lines of them", lambda f, m: _log(f.root_lines)),
    Feature("read_traffic", "log2 bytes", "bytes read by all innermost bodies",
            lambda f, m: _log(f.body_reads * f.productions * f.share * f.serial)),
    Feature("producer", "log2 bytes", "largest storage read", lambda f, m: _log(f.producer)),
    # What fits where
    Feature("inner_set", "log2 ratio", "bytes touched by the innermost serial loop over the first cache",
            lambda f, m: _over(m, 0, f.inner_reads + f.inner_writes)),
    Feature("middle_set", "log2 ratio", "bytes touched by the two innermost serial loops over the second cache",
            lambda f, m: _over(m, 1, f.middle_reads + f.middle_writes)),
    Feature("production_set", "log2 ratio", "bytes touched each time it is produced over the second cache",
            lambda f, m: _over(m, 1, f.production_reads + f.production_writes)),
    Feature("realization_set", "log2 ratio", "bytes touched for each allocation of its storage over the second cache",
            lambda f, m: _over(m, 1, f.realization_reads + f.realization_writes)),
    Feature("task_set", "log2 ratio", "bytes touched by a parallel task over the second cache",
            lambda f, m: _over(m, 1, f.task_reads + f.task_writes)),
    Feature("root_set", "log2 ratio", "bytes touched in one run over the third cache",
            lambda f, m: _over(m, 2, f.root_reads + f.root_writes)),
    # How loads go with the vector
    Feature("dense", "log2 count", "loads of consecutive elements by a vector", lambda f, m: _log(f.dense)),
    Feature("broadcast", "log2 count", "loads of one element for a whole vector", lambda f, m: _log(f.broadcast)),
    Feature("strided", "log2 count", "loads of elements apart by a vector", lambda f, m: _log(f.strided)),
    Feature("gathered", "log2 count", "loads at computed places by a vector", lambda f, m: _log(f.gathered)),
)  # fmt: skip

NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)


def feature_rows(facts: Facts, machine: Machine) -> Rows:
    """The features of stages whose facts are given: an array of shape (stages, len(FEATURES))."""
    found = np.empty((len(facts.points), len(FEATURES)), dtype=np.float32)
    for place, feature in enumerate(FEATURES):
        found[:, place] = feature.value(facts, machine)
    return found


def featurize(nest: LoopNest, machine: Machine) -> Rows:
    """The features of every stage that is computed: an array of shape (stages, len(FEATURES))."""
    return feature_rows(columns([facts_of(nest, key, machine) for key in nest.stages]), machine)
