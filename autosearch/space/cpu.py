"""The space of CPU schedules for any pipeline, without templates: rules that ask where and how each Func is computed.

Funcs are decided from outputs to inputs; for each, its placement in the nest built so far, then the loops of each of
its stages. Every answer offered is legal as far as can be told without Halide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from autosearch.choices import Chooser
from autosearch.machine import Machine
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import Dataflow, Regions, extents, hull
from autosearch.pipeline.intervals import Bindings, constant_value
from autosearch.pipeline.ir import Algorithm, Func, ReductionVar, Stage, StageKey
from autosearch.pipeline.operations import body_size, is_associative, is_scatter, work
from autosearch.schedule.directives import Bound, Directive, Tail
from autosearch.schedule.nest import ROOT, LoopNest, Placement
from autosearch.schedule.schedule import Schedule, Step
from autosearch.space.placement import FuncFacts, choose_placement, placement_directives
from autosearch.space.slack import allowed_regions
from autosearch.space.tiling import Tiling
from autosearch.space.tiling_rules import StageFacts, choose_tiling

MAX_INLINED_BODY = 800
"""A Func is not inlined where an unrolled body would then hold more operations on native vectors than this."""
MAX_GUARDED_BODY = 150
"""A guarded tail turns a vector body into predicated code many times its size: not offered for bodies beyond this."""
MAX_BOUND_EXTENT = 4
"""Output dimensions this short (colour channels) may be stated to have exactly the extent tuned for."""


class CpuSpace:
    """All CPU schedules that the rules can make of one algorithm at given sizes."""

    def __init__(self, flow: Dataflow, regions: Regions, inputs: dict[str, Box], machine: Machine) -> None:
        self.flow = flow
        self.regions = regions
        self.machine = machine
        self.algorithm: Algorithm = flow.algorithm
        self.allowed = allowed_regions(flow, regions, inputs)

    def build(self, chooser: Chooser) -> Schedule:
        """Ask the chooser every question, in order, and return the schedule that the answers make."""
        return _Build(self, chooser).run()

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
    def calls(self) -> dict[StageKey, dict[str, int]]:
        """How often the text of each stage calls each other Func."""
        return {
            key: {edge.producer: edge.loads for edge in edges if not edge.is_input and edge.producer != key.func}
            for key, edges in self.flow.edges.items()
        }

    def constant_vars(self, stage: Stage) -> frozenset[str]:
        """Loop variables of a stage whose extents are compile-time constants wherever it is computed."""
        return frozenset(
            {rvar.name for rvar in stage.rvars if self._is_constant_rvar(rvar)} | self.constant_dims[stage.func]
        )

    def _is_constant_rvar(self, rvar: ReductionVar) -> bool:
        blank = Bindings(self.algorithm)
        return constant_value(rvar.extent, blank) is not None and constant_value(rvar.min, blank) is not None

    @cached_property
    def constant_dims(self) -> dict[str, frozenset[str]]:
        """For each Func the dimensions whose extents the algorithm fixes: by a bound, or by how all consumers read it."""
        blank = Bindings(self.algorithm)
        found: dict[str, frozenset[str]] = {}
        for func in reversed(self.algorithm.funcs):
            bounded = {
                n for n, low, size in func.bounds if size is not None and constant_value(size, blank) is not None
            }
            if func.name not in self.algorithm.outputs:
                bounded |= {arg for place, arg in enumerate(func.args) if self._read_constantly(func, place, found)}
            found[func.name] = frozenset(bounded & set(func.args))
        return found

    def _read_constantly(self, func: Func, place: int, known: dict[str, frozenset[str]]) -> bool:
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
                    if index is None or any(variable not in fixed for variable, _ in index.coefficients):
                        return False
        return True

    def lanes(self, stage: Stage) -> int:
        """Elements in a native vector of the widest type that the stage handles."""
        widest = max((t.bytes for t in self.algorithm.func(stage.func).types), default=4)
        return max(1, self.machine.vector_bytes // widest)


class _Build:
    """One walk through the questions."""

    def __init__(self, space: CpuSpace, chooser: Chooser) -> None:
        self.space = space
        self.chooser = chooser
        self.nest = LoopNest(space.flow, space.regions)
        self.labels: dict[StageKey, tuple[str, ...]] = {}
        self.bodies: dict[StageKey, _Body] = {}
        self.calls: dict[str, dict[StageKey, int]] = {}
        """For each Func not decided yet: how often one evaluation of each stage computed calls it, as things stand."""
        self.steps: list[Step] = []

    def run(self) -> Schedule:
        for func in reversed(self.space.algorithm.funcs):
            if func.name in self.space.left_alone:
                self.leave_alone(func)
            else:
                self.decide(func)
        return Schedule(tuple(self.steps))

    def leave_alone(self, func: Func) -> None:
        self.nest.place(func, ROOT)
        if func.name not in self.space.algorithm.outputs:
            self.add(func.stages[0], placement_directives(self.nest, ROOT))
        for stage in func.stages:
            self.labels[stage.key] = tuple(f"{name}@outer" for name in reversed(stage.loop_vars))
            self.remember(stage, 1)

    def decide(self, func: Func) -> None:
        is_output = func.name in self.space.algorithm.outputs
        placement = ROOT if is_output else self.place(func)
        head = [] if is_output else placement_directives(self.nest, placement)
        bounds = self.choose_bounds(func) if is_output else []
        if placement.inline:
            self.nest.place(func, placement)
            self.inline(func)
            return
        constant = frozenset(bound.dim for bound in bounds)
        directives = [self.stage(func, stage, placement, constant) for stage in func.stages]
        self.nest.place(func, placement, directives)
        for stage, own in zip(func.stages, directives, strict=True):
            self.add(stage, (head + list(bounds) if stage.index == 0 else []) + own)

    def add(self, stage: Stage, directives: Sequence[Directive]) -> None:
        self.steps += [Step(stage.key, directive) for directive in directives]

    def place(self, func: Func) -> Placement:
        calls = self.calls.get(func.name, {})
        size = body_size(func.stages[0])
        fits = all(
            (count == 1 and self.bodies[key].copies == 1)
            or self.bodies[key].copies * (self.bodies[key].size + count * size) <= MAX_INLINED_BODY
            for key, count in calls.items()
        )
        facts = FuncFacts(func.name in self.space.may_inline and fits, sum(calls.values()), work(func.stages[0]))
        return choose_placement(self.nest, func, facts, self.labels, self.chooser, self.space.machine)

    def inline(self, func: Func) -> None:
        """Its consumers now do its work, and call what it calls."""
        stage = func.stages[0]
        for key, count in self.calls.get(func.name, {}).items():
            self.bodies[key].size += count * body_size(stage)
            for producer, inner in self.space.calls[stage.key].items():
                by_stage = self.calls.setdefault(producer, {})
                by_stage[key] = by_stage.get(key, 0) + count * inner

    def remember(self, stage: Stage, copies: int) -> None:
        """A stage computed: the size of its body, and what it calls."""
        self.bodies[stage.key] = _Body(copies, body_size(stage))
        for producer, count in self.space.calls[stage.key].items():
            by_stage = self.calls.setdefault(producer, {})
            by_stage[stage.key] = by_stage.get(stage.key, 0) + count

    def choose_bounds(self, func: Func) -> list[Bound]:
        result = []
        box = self.space.regions.funcs[func.name]
        for arg, (low, _), extent in zip(func.args, box, extents(box), strict=True):
            if extent <= MAX_BOUND_EXTENT and arg not in self.space.constant_vars(func.stages[0]):
                answer = self.chooser.choose(f"{func.name}/bound/{arg}", ["exact", "any"], [0.8, 0.2])
                if answer == "exact":
                    result.append(Bound(arg, int(low), extent))
        return result

    def stage(self, func: Func, stage: Stage, placement: Placement, constant: frozenset[str]) -> list[Directive]:
        box = self.nest.required(func.name, placement.compute)
        assert box is not None
        ranges = self.space.flow.environment(stage, box)
        sizes = {name: max(1, int(ranges[name][1] - ranges[name][0]) + 1) for name in stage.loop_vars}
        facts = self.facts(stage, sizes, placement, box, constant)

        def tails(variable: str, factor: int, copies: int) -> Sequence[Tail]:
            legal = self.legal_tails(func, stage, placement, box, variable, factor, facts.extents[variable])
            costly = copies * facts.body > MAX_GUARDED_BODY
            return legal[:-1] if costly and len(legal) > 1 else legal

        tiling, copies = choose_tiling(facts, self.chooser, f"{func.name}.{stage.index}", tails)
        self.labels[stage.key] = loop_labels(tiling)
        self.remember(stage, copies)
        return tiling.directives(stage)

    def facts(
        self, stage: Stage, ranges: dict[str, int], placement: Placement, box: Box, constant: frozenset[str]
    ) -> StageFacts:
        space = self.space
        lanes = space.lanes(stage)
        associative = is_associative(stage)
        vectorizable = sorted(stage.pure_vars, key=lambda name: ranges[name] < lanes)
        if associative and not is_scatter(stage):
            vectorizable += [rvar.name for rvar in stage.rvars if ranges[rvar.name] >= lanes // 2]
        parallelizable = {*stage.pure_vars, *(rvar.name for rvar in stage.rvars if rvar.parallel_safe)}
        free = associative or all(rvar.parallel_safe for rvar in stage.rvars)
        return StageFacts(
            stage,
            ranges,
            lanes,
            space.constant_vars(stage) | constant,
            tuple(vectorizable),
            frozenset(parallelizable),
            not free,
            placement.compute is None,
            body_size(stage),
            placement.store == placement.compute,
            {name: self.most_nested(stage, placement, box, name, ranges[name]) for name in stage.loop_vars},
        )

    def legal_tails(
        self, func: Func, stage: Stage, placement: Placement, box: Box, variable: str, factor: int, extent: int
    ) -> list[Tail]:
        """The tails for a split by `factor`, the likeliest first; the last one is always a guard."""
        tails = []
        if not stage.is_rvar(variable):
            room = self.room(func, stage, placement, box, variable, extent)
            divides = extent % factor == 0
            if stage.index == 0 and factor <= room.shift:
                tails.append(Tail.SHIFT_INWARDS)
            if factor <= room.round_up or (divides and room.exact and not room.output):
                tails.insert(0 if stage.index or placement.compute is not None else len(tails), Tail.ROUND_UP)
        return [*tails, Tail.GUARD_WITH_IF]

    def most_nested(self, stage: Stage, placement: Placement, box: Box, variable: str, extent: int) -> int:
        """The largest factor of a split whose inner loop may be split again.

        Under a guarded split that isn't safe: where a Func's bounds are not simple, Halide 21 loses the guard of
        nested splits and writes beyond the allocation. Outputs and reduction variables have simple bounds.
        """
        if stage.is_rvar(variable) or stage.func in self.space.algorithm.outputs:
            return extent
        room = self.room(self.space.algorithm.func(stage.func), stage, placement, box, variable, extent)
        return max(room.round_up, room.shift if stage.index == 0 else 0)

    def room(self, func: Func, stage: Stage, placement: Placement, box: Box, variable: str, extent: int) -> _Room:
        place = func.args.index(variable)
        whole = self.nest.required(func.name, None) or self.space.regions.funcs[func.name]
        low, high = hull(whole, self.space.regions.funcs[func.name])[place]
        first, last = self.space.allowed[func.name][place]
        whole_anyway = box[place] == (low, high)
        slides = placement.store != placement.compute  # then a production may compute a single new row
        varies = not whole_anyway and (slides or self.is_clamped(func.name) or self.has_partial_tiles(placement))
        shortest = 1 if varies else extent
        output = func.name in self.space.algorithm.outputs and variable not in self.space.constant_vars(stage)
        return _Room(
            # Rounding up an output would demand that its size be a multiple.
            1 if output else int(last - high) + 1,
            shortest + int(low - first),
            placement.compute is None,
            output,
        )

    def is_clamped(self, name: str) -> bool:
        """Whether what is needed of a Func shrinks at the borders, because an index that reads it is clamped there."""
        for key in self.space.algorithm.consumers[name]:
            if any(edge.producer == name and not edge.is_affine for edge in self.space.flow.edges[key]):
                return True
            placement = self.nest.placements[key.func]
            if (placement.inline or placement.compute is not None) and self.is_clamped(key.func):
                return True
        return False

    def has_partial_tiles(self, placement: Placement) -> bool:
        """Whether some iterations around may need less than others, because a guarded split doesn't divide."""
        for position in self.nest.around(placement.compute):
            nest = self.nest.stages[position.stage]
            for derivation in nest.loops.derivations:
                guarded = derivation.tail is Tail.GUARD_WITH_IF and not derivation.fuse
                if guarded and nest.extents[derivation.old] % derivation.factor:
                    return True
        return False


@dataclass(frozen=True)
class _Room:
    """How large a factor may be, by what the tail computes beyond the region needed."""

    round_up: int
    shift: int
    exact: bool
    """The extent is the same in every production."""
    output: bool


@dataclass
class _Body:
    """What is inside a stage's serial loops."""

    copies: int
    """Native vectors that vectorizing and unrolling make of one evaluation."""
    size: int
    """Operations and loads of one evaluation, those of inlined Funcs included."""


def loop_labels(tiling: Tiling) -> tuple[str, ...]:
    """Names of a tiling's loops, outermost first; a fused loop is named for its inner variable."""
    labels = [f"{name}@{role}" for name, role, _ in tiling.loops]
    if tiling.fused and tiling.parallel > 1:
        labels = labels[: len(labels) - tiling.parallel + 1]
    return tuple(reversed(labels))
