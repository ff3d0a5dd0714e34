"""What a schedule does in one run, in a few figures that a person can compare, from the loop-nest model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from autosearch.cost_model.stage import StageView
from autosearch.machine import Machine
from autosearch.pipeline.ir import Stage
from autosearch.pipeline.operations import operations
from autosearch.progress import format_bytes
from autosearch.schedule.nest import LoopNest

NOTABLE = 1.15
"""A figure is named as a difference where it is this many times as large, or as small."""


@dataclass(frozen=True)
class Figures:
    """What a schedule does in one run, by the loop-nest model."""

    operations: float
    """Arithmetic and loads, what is computed twice counted twice."""
    recompute: float
    """Arithmetic over what is needed if nothing were computed twice."""
    in_vectors: float
    """Share of the operations done by vectors."""
    instructions: float
    """Operations over the lanes that do them together."""
    read_bytes: float
    """Read by all innermost loop bodies, from whichever cache."""
    far_bytes: float
    """Written to and read from intermediate storage too large for the second cache; what a loop accumulates in one place
    counts once."""
    stored_bytes: float
    """The largest storage of one intermediate Func."""
    tasks: float
    """Parallel tasks of the stage with most of the work."""


def figures(nest: LoopNest, machine: Machine) -> Figures:
    """What a loop nest comes to in one run."""
    views = [StageView(nest, key, machine) for key in nest.stages]
    total = sum(view.operations * view.total for view in views)
    needed = sum(_needed(nest, stage) for stage in nest.algorithm.stages)
    vectorized = sum(view.operations * view.total for view in views if view.vector > 1)
    far = [view for view in views if view.stored_bytes > machine.cache_bytes[1] and not _is_output(view)]
    reads = sum(
        math.prod(read.stored) * read.element_bytes
        for view in views
        for read in view.reads.values()
        if not read.is_input and math.prod(read.stored) * read.element_bytes > machine.cache_bytes[1]
    )
    heaviest = max(views, key=lambda view: view.operations * view.total)
    arithmetic = sum((view.operations - view.count("load")) * view.total for view in views)
    return Figures(
        total,
        arithmetic / max(1.0, needed),
        vectorized / max(1.0, total),
        sum(view.operations * view.total / max(1, min(view.vector, view.lanes)) for view in views),
        sum(view.footprint(view.body())[0] * view.productions * view.share * math.prod(view.serial) for view in views),
        sum(view.total / view.accumulated() * view.element_bytes for view in far) + reads,
        max((view.stored_bytes for view in views if not _is_output(view)), default=0.0),
        heaviest.tasks,
    )


def _needed(nest: LoopNest, stage: Stage) -> float:
    """Arithmetic of a stage if each of its points is computed once."""
    counts = operations(stage)
    env = nest.flow.environment(stage, nest.regions.funcs[stage.func])
    points = math.prod(int(env[name][1] - env[name][0]) + 1 for name in stage.loop_vars)
    return points * (sum(counts.values()) - counts.get("index", 0.0) - counts.get("load", 0.0))


def _is_output(view: StageView) -> bool:
    return view.key.func in view.nest.algorithm.outputs


def differences(own: Figures, theirs: Figures) -> Iterator[str]:
    """Where two schedules differ notably, in sentences about the first."""
    if _differs(own.recompute, theirs.recompute):
        yield f"computes {own.recompute:.2f}x of what is needed, against {theirs.recompute:.2f}x"
    if _differs(own.operations, theirs.operations):
        yield f"does {_count(own.operations)} operations, against {_count(theirs.operations)}"
    if _differs(own.in_vectors, theirs.in_vectors):
        yield f"does {own.in_vectors:.0%} of them in vectors, against {theirs.in_vectors:.0%}"
    if _differs(own.instructions, theirs.instructions):
        yield f"needs {_count(own.instructions)} vector operations, against {_count(theirs.instructions)}"
    if _differs(own.read_bytes, theirs.read_bytes):
        yield f"loads {format_bytes(own.read_bytes)} in its loop bodies, against {format_bytes(theirs.read_bytes)}"
    if _differs(own.far_bytes + 1.0, theirs.far_bytes + 1.0):
        yield (
            f"moves {format_bytes(own.far_bytes)} through storage larger than the second cache, against "
            f"{format_bytes(theirs.far_bytes)}"
        )
    if _differs(own.stored_bytes + 1.0, theirs.stored_bytes + 1.0):
        yield f"keeps at most {format_bytes(own.stored_bytes)} of a Func, against {format_bytes(theirs.stored_bytes)}"
    if _differs(own.tasks, theirs.tasks):
        yield f"makes {own.tasks:.0f} parallel tasks of the main work, against {theirs.tasks:.0f}"


def _differs(own: float, theirs: float) -> bool:
    return max(own, theirs) > NOTABLE * min(own, theirs)


def _count(value: float) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}"
