"""Bounds inference at concrete sizes: which region of every Func and input the outputs need.

As Halide does it (src/BoundsInference.cpp), regions are boxes: from outputs to inputs, a Func's region is the hull of
what its consumers read, of what its own updates touch, and of any explicit `bound()`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from autosearch.errors import SizeError
from autosearch.pipeline.access import Box, Edge, edges_of, store_edge
from autosearch.pipeline.intervals import Bindings, Interval, compile_interval, constant_value
from autosearch.pipeline.ir import Algorithm, Func, Stage, StageKey


def hull(a: Box, b: Box) -> Box:
    """The smallest box that holds both."""
    return tuple((min(p[0], q[0]), max(p[1], q[1])) for p, q in zip(a, b, strict=True))


def extents(box: Box) -> tuple[int, ...]:
    """How many coordinates a box covers in each dimension."""
    return tuple(int(high - low) + 1 for low, high in box)


@dataclass(frozen=True)
class Dataflow:
    """The algorithm's edges, with parameters bound: the answers that every later analysis reads."""

    algorithm: Algorithm
    bindings: Bindings

    @cached_property
    def edges(self) -> dict[StageKey, tuple[Edge, ...]]:
        """For each stage, what it reads; its own Func included where it reads itself."""
        return {stage.key: edges_of(stage, self.algorithm, self.bindings) for stage in self.algorithm.stages}

    @cached_property
    def stores(self) -> dict[StageKey, Edge]:
        """For each update stage, the region that it writes."""
        return {s.key: store_edge(s, self.bindings) for f in self.algorithm.funcs for s in f.updates}

    @cached_property
    def domains(self) -> dict[StageKey, dict[str, Interval]]:
        """For each stage, the ranges of its reduction variables."""
        result: dict[StageKey, dict[str, Interval]] = {}
        for stage in self.algorithm.stages:
            env: dict[str, Interval] = {}
            for rvar in stage.rvars:
                low = compile_interval(rvar.min, self.bindings)(env)
                size = compile_interval(rvar.extent, self.bindings)(env)
                env[rvar.name] = (low[0], low[1] + size[1] - 1)
            result[stage.key] = env
        return result

    def is_read_at_fractions(self, func: Func, place: int) -> bool:
        """Whether some stage reads a dimension of a Func at no sum of multiples of variables, as `f(x / 2)` does."""
        return any(
            access.index[place] is None
            for key in self.algorithm.consumers[func.name]
            for edge in self.edges[key]
            if edge.producer == func.name and not edge.is_input
            for access in edge.accesses
        )

    def environment(self, stage: Stage, box: Box) -> dict[str, Interval]:
        """The ranges of all loop variables of `stage` when it computes `box` of its Func."""
        return {**self.domains[stage.key], **dict(zip(self.algorithm.func(stage.func).args, box, strict=True))}

    def bound(self, func: Func, box: Box) -> Box:
        """`box` with the dimensions that `func` has an explicit `bound()` on replaced by it."""
        explicit = {name: (low, size) for name, low, size in func.bounds if low is not None and size is not None}
        if not explicit:
            return box
        result = list(box)
        for place, arg in enumerate(func.args):
            if arg in explicit:
                low = constant_value(explicit[arg][0], self.bindings)
                size = constant_value(explicit[arg][1], self.bindings)
                if low is not None and size is not None:
                    result[place] = (int(low), int(low + size - 1))
        return tuple(result)

    def with_updates(self, func: Func, box: Box) -> Box:
        """`box` grown by what the updates of `func` read and write of it."""
        for stage in reversed(func.updates):
            env = self.environment(stage, box)
            touched = [self.stores[stage.key]]
            touched += [edge for edge in self.edges[stage.key] if edge.producer == func.name and not edge.is_input]
            for edge in touched:
                box = _finite(hull(box, edge.box(env)), box)
        return box


@dataclass(frozen=True)
class Regions:
    """The boxes needed of every Func and of every input."""

    funcs: Mapping[str, Box]
    inputs: Mapping[str, Box] = field(default_factory=dict)


def infer_regions(flow: Dataflow, outputs: Mapping[str, Box]) -> Regions:
    """The region of every Func and input that computing the boxes `outputs` needs.

    A dimension whose range can't be bounded takes the Func's own estimate; of an input it stays infinite. Raises
    `SizeError` where a Func has none.
    """
    algorithm = flow.algorithm
    needed: dict[str, Box] = dict(outputs)
    inputs: dict[str, Box] = {}
    done: dict[str, Box] = {}
    for func in reversed(algorithm.funcs):
        if func.name not in needed:
            continue
        box = _settle(func, needed[func.name], flow.bindings)
        box = flow.bound(func, flow.with_updates(func, box))
        done[func.name] = box
        for stage in func.stages:
            env = flow.environment(stage, box)
            for edge in flow.edges[stage.key]:
                if edge.producer != func.name or edge.is_input:
                    found = inputs if edge.is_input else needed
                    read = edge.box(env)
                    found[edge.producer] = hull(found[edge.producer], read) if edge.producer in found else read
    return Regions({func.name: done[func.name] for func in algorithm.funcs if func.name in done}, inputs)


def _settle(func: Func, box: Box, bindings: Bindings) -> Box:
    """`box` with its unbounded dimensions replaced by the estimates of `func`."""
    if is_finite(box):
        return box
    own = own_estimates(func, bindings)
    settled = tuple(i if is_finite((i,)) else own.get(arg, i) for arg, i in zip(func.args, box, strict=True))
    if not is_finite(settled):
        unbounded = [arg for arg, interval in zip(func.args, settled, strict=True) if not is_finite((interval,))]
        raise SizeError(
            f"Func {func.name!r} is read at coordinates {', '.join(unbounded)} that can't be bounded; clamp the index, or "
            f"give the Func's region with {func.name}.set_estimate({unbounded[0]}, min, extent)"
        )
    return settled


def is_finite(box: Box) -> bool:
    """Whether the box is bounded in every dimension."""
    return all(math.isfinite(low) and math.isfinite(high) for low, high in box)


def _finite(box: Box, fallback: Box) -> Box:
    return tuple(i if is_finite((i,)) else j for i, j in zip(box, fallback, strict=True))


def own_estimates(func: Func, bindings: Bindings) -> dict[str, Interval]:
    """The ranges that the Func's own estimates and bounds give, by dimension."""
    given: dict[str, Interval] = {}
    for name, low, size in (*func.estimates, *func.bounds):
        if low is not None and size is not None:
            first, count = constant_value(low, bindings), constant_value(size, bindings)
            if first is not None and count is not None:
                given[name] = (int(first), int(first + count - 1))
    return given
