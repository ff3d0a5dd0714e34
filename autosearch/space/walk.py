"""The walk through the questions: every Func is placed in the nest built so far, then the loops of its stages are shaped.

Funcs are decided from outputs to inputs. Every answer offered is legal as far as can be told without Halide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from autosearch.choices import Chooser
from autosearch.errors import InfeasibleError, ScheduleError
from autosearch.pipeline.access import Box
from autosearch.pipeline.ir import INT32, Func, Stage, StageKey
from autosearch.pipeline.operations import (
    body_size,
    code_size,
    is_associative,
    is_scatter,
    multiplies_narrow,
    writes_by_data,
)
from autosearch.schedule.directives import Bound, CloneIn, Directive, In, Tail
from autosearch.schedule.layout import storage_order
from autosearch.schedule.loops import UNROLLED, VECTORIZED, stage_loops
from autosearch.schedule.nest import ROOT, LoopNest, Placement, Position, placement_of
from autosearch.schedule.schedule import Schedule, Step
from autosearch.space.bounding import choose_alignment, choose_bounds, suffices
from autosearch.space.calls import Calls
from autosearch.space.constant import NOTHING, Stated
from autosearch.space.details import choose_memory, choose_partition
from autosearch.space.ground import Ground
from autosearch.space.joining import choose_partner, join, partners
from autosearch.space.lookups import MANY
from autosearch.space.placement import (
    FuncFacts,
    Reader,
    choose_placement,
    in_serial,
    moved_dimensions,
    placement_directives,
)
from autosearch.space.stage_facts import StageFacts
from autosearch.space.storage import choose_storage, holds_pairs
from autosearch.space.style import Inlining, Style, choose_inlining, choose_style
from autosearch.space.tails import TailRules
from autosearch.space.tiling import Tiling
from autosearch.space.tiling_options import worth_a_vector
from autosearch.space.tiling_rules import MAX_LONG_BODY, choose_tiling

MAX_GUARDED_BODY = 150
"""A guarded tail turns a vector body into predicated code many times its size: not offered for bodies beyond this."""
RULES = "rules"
_FOLLOWED, _RARELY_FOLLOWED = 2.0, 0.03
"""How likely it is to follow an example as what reads the Func does, and otherwise, where the rules are 1."""


class Walk:
    """One walk through the questions about what is left to schedule."""

    def __init__(
        self,
        ground: Ground,
        chooser: Chooser,
        structure: Schedule,
        fixed: Mapping[str, Schedule],
        examples: Mapping[str, Mapping[str, Schedule]],
    ) -> None:
        self.clones = frozenset(step.directive.func for step in structure if isinstance(step.directive, CloneIn))
        self.copies = frozenset(step.directive.func for step in structure if isinstance(step.directive, In))
        self.fixed = fixed
        self.examples = examples
        self.followed: dict[str, str] = {}
        """The example that a Func is scheduled as in, by Func."""
        self.ground = ground
        self.chooser = chooser
        ruled = any(func.name not in fixed for func in ground.algorithm.funcs)
        self.style = choose_style(chooser, bool(ground.reductions), ground.gathers) if ruled else Style.FREE
        self.inlining = choose_inlining(chooser) if ruled else Inlining.FREELY
        self.nest = LoopNest(ground.flow, ground.regions)
        self.tails = TailRules(self.nest, ground)
        self.labels: dict[StageKey, tuple[str, ...]] = {}
        self.tilings: dict[StageKey, Tiling] = {}
        self.whole: dict[StageKey, list[Directive]] = {}
        """That loops of a stage are not partitioned."""
        self.bodies: dict[StageKey, _Body] = {}
        self.calls: dict[str, dict[StageKey, Calls]] = {}
        """For each Func not decided yet: how often one evaluation of each stage computed calls it, as things stand."""
        self.steps: list[Step] = []
        self.stated: Stated = NOTHING

    def run(self) -> Schedule:
        """The schedule that the answers make. Raises `InfeasibleError` where what is fixed doesn't fit."""
        for func in reversed(self.ground.algorithm.funcs):
            if func.name in self.fixed:
                self.keep(func, self.fixed[func.name])
            elif func.name in self.ground.left_alone:
                self.leave_alone(func)
            elif not (self.examples and self.follow(func)):
                self.decide(func)
        return Schedule(tuple(self.steps))

    def follow(self, func: Func) -> bool:
        """Ask whether a Func is scheduled as in one of the examples, and if so do that."""
        fitting = {
            name: parts[func.name]
            for name, parts in self.examples.items()
            if func.name in parts and self.fits(func, parts[func.name], name)
        }
        if not fitting:
            return False
        near = [self.followed.get(key.func) == name for name in fitting for key in self.nest.uses(func.name)[:1]]
        weights = [_FOLLOWED if one else _RARELY_FOLLOWED for one in near or [False] * len(fitting)]
        answer = str(self.chooser.choose(f"{func.name}/as", [RULES, *fitting], [1.0, *weights]))
        if answer == RULES:
            return False
        self.followed[func.name] = answer
        self.keep(func, fitting[answer])
        return True

    def fits(self, func: Func, own: Schedule, example: str) -> bool:
        """Whether a Func may be scheduled as in an example: where it is computed, loops are those of the example."""
        try:
            directives = [own.of(stage.key) for stage in func.stages]
            placement = placement_of(self.nest, func, directives[0])
            for stage, theirs in zip(func.stages, directives, strict=True):
                joins = stage_loops(stage, theirs).joins
                if joins is not None and self.followed.get(joins.at.func) != example:
                    return False
        except ScheduleError:
            return False
        if not suffices(self.nest, func, directives[0]):
            return False
        if placement.inline:
            return func.name in self.ground.may_inline
        return placement.compute is None or self.followed.get(placement.compute.stage.func) == example

    def leave_alone(self, func: Func) -> None:
        self.nest.place(func, ROOT)
        if func.name not in self.ground.algorithm.outputs:
            self.add(func.stages[0], placement_directives(self.nest, ROOT))
        for stage in func.stages:
            self.labels[stage.key] = tuple(f"{name}@outer" for name in reversed(stage.loop_vars))
            self.remember(stage, 1)

    def keep(self, func: Func, own: Schedule) -> None:
        """Place a Func as its own schedule says, whatever that is."""
        directives = [own.of(stage.key) for stage in func.stages]
        try:
            placement = placement_of(self.nest, func, directives[0])
            self.nest.place(func, placement, directives)
        except ScheduleError as error:
            raise InfeasibleError(str(error)) from None
        self.steps += own.steps
        if func.name in self.ground.algorithm.outputs:
            self.stated |= {(func.name, one.dim) for one in directives[0] if isinstance(one, Bound)}
        if placement.inline:
            self.inline(func)
            return
        for stage in func.stages:
            made = self.nest.stages[stage.key]
            self.labels[stage.key] = tuple(f"{name}@given" for name in made.loops.loop_names)
            together = math.prod(
                extent
                for kind, extent in zip(made.loops.kinds, made.loop_extents, strict=True)
                if kind in (VECTORIZED, UNROLLED)
            )
            self.remember(stage, max(1, together // self.ground.lanes(stage)))

    def decide(self, func: Func) -> None:
        is_output = func.name in self.ground.algorithm.outputs
        placement = ROOT if is_output else self.place(func)
        head = [] if is_output else placement_directives(self.nest, placement)
        if placement.inline:
            self.nest.place(func, placement)
            self.inline(func)
            return
        bounds = list[Bound]()
        if is_output or self.stated:  # of inner Funcs only where those of outputs are
            known = self.constants(func.stages[0], placement)
            bounds = choose_bounds(self.nest, self.ground, func, known, self.chooser)
        aligned = choose_alignment(self.ground, func, bounds, self.chooser) if is_output else []
        self.nest.bound(func, [*bounds, *aligned])
        constant = frozenset(bound.dim for bound in bounds)
        if is_output:
            self.stated |= {(func.name, dim) for dim in constant}
        layout = list[Directive]()
        if not is_output:
            layout = choose_storage(self.nest, self.ground, func, self.chooser, self.style)
        order = tuple(func.args[place] for place in storage_order(func, layout))
        others = [
            name for name in partners(self.nest, self.ground, func, placement) if self.suits(func, placement, name)
        ]
        partner = choose_partner(self.nest, func, others, self.labels, self.chooser)
        if partner is not None:
            directives = [self.together(func, partner)]
        else:
            directives = [self.stage(func, stage, placement, constant, order) for stage in func.stages]
        memory, reading = list[Directive](), list[Step]()
        if not is_output:
            lanes = self.ground.lanes(func.stages[0])
            memory, reading = choose_memory(self.nest, func, placement, lanes, self.chooser)
        directives[0] = [*bounds, *aligned, *layout, *memory, *directives[0]]
        self.nest.place(func, placement, directives)
        if placement.compute is None and partner is None:
            for stage, own in zip(func.stages, directives, strict=True):
                self.whole[stage.key] = choose_partition(self.nest, stage.key, self.chooser)
                own += self.whole[stage.key]
        self.steps += reading
        for stage, own in zip(func.stages, directives, strict=True):
            self.add(stage, (head if stage.index == 0 else []) + own)

    def add(self, stage: Stage, directives: Sequence[Directive]) -> None:
        self.steps += [Step(stage.key, directive) for directive in directives]

    def place(self, func: Func) -> Placement:
        calls = self.calls.get(func.name, {})
        size = code_size(func.stages[0])
        fits = all(
            (call.count == 1 and self.bodies[key].copies == 1)
            or self.bodies[key].copies * (self.bodies[key].size + call.count * size) <= MAX_LONG_BODY
            for key, call in calls.items()
        )
        may_inline = func.name in self.ground.may_inline and fits
        # What a clamped index reads doesn't move with the loop at the borders: Halide would slide beyond the input.
        slides = not self.tails.stands_still(func.name)
        accumulates = func.name in self.ground.reductions
        facts = FuncFacts(
            style=self.style,
            inlining=self.inlining,
            may_inline=may_inline,
            readers=self.readers(func.name, calls),
            effort=self.ground.effort[func.name],
            revisited=self.ground.revisited[func.name],
            may_slide=slides,
            accumulates=accumulates,
            copies=self.ground.is_copy(func),
            roomy=self.ground.has_room(func.name),
            cloned=func.name in self.clones,
            stored=func.name in self.copies,
            apart=func.name in self.ground.transposed or holds_pairs(self.nest, func),
        )
        return choose_placement(self.nest, func, facts, self.labels, self.chooser, self.ground.machine)

    def readers(self, name: str, calls: Mapping[StageKey, Calls]) -> dict[StageKey, Reader]:
        """The stages that would compute a Func inline, in native vectors: one for each lane where data says where it writes."""
        return {key: Reader(call.count * self.times(key, name), self.ground.points[key]) for key, call in calls.items()}

    def times(self, key: StageKey, name: str) -> int:
        """How often a stage computes inline what is computed once elsewhere, in native vectors: for each lane where data says
        where it writes; and where it looks up in few lanes, what doesn't."""
        stage, lookups = self.ground.algorithm.stage(key), self.ground.lookups
        if writes_by_data(stage):
            return self.ground.lanes(stage)
        few = lookups.get(key.func, 0.0) >= MANY > lookups.get(name, 0.0) and key in self.tilings
        return max(1, self.ground.lanes(stage) // self.tilings[key].lanes) if few else 1

    def inline(self, func: Func) -> None:
        """Its consumers now do its work, and call what it calls."""
        stage = func.stages[0]
        for key, call in self.calls.get(func.name, {}).items():
            self.bodies[key].size += call.count * code_size(stage)
            self.call(key, self.ground.through(call, stage))

    def call(self, key: StageKey, calls: Mapping[str, Calls]) -> None:
        for producer, call in calls.items():
            by_stage = self.calls.setdefault(producer, {})
            by_stage[key] = by_stage[key] | call if key in by_stage else call

    def remember(self, stage: Stage, copies: int) -> None:
        """A stage computed: the size of its body, and what it calls."""
        self.bodies[stage.key] = _Body(copies, code_size(stage))
        self.call(stage.key, self.ground.calls[stage.key])

    def constants(self, stage: Stage, placement: Placement) -> frozenset[str]:
        return self.ground.constant_vars(stage, inside=placement.compute is not None, stated=self.stated)

    def stage(
        self, func: Func, stage: Stage, placement: Placement, constant: frozenset[str], layout: Sequence[str]
    ) -> list[Directive]:
        box = self.nest.required(func.name, placement.compute)
        assert box is not None
        sizes = self.sizes(func, stage, placement, box)
        rules = self.tails.of(stage, placement, box, sizes)
        facts = self.facts(stage, sizes, placement, rules.nesting, constant, layout)

        def tails(variable: str, factor: int, copies: int) -> Sequence[Tail]:
            legal = rules.legal(variable, factor)
            costly = copies * facts.body > MAX_GUARDED_BODY
            return legal[:-1] if costly and len(legal) > 1 else legal

        tiling, copies = choose_tiling(facts, self.chooser, f"{func.name}.{stage.index}", tails)
        self.labels[stage.key] = loop_labels(tiling)
        self.tilings[stage.key] = tiling
        self.remember(stage, copies)
        return tiling.directives(stage)

    def sizes(self, func: Func, stage: Stage, placement: Placement, box: Box) -> dict[str, int]:
        """The extent of each variable of a stage so placed."""
        ranges = self.ground.flow.environment(stage, box)
        sizes = {name: max(1, int(ranges[name][1] - ranges[name][0]) + 1) for name in stage.loop_vars}
        for place, added in moved_dimensions(self.nest, func.name, placement).items():
            if func.args[place] in sizes:
                sizes[func.args[place]] = added
        return sizes

    def suits(self, func: Func, placement: Placement, name: str) -> bool:
        """Whether the loops of Func `name`, so placed too, are legal for a pure Func, and both in one body not too much."""
        (stage,) = func.stages
        key = StageKey(name)
        body = self.bodies[key]
        if key not in self.tilings or body.copies * (body.size + code_size(stage)) > MAX_LONG_BODY:
            return False
        box = self.nest.required(func.name, placement.compute)
        assert box is not None
        sizes = self.sizes(func, stage, placement, box)
        rules = self.tails.of(stage, placement, box, sizes)
        nested, exact = rules.nesting
        for variable, (factor, again) in self.tilings[key].factors.items():
            legal = rules.legal(variable, factor)
            divides = variable in exact and sizes[variable] % factor == 0
            tail = self.tilings[key].tails[variable]
            unsafe = factor > nested[variable] or (tail is Tail.GUARD_WITH_IF and not math.isinf(nested[variable]))
            if tail not in legal or (again and unsafe and not divides):
                return False
        return True

    def together(self, func: Func, partner: Position) -> list[Directive]:
        """The loops of another Func, shared down to `partner`."""
        (stage,) = func.stages
        tiling = self.tilings[partner.stage]
        self.labels[stage.key] = self.labels[partner.stage]
        self.remember(stage, self.bodies[partner.stage].copies)
        return [*tiling.directives(stage), *self.whole.get(partner.stage, ()), join(self.nest, partner)]

    def facts(
        self,
        stage: Stage,
        ranges: dict[str, int],
        placement: Placement,
        nesting: tuple[dict[str, float], frozenset[str]],
        constant: frozenset[str],
        layout: Sequence[str],
    ) -> StageFacts:
        ground = self.ground
        lanes = ground.lanes(stage)
        associative = is_associative(stage)
        dense = layout[0] if layout else ""
        channels = list(takewhile(lambda name: name in ground.channels[stage.func], layout))
        together = self.style is Style.CHANNELS and dense in channels
        enough = {name: worth_a_vector(lanes, name == dense) for name in stage.pure_vars}
        if together:
            enough[dense] = 1
        vectorizable = sorted(stage.pure_vars, key=lambda name: (ranges[name] < enough[name], name != dense))
        if associative and not is_scatter(stage):
            vectorizable += [rvar.name for rvar in stage.rvars if ranges[rvar.name] >= lanes // 2]
        parallelizable = {*stage.pure_vars, *(rvar.name for rvar in stage.rvars if rvar.parallel_safe)}
        free = associative or all(rvar.parallel_safe for rvar in stage.rvars)
        slides = placement.store != placement.compute
        nested, exact = nesting
        return StageFacts(
            stage=stage,
            channels=tuple(name for name in channels if name in stage.loop_vars),
            extents=ranges,
            lanes=lanes,
            constant=self.constants(stage, placement) | constant,
            vectorizable=tuple(vectorizable),
            dense=dense,
            parallelizable=frozenset(parallelizable),
            ordered=not free,
            at_root=placement.compute is None,
            in_serial=in_serial(self.nest, placement.compute),
            gathered=ground.gathered[stage.func],
            sharing=ground.sharing.get(stage.func, ()),
            body=body_size(stage),
            slides=slides,
            may_be_empty=slides or bool(self.nest.sliding_consumers(stage.func)),
            nested=nested,
            exact=exact,
            style=self.style,
            cores=ground.machine.cores,
            accumulators=ground.machine.accumulators,
            dots=associative and not is_scatter(stage) and multiplies_narrow(stage),
            transposed=ground.transposed.get(stage.func, "") if stage.index == 0 else "",
            scanned=_scanned(stage, ground.algorithm.func(stage.func).args, dense),
            apart=stage.index == 0 and stage.func in ground.apart,
            lookups=ground.lookups.get(stage.func, 0.0),
            indices=ground.machine.vector_bytes // INT32.bytes,
            reads_reduction=not ground.reductions.isdisjoint(ground.calls[stage.key]),
        )


def _scanned(stage: Stage, args: Sequence[str], dense: str) -> frozenset[str]:
    """The reduction variables that say where a stage writes in another dimension than the dense one."""
    return frozenset(
        node.value
        for arg, index in zip(args, stage.args, strict=True)
        if arg != dense
        for node in index.walk()
        if node.op == "var" and stage.is_rvar(node.value)
    )


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
