"""What the rules know of one algorithm before the first question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from autosearch.machine import Machine
from autosearch.pipeline.access import Box, Edge, edges_of
from autosearch.pipeline.bounds import Dataflow, Regions, extents
from autosearch.pipeline.intervals import Bindings, Interval
from autosearch.pipeline.ir import Algorithm, Func, Stage, StageKey
from autosearch.pipeline.operations import is_associative, is_scatter, moves_on, preparation, work
from autosearch.space.calls import Calls, calls_of
from autosearch.space.channels import CHANNELS, ByFunc, channels_of, gathered_of, output_channels, sharing_of
from autosearch.space.constant import NOTHING, ConstantExtents, Dimensions, Stated
from autosearch.space.lookups import lookups_of
from autosearch.space.phases import periods_of
from autosearch.space.slack import allowed_regions

_FEW = 4
"""Coordinates that an index keeps to whatever the sizes, as `k % 2` does."""
_STORED = 4
"""Operations' worth of storing an element near where it is used."""
_ROOM = 256
"""Elements, more than any loop starts early to fill what slides."""
_SHORT = 0.02
"""Updates with less than this share of the longest one's iterations are short."""

class Effort(NamedTuple):
    """What it takes to compute an element, updates included."""

    work: float
    """Arithmetic operations and loads, with those of what it reads as far as that is better computed anew than stored:
    which it will be isn't known when it matters, since producers are decided after their consumers."""
    rounds: float
    """How often the element is updated."""


class Ground:
    """An algorithm at given sizes, on a given machine: what may be inlined, what is constant, what may be read.

    `free`: for each output the dimensions in which a schedule must work at any extent, not only at that of the sizes; none
    where it need not.
    """

    def __init__(
        self,
        flow: Dataflow,
        regions: Regions,
        inputs: dict[str, Box],
        machine: Machine,
        free: Mapping[str, frozenset[int]] = MappingProxyType({}),
    ) -> None:
        self.free = free
        self.flow = flow
        self.regions = regions
        self.machine = machine
        self.algorithm: Algorithm = flow.algorithm
        self.allowed = allowed_regions(flow, regions, inputs)
        self._constant = ConstantExtents(flow)
        self._constant_dims: dict[Stated, Dimensions] = {}
        self._steady_dims: dict[Stated, Dimensions] = {}
        self._still: dict[tuple[StageKey, str], bool] = {}
        self._sizeless: dict[StageKey, tuple[Edge, ...]] = {}
        self._through: dict[tuple[Calls, StageKey], dict[str, Calls]] = {}

    @cached_property
    def left_alone(self) -> dict[str, str]:
        """Funcs that are not searched but left at their default schedule, with the reason."""
        reasons = {}
        for func in self.algorithm.funcs:
            if func.extern:
                reasons[func.name] = f"an extern stage ({func.extern})"
        return reasons

    @cached_property
    def may_inline(self) -> frozenset[str]:
        """Funcs that can be computed where they are used: pure ones that no extern stage reads."""
        read_by_extern = {
            name for f in self.algorithm.funcs if f.extern for name in self.algorithm.producers[StageKey(f.name)]
        }
        names = {func.name for func in self.algorithm.funcs if func.is_pure} - read_by_extern
        return frozenset(names - set(self.algorithm.outputs))

    @cached_property
    def reductions(self) -> frozenset[str]:
        """Funcs that accumulate many values into each element, where the element doesn't depend on the data.

        Short ones beside long ones, such as the merge that `rfactor` leaves, don't count: they take no time.
        """
        updates = [stage for func in self.algorithm.funcs for stage in func.updates]
        longest = max((self.points[stage.key] for stage in updates), default=0)
        return frozenset(
            stage.func
            for stage in updates
            if stage.rvars
            and is_associative(stage)
            and not is_scatter(stage)
            and self.points[stage.key] >= _SHORT * longest
        )

    @cached_property
    def points(self) -> dict[StageKey, int]:
        """Iterations of each stage, where what is needed of its Func is computed once."""
        found = {}
        for func in self.algorithm.funcs:
            for stage in func.stages:
                ranges = self.flow.environment(stage, self.regions.funcs[func.name])
                found[stage.key] = math.prod(max(1, int(high - low) + 1) for low, high in ranges.values())
        return found

    @cached_property
    def revisited(self) -> dict[str, float]:
        """For each Func the elements among which successive updates may go anywhere: those of a scatter."""
        return {
            func.name: max(
                (
                    math.prod(
                        extent
                        for arg, extent in zip(stage.args, extents(self.regions.funcs[func.name]), strict=True)
                        if arg.op != "var" or stage.is_rvar(arg.value)
                    )
                    for stage in func.updates
                    if is_scatter(stage)
                ),
                default=math.inf,
            )
            for func in self.algorithm.funcs
        }

    @cached_property
    def effort(self) -> dict[str, Effort]:
        """What it takes to compute one element of each Func."""
        found: dict[str, Effort] = {}
        values: dict[str, float] = {}
        """What an element takes where it is read: the less of computing it anew, and storing it and loading it again. What
        can't be computed anew is there whoever reads it."""
        for func in self.algorithm.funcs:  # producers come first
            whole = max(1, math.prod(extents(self.regions.funcs[func.name])))
            work = 0.0
            for stage in func.stages:
                share = self.points[stage.key] / whole if stage.index else 1.0
                calls = self.calls[stage.key].items()
                below = sum(call.count * (values[name] - 1) for name, call in calls)
                work += (self._instructions(stage) + below) * share
            rounds = sum(self.points[stage.key] for stage in func.updates) / whole
            found[func.name] = Effort(work, rounds)
            stored = 1 + (work + _STORED) / max(1.0, self._uses[func.name])
            values[func.name] = min(work, stored) if func.name in self.may_inline else 1.0
        return found

    @cached_property
    def _uses(self) -> dict[str, float]:
        """How often each element is read where what reads it is inlined."""
        once: dict[str, dict[StageKey, float]] = {}
        for func in self.algorithm.funcs:
            whole = max(1, math.prod(extents(self.regions.funcs[func.name])))
            readers = [key for key in self.algorithm.consumers[func.name] if func.name in self.calls[key]]
            once[func.name] = {key: self.calls[key][func.name].count * self.points[key] / whole for key in readers}
        total = {name: sum(own.values()) if name in self.may_inline else 1.0 for name, own in once.items()}
        return {name: sum(n * max(1.0, total[key.func]) for key, n in own.items()) for name, own in once.items()}

    def _instructions(self, stage: Stage) -> int:
        loads = sum(len(edge.sites) for edge in self.flow.edges[stage.key] if edge.producer != stage.func)
        return work(stage) + loads + preparation(stage)

    @cached_property
    def siblings(self) -> dict[str, tuple[str, ...]]:
        """For each pure Func the pure ones after it that read something it reads, and aren't computed from it."""
        reads = {
            func.name: {(edge.producer, edge.is_input) for edge in self.flow.edges[StageKey(func.name)]}
            for func in self.algorithm.funcs
        }
        needs: dict[str, frozenset[str]] = {}
        for func in self.algorithm.funcs:
            own = {name for stage in func.stages for name in self.algorithm.producers[stage.key]} - {func.name}
            needs[func.name] = frozenset(own).union(*(needs[name] for name in own))
        pure = [func for func in self.algorithm.funcs if func.is_pure and func.name not in self.algorithm.outputs]
        return {
            func.name: tuple(
                other.name
                for other in pure[place + 1 :]
                if reads[func.name] & reads[other.name] and func.name not in needs[other.name]
            )
            for place, func in enumerate(pure)
        }

    def stands_still(self, consumer: StageKey, name: str) -> bool:
        """Whether a stage reads a Func at coordinates that don't move on with its loops, see `moves_on`."""
        if (consumer, name) not in self._still:
            self._still[consumer, name] = any(
                access.index[place] is None and not (edge.indices[place] and all(map(moves_on, edge.indices[place])))
                for edge in self.flow.edges[consumer]
                if edge.producer == name and not edge.is_input
                for access in edge.accesses
                for place in range(len(access.index))
            )
        return self._still[consumer, name]

    def has_room(self, name: str) -> bool:
        """Whether a Func may be computed well before where it is needed, in every dimension."""
        needed = self.regions.funcs[name]
        return all(first <= low - _ROOM for (first, _), (low, _) in zip(self.allowed[name], needed, strict=True))

    def is_copy(self, func: Func) -> bool:
        """Whether a Func computes nothing, so that it only packs what it copies."""
        return func.is_pure and work(func.stages[0]) == 0

    @cached_property
    def transposed(self) -> dict[str, str]:
        """For each Func that transposes what it reads, its dimension along which that lies side by side in memory.

        Lanes along either that or its own dense one are loaded or stored one by one, unless a square of both is in registers.
        """
        found: dict[str, str] = {}
        for func in self.algorithm.funcs:
            for edge in self.flow.edges[StageKey(func.name)]:
                for access in edge.accesses:
                    moves = [index.coefficients if index is not None else () for index in access.index]
                    across = any(name in func.args[:1] for one in moves[1:] for name, _ in one)
                    if across and len(moves[0]) == 1 and moves[0][0][0] in func.args[1:] and abs(moves[0][0][1]) == 1:
                        found[func.name] = moves[0][0][0]
        return found

    @cached_property
    def calls(self) -> dict[StageKey, dict[str, Calls]]:
        """How the text of each stage calls each other Func."""
        return {
            key: {edge.producer: calls_of(edge) for edge in edges if not edge.is_input and edge.producer != key.func}
            for key, edges in self.flow.edges.items()
        }

    def through(self, calls: Calls, stage: Stage) -> dict[str, Calls]:
        """What is called by so many calls of a Func that is inlined, whose definition is `stage`."""
        known = self._through.get((calls, stage.key))
        if known is None:
            args = self.algorithm.func(stage.func).args
            known = {name: calls.inline(inner, args) for name, inner in self.calls[stage.key].items()}
            self._through[calls, stage.key] = known
        return known

    # Extents ------------------------------------------------------------------------------------------------------

    def constant_vars(self, stage: Stage, inside: bool = False, stated: Stated = NOTHING) -> frozenset[str]:
        """Loop variables of a stage whose extents are compile-time constants where it is computed: at root, or `inside` of
        any loops."""
        dims = self.steady_dims(stated) if inside else self.constant_dims(stated)
        return self._constant.reduction_vars(stage.key) | dims[stage.func]

    def constant_dims(self, stated: Stated = NOTHING) -> Dimensions:
        """For each Func the dimensions whose extents are fixed: by a bound, or by how all consumers read it."""
        if stated not in self._constant_dims:
            self._constant_dims[stated] = self._constant.dimensions(stated, self._short_anyway)
        return self._constant_dims[stated]

    def steady_dims(self, stated: Stated = NOTHING) -> Dimensions:
        """Those of `constant_dims` that are so in each iteration of any loop too, see `ConstantExtents.steady`."""
        if stated not in self._steady_dims:
            self._steady_dims[stated] = self._constant.steady(self.constant_dims(stated))
        return self._steady_dims[stated]

    def is_free(self, func: Func, place: int) -> bool:
        """Whether what is needed of a Func as a whole may be of any extent in a dimension."""
        if func.name in self.free:
            return place in self.free[func.name]
        return bool(self.free) and func.args[place] not in self.constant_dims()[func.name]

    @cached_property
    def channels(self) -> ByFunc:
        """For each Func its short dimensions, where they are fixed as soon as the channels of outputs are."""
        stated = output_channels(self.flow, self.regions, lambda name, place: self.is_free(self.algorithm.func(name), place))
        return channels_of(self.flow, self.regions, self._constant, stated, self._short_here)

    @cached_property
    def sharing(self) -> ByFunc:
        """For each output the dimensions whose iterations are made of the same."""
        return sharing_of(self.flow, self.regions)

    @cached_property
    def phases(self) -> dict[str, dict[str, int]]:
        """For each output the dimensions that may be stated to begin and end at multiples of a number, and that number."""
        periods = periods_of(self.flow)
        found: dict[str, dict[str, int]] = {name: {} for name in self.algorithm.outputs}
        for name, own in found.items():
            func = self.algorithm.func(name)
            for place, (arg, (low, high)) in enumerate(zip(func.args, self.regions.funcs[name], strict=True)):
                period = periods.get((name, arg), 1)
                if period > 1 and low % period == 0 and (high + 1) % period == 0 and not self.is_free(func, place):
                    own[arg] = period
        return found

    @cached_property
    def gathered(self) -> ByFunc:
        """For each Func the dimensions whose coordinate depends on data, where it is read or where what reads it is."""
        return gathered_of(self.flow)

    @cached_property
    def apart(self) -> frozenset[str]:
        """The Funcs that read elements apart along their rows, `f(2 * x)`: a vector takes as many times as much to load."""
        return frozenset(
            func.name
            for func in self.algorithm.funcs
            for edge in self.flow.edges[StageKey(func.name)]
            for access in edge.accesses
            if func.args and access.index and access.index[0] is not None
            and abs(access.index[0].coefficient(func.args[0])) > 1
        )

    @cached_property
    def lookups(self) -> Mapping[str, float]:
        """For each pure Func how many look-ups there are for each operation or load."""
        return lookups_of(self.flow, self.regions)

    @cached_property
    def gathers(self) -> bool:
        """Whether the channels of something are read of elements that depend on data."""
        return any(self.channels[name] and set(dims) - set(self.channels[name]) for name, dims in self.gathered.items())

    def _short_anyway(self, edge: Edge, place: int, _: Set[str]) -> bool:
        """Whether an index keeps to a few coordinates whatever the sizes and the data are."""
        return all(high - low < _FEW for low, high in self._spans(edge, place, {}))

    def _short_here(self, edge: Edge, place: int, fixed: Set[str]) -> bool:
        """Or is a channel at these sizes, where it is bounded only by the variables that are known to run over nothing else."""
        ranges = self.flow.environment(
            self.algorithm.stage(edge.consumer), self.regions.funcs[edge.consumer.func]
        )
        known = {name: ranges[name] for name in fixed & ranges.keys()}
        return all(
            high - low < _FEW or (math.isinf(high - low) and most - least < CHANNELS)
            for (low, high), (least, most) in zip(
                self._spans(edge, place, {}), self._spans(edge, place, known), strict=True
            )
        )

    def _spans(self, edge: Edge, place: int, ranges: Mapping[str, Interval]) -> list[Interval]:
        """The coordinates of one dimension that a stage reads of a Func, or writes, whatever the sizes, by each access."""
        if edge.consumer not in self._sizeless:
            blank = Bindings(self.algorithm)
            self._sizeless[edge.consumer] = edges_of(self.algorithm.stage(edge.consumer), self.algorithm, blank)
        same = [one for one in self._sizeless[edge.consumer] if one.producer == edge.producer and not one.is_input]
        return [one.box(ranges)[place] for one in same]

    def lanes(self, stage: Stage) -> int:
        """Elements in a native vector of the widest type that the stage handles."""
        widest = max((t.bytes for t in self.algorithm.func(stage.func).types), default=4)
        return max(1, self.machine.vector_bytes // widest)
