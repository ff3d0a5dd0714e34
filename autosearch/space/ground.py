"""What the rules know of one algorithm before the first question."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from functools import cached_property
from types import MappingProxyType

from autosearch.machine import Machine
from autosearch.pipeline.access import Box, Edge, edges_of
from autosearch.pipeline.bounds import Dataflow, Regions, extents
from autosearch.pipeline.intervals import Bindings, Interval, constant_value
from autosearch.pipeline.ir import Algorithm, Func, ReductionVar, Stage, StageKey
from autosearch.pipeline.operations import is_associative, is_scatter, moves_on, work
from autosearch.space.calls import Calls, calls_of
from autosearch.space.slack import allowed_regions

_FEW = 4
MAX_BOUND_EXTENT = 4
"""Output dimensions this short (colour channels) may be stated to have exactly the extent tuned for."""
_CHANNELS = 16
"""Elements along a dimension that is fixed then, and lies in one or two vectors."""
_ROOM = 256
"""Elements, more than any loop starts early to fill what slides."""
_SHORT = 0.02
"""Updates with less than this share of the longest one's iterations are short."""

Stated = frozenset[tuple[str, str]]
"""Dimensions of outputs whose extents a schedule states: a Func and its dimension each."""
NOTHING: Stated = frozenset()


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
        self._constant: dict[Stated, dict[str, frozenset[str]]] = {}
        self._steady: dict[Stated, dict[str, frozenset[str]]] = {}
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
        longest = max((points for points in self._points.values()), default=0)
        return frozenset(
            key.func
            for key, points in self._points.items()
            if self.algorithm.stage(key).rvars
            and is_associative(self.algorithm.stage(key))
            and not is_scatter(self.algorithm.stage(key))
            and points >= _SHORT * longest
        )

    @cached_property
    def _points(self) -> dict[StageKey, int]:
        """Iterations of each update definition."""
        found = {}
        for func in self.algorithm.funcs:
            for stage in func.updates:
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
    def effort(self) -> dict[str, tuple[float, float]]:
        """For each Func, per element: arithmetic operations and loads, and updates."""
        found = {}
        for func in self.algorithm.funcs:
            box = self.regions.funcs[func.name]
            whole = max(1, math.prod(extents(box)))
            instructions, rounds = float(self._instructions(func.stages[0])), 0.0
            for stage in func.updates:
                rounds += self._points[stage.key] / whole
                instructions += self._instructions(stage) * self._points[stage.key] / whole
            found[func.name] = (instructions, rounds)
        return found

    def _instructions(self, stage: Stage) -> int:
        return work(stage) + sum(len(edge.sites) for edge in self.flow.edges[stage.key] if edge.producer != stage.func)

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

    def constant_vars(self, stage: Stage, inside: bool = False, stated: Stated = NOTHING) -> frozenset[str]:
        """Loop variables of a stage whose extents are compile-time constants where it is computed: at root, or `inside` of
        any loops."""
        dims = self.steady_dims(stated) if inside else self.constant_dims(stated)
        return frozenset({rvar.name for rvar in stage.rvars if self._is_constant_rvar(rvar)} | dims[stage.func])

    def is_free(self, func: Func, place: int) -> bool:
        """Whether what is needed of a Func as a whole may be of any extent in a dimension."""
        if func.name in self.free:
            return place in self.free[func.name]
        return bool(self.free) and func.args[place] not in self.constant_dims()[func.name]

    def _is_constant_rvar(self, rvar: ReductionVar) -> bool:
        blank = Bindings(self.algorithm)
        return constant_value(rvar.extent, blank) is not None and constant_value(rvar.min, blank) is not None

    @cached_property
    def channels(self) -> dict[str, tuple[str, ...]]:
        """For each Func its short dimensions, where they are fixed as soon as the channels of outputs are."""
        stated = frozenset(
            (name, arg)
            for name in self.algorithm.outputs
            for place, arg in enumerate(self.algorithm.func(name).args)
            if extents(self.regions.funcs[name])[place] <= MAX_BOUND_EXTENT
            and not self.is_free(self.algorithm.func(name), place)
        )
        found = self._constant_dims(stated, with_ranges=True)
        return {
            func.name: tuple(
                arg
                for arg, extent in zip(func.args, extents(self.regions.funcs[func.name]), strict=True)
                if arg in found[func.name] and extent <= _CHANNELS
            )
            for func in self.algorithm.funcs
        }

    @cached_property
    def gathers(self) -> bool:
        """Whether the channels of something are read of elements that depend on data."""
        return any(self.channels[name] and set(dims) - set(self.channels[name]) for name, dims in self.gathered.items())

    @cached_property
    def gathered(self) -> dict[str, tuple[str, ...]]:
        """For each Func the dimensions whose coordinate depends on data, where it is read or where what reads it is."""
        found: dict[str, tuple[str, ...]] = {}
        for func in reversed(self.algorithm.funcs):
            edges = [
                edge
                for key in self.algorithm.consumers[func.name]
                for edge in self.flow.edges[key]
                if edge.producer == func.name and not edge.is_input and key.func != func.name
            ]
            found[func.name] = tuple(
                arg
                for place, arg in enumerate(func.args)
                if any(
                    node.op in ("func", "image") or (node.op == "var" and node.value in found[edge.consumer.func])
                    for edge in edges
                    for index in edge.indices[place]
                    for node in index.walk()
                )
            )
        return found

    def constant_dims(self, stated: Stated = NOTHING) -> dict[str, frozenset[str]]:
        """For each Func the dimensions whose extents are fixed: by a bound, or by how all consumers read it."""
        if stated not in self._constant:
            self._constant[stated] = self._constant_dims(stated, with_ranges=False)
        return self._constant[stated]

    def _constant_dims(self, stated: Stated, with_ranges: bool) -> dict[str, frozenset[str]]:
        blank = Bindings(self.algorithm)
        found: dict[str, frozenset[str]] = {}
        for func in reversed(self.algorithm.funcs):
            bounded = {
                n for n, low, size in func.bounds if size is not None and constant_value(size, blank) is not None
            }
            bounded |= {arg for name, arg in stated if name == func.name}
            if func.name not in self.algorithm.outputs:
                bounded |= {
                    arg for place, arg in enumerate(func.args) if self._read_constantly(func, place, found, with_ranges)
                }
            found[func.name] = frozenset(bounded & set(func.args))
        return found

    def steady_dims(self, stated: Stated = NOTHING) -> dict[str, frozenset[str]]:
        """Those of `constant_dims` that are so in each iteration of any loop too.

        Of `a(k, i)` and `a(2, i)` together all of the first dimension is needed over all k, but another part of it, and
        another number of elements, for each k.
        """
        if stated in self._steady:
            return self._steady[stated]
        found: dict[str, frozenset[str]] = {}
        for func in reversed(self.algorithm.funcs):
            dims = self.constant_dims(stated)[func.name]
            if func.name not in self.algorithm.outputs:
                steadily = {arg for place, arg in enumerate(func.args) if self._read_steadily(func, place, found)}
                dims = dims & (steadily | {name for name, _, _ in func.bounds})
            found[func.name] = dims
        self._steady[stated] = found
        return found

    def _read_steadily(self, func: Func, place: int, known: dict[str, frozenset[str]]) -> bool:
        """Whether all who read a dimension do so by the same variable, which is steady itself, or all by none."""
        forms: set[tuple[int, ...]] = set()
        for key in self.algorithm.consumers[func.name]:
            rvars = {rvar.name for rvar in self.algorithm.stage(key).rvars}
            own: set[tuple[tuple[str, int], ...]] = set()
            for edge in self.flow.edges[key]:
                if edge.producer == func.name and not edge.is_input:
                    own.update(one.coefficients for access in edge.accesses if (one := access.index[place]) is not None)
            if len(own) > 1 or any(name not in rvars | known[key.func] for terms in own for name, _ in terms):
                return False
            forms.update(tuple(sorted(factor for _, factor in terms)) for terms in own)
        return len(forms) <= 1

    def _read_constantly(self, func: Func, place: int, known: dict[str, frozenset[str]], with_ranges: bool) -> bool:
        for key in (*self.algorithm.consumers[func.name], *(stage.key for stage in func.updates)):
            stage = self.algorithm.stage(key)
            fixed = {rvar.name for rvar in stage.rvars if self._is_constant_rvar(rvar)} | known.get(
                key.func, frozenset()
            )
            if key.func == func.name:
                fixed = fixed | {func.args[place]}
            edges = [edge for edge in self.flow.edges[key] if edge.producer == func.name and not edge.is_input]
            for edge in edges + ([self.flow.stores[key]] if key.func == func.name else []):
                for access in edge.accesses:
                    index = access.index[place]
                    if index is None:
                        ranges = self._ranges(stage, fixed) if with_ranges else {}
                        if not self._is_short_anyway(edge, place, ranges):
                            return False
                    elif any(variable not in fixed for variable, _ in index.coefficients):
                        return False
        return True

    def _ranges(self, stage: Stage, names: Set[str]) -> dict[str, Interval]:
        ranges = self.flow.environment(stage, self.regions.funcs[stage.func])
        return {name: ranges[name] for name in names & ranges.keys()}

    def _is_short_anyway(self, edge: Edge, place: int, ranges: Mapping[str, Interval]) -> bool:
        """Whether an index keeps to a few coordinates whatever the sizes and the data are, as `k % 2` does.

        `ranges`: of the variables that are known to run over nothing else.
        """
        if edge.consumer not in self._sizeless:
            blank = Bindings(self.algorithm)
            self._sizeless[edge.consumer] = edges_of(self.algorithm.stage(edge.consumer), self.algorithm, blank)
        same = [one for one in self._sizeless[edge.consumer] if one.producer == edge.producer and not one.is_input]
        for one in same:
            (low, high), (least, most) = one.box({})[place], one.box(ranges)[place]
            if high - low >= _FEW and not (math.isinf(high - low) and most - least < _CHANNELS):
                return False
        return True

    def lanes(self, stage: Stage) -> int:
        """Elements in a native vector of the widest type that the stage handles."""
        widest = max((t.bytes for t in self.algorithm.func(stage.func).types), default=4)
        return max(1, self.machine.vector_bytes // widest)
