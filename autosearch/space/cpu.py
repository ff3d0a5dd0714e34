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
from autosearch.pipeline.ir import Algorithm, Func, Stage, StageKey
from autosearch.pipeline.operations import is_associative, is_scatter, work
from autosearch.schedule.directives import Bound, Directive, Tail
from autosearch.schedule.nest import ROOT, LoopNest, Placement
from autosearch.schedule.schedule import Schedule, Step
from autosearch.space.placement import FuncFacts, choose_placement, placement_directives
from autosearch.space.slack import allowed_regions
from autosearch.space.tiling import Tiling
from autosearch.space.tiling_rules import StageFacts, choose_tiling

MAX_INLINED_BODY = 1500
"""A Func is not inlined where an unrolled body would then hold more operations on native vectors than this."""
MAX_GUARDED_BODY = 250
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
        self._constants: dict[StageKey, frozenset[str]] = {}

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
        """Loop variables whose extents the algorithm itself fixes."""
        if stage.key not in self._constants:
            blank = Bindings(self.algorithm)
            names = {
                rvar.name
                for rvar in stage.rvars
                if constant_value(rvar.extent, blank) is not None and constant_value(rvar.min, blank) is not None
            }
            func = self.algorithm.func(stage.func)
            for name, low, size in func.bounds:
                if low is not None and size is not None and constant_value(size, blank) is not None:
                    names.add(name)
            self._constants[stage.key] = frozenset(names)
        return self._constants[stage.key]

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
        own = work(func.stages[0])
        fits = all(
            count == 1 or self.bodies[key].copies * (self.bodies[key].work + count * own) <= MAX_INLINED_BODY
            for key, count in calls.items()
        )
        facts = FuncFacts(func.name in self.space.may_inline and fits, sum(calls.values()), own)
        return choose_placement(self.nest, func, facts, self.labels, self.chooser)

    def inline(self, func: Func) -> None:
        """Its consumers now do its work, and call what it calls."""
        stage = func.stages[0]
        for key, count in self.calls.get(func.name, {}).items():
            self.bodies[key].work += count * work(stage)
            for producer, inner in self.space.calls[stage.key].items():
                by_stage = self.calls.setdefault(producer, {})
                by_stage[key] = by_stage.get(key, 0) + count * inner

    def remember(self, stage: Stage, copies: int) -> None:
        """A stage computed: the size of its body, and what it calls."""
        self.bodies[stage.key] = _Body(copies, work(stage))
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
        facts = self.facts(stage, {n: max(1, int(ranges[n][1] - ranges[n][0]) + 1) for n in stage.loop_vars},
                           placement, constant)  # fmt: skip

        def tails(variable: str, factor: int, copies: int) -> Sequence[Tail]:
            legal = self.legal_tails(func, stage, placement, box, variable, factor, facts.extents[variable])
            costly = copies * (facts.operations + 4) > MAX_GUARDED_BODY and facts.extents[variable] % factor
            return legal[:-1] if costly and len(legal) > 1 else legal

        tiling, copies = choose_tiling(facts, self.chooser, f"{func.name}.{stage.index}", tails)
        self.labels[stage.key] = loop_labels(tiling)
        self.remember(stage, copies)
        return tiling.directives(stage)

    def facts(self, stage: Stage, ranges: dict[str, int], placement: Placement, constant: frozenset[str]) -> StageFacts:
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
            work(stage),
        )

    def legal_tails(
        self, func: Func, stage: Stage, placement: Placement, box: Box, variable: str, factor: int, extent: int
    ) -> list[Tail]:
        if stage.is_rvar(variable):
            return [Tail.GUARD_WITH_IF]
        place = func.args.index(variable)
        whole = self.nest.required(func.name, None) or self.space.regions.funcs[func.name]
        low, high = hull(whole, self.space.regions.funcs[func.name])[place]
        first, last = self.space.allowed[func.name][place]
        divides = extent % factor == 0
        padding = 0 if divides and placement.compute is None else factor - 1
        may_round = high + padding <= last
        if func.name in self.space.algorithm.outputs and variable not in self.space.constant_vars(stage):
            may_round = False  # it would demand that every output be a multiple
        whole_anyway = box[place] == (low, high)
        slides = placement.store != placement.compute  # then a production may compute a single new row
        varies = not whole_anyway and (slides or self.has_partial_tiles(placement))
        shortest = 1 if varies else extent
        may_shift = stage.index == 0 and (shortest >= factor or low - (factor - shortest) >= first)
        tails = [Tail.SHIFT_INWARDS] if may_shift else []
        if may_round:
            tails.insert(0 if stage.index or placement.compute is not None else len(tails), Tail.ROUND_UP)
        tails.append(Tail.GUARD_WITH_IF)
        return tails

    def has_partial_tiles(self, placement: Placement) -> bool:
        """Whether some iterations around may need less than others, because a guarded split doesn't divide."""
        for position in self.nest.around(placement.compute):
            nest = self.nest.stages[position.stage]
            for derivation in nest.loops.derivations:
                guarded = derivation.tail is Tail.GUARD_WITH_IF and not derivation.fuse
                if guarded and nest.extents[derivation.old] % derivation.factor:
                    return True
        return False


@dataclass
class _Body:
    """What is inside a stage's serial loops."""

    copies: int
    """Native vectors that vectorizing and unrolling make of one evaluation."""
    work: int
    """Operations of one evaluation, those of inlined Funcs included."""


def loop_labels(tiling: Tiling) -> tuple[str, ...]:
    """Names of a tiling's loops, outermost first; a fused loop is named for its inner variable."""
    labels = [f"{name}@{role}" for name, role, _ in tiling.loops]
    if tiling.fused and tiling.parallel > 1:
        labels = labels[: len(labels) - tiling.parallel + 1]
    return tuple(reversed(labels))
