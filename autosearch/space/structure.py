"""The first questions: which Funcs to make that the algorithm doesn't have.

Reductions are accumulated apart, so that cores and lanes have something to do. A histogram or a sum of everything has
few independent iterations. `rfactor` makes some: strips of the domain counted in parallel, or neighbouring elements
counted in separate lanes; what remains is a short merge. Asked again for the Func that this makes, so that strips can
have lanes.

What a reduction over everything reads has to be there before the reduction's own consumers start. Where those read it
too, at their own pace, a clone lets each side compute it where it suits. So it does where one consumer reads a window of
it, for which it should be stored, and another a few elements, for which it needn't.

A reduction that is read at several places accumulates best in the registers of a copy's tile: the copy (`in_`) is what is
stored and read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from autosearch.choices import Chooser, Option
from autosearch.errors import ScheduleError
from autosearch.pipeline.access import Edge
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.ir import Stage, StageKey
from autosearch.pipeline.operations import is_associative
from autosearch.schedule.directives import ALL, CloneIn, In, Reorder, RFactor, Split
from autosearch.schedule.schedule import Schedule, Step
from autosearch.space.ground import Ground
from autosearch.space.tiling import free_name

NONE = "none"
STRIPS, LANES = "strips", "lanes"
CLONE = "clone"
COPY = "copy"
STRUCTURE_KINDS = ("rfactor", "clone", "in")
"""The kinds of questions whether to make a Func, to which `NONE` is always an answer."""
WHOLE = 0
MOST_LEVELS = 2
"""Times that one reduction is factored."""
_CLONED, _CLONED_RARELY = 0.5, 0.4
"""How likely a clone is for a large reduction, and any for another consumer: most likely of what would take most."""
_COPIED = 0.25
LEAST_WORK = 4096
"""Reductions with fewer iterations than this are over before another thread has woken up."""


def choose_structure(ground: Callable[[Schedule], Ground], chooser: Chooser) -> Schedule:
    """Ask which reductions to factor, and what they get clones of.

    `ground` gives the algorithm after structural directives.
    """
    structure = Schedule()
    for stage in worth_factoring(ground(structure)):
        key = stage.key
        for _ in range(MOST_LEVELS):
            before = ground(structure.structure)
            steps = _factor(before, key, chooser)
            longer = Schedule(structure.steps + steps)
            if not steps or not _accepted(ground, longer):
                break
            structure, key = longer, steps[-1].stage
    before = ground(structure.structure)
    clones = list(worth_cloning(before))
    others = sum(_spent(before, func, consumer) for func, consumer, reduces in clones if not reduces)
    for func, consumer, reduces in clones:
        # Each clone makes another algorithm to be looked into.
        chance = _CLONED if reduces else _CLONED_RARELY * _spent(before, func, consumer) / others
        if chooser.choose(f"{func}/clone/{consumer}", [NONE, CLONE], [1.0 - chance, chance]) == CLONE:
            made = free_name(f"{func}_in_{consumer}", set(before.algorithm.by_name))
            structure = _longer(ground, structure, Step(StageKey(func), CloneIn(consumer, made)))
    for func in worth_copying(before):
        if chooser.choose(f"{func}/in", [NONE, COPY], [1.0 - _COPIED, _COPIED]) == COPY:
            made = free_name(f"{func}_in", set(before.algorithm.by_name))
            structure = _longer(ground, structure, Step(StageKey(func), In(ALL, made)))
    return structure


def _longer(ground: Callable[[Schedule], Ground], structure: Schedule, step: Step) -> Schedule:
    """The structure with one more step, where Halide accepts that: it makes no second clone of a Func."""
    longer = Schedule((*structure.steps, step))
    return longer if _accepted(ground, longer) else structure


def _accepted(ground: Callable[[Schedule], Ground], structure: Schedule) -> bool:
    """Whether Halide accepts the directives: it may not see that an update is associative, say."""
    try:
        ground(structure.structure)
    except ScheduleError:
        return False
    return True


def worth_cloning(ground: Ground) -> Iterator[tuple[str, str, bool]]:
    """Funcs that a large reduction reads, or one consumer in more places than another.

    With that consumer, and whether it is such a reduction.
    """
    for func in ground.algorithm.funcs:
        if func.name not in ground.may_inline or ground.is_copy(func):
            continue
        loads: dict[str, int] = {}
        for key in ground.algorithm.consumers[func.name]:
            loads[key.func] = max(loads.get(key.func, 0), ground.calls[key][func.name].count)
        for consumer in list(loads)[:-1]:  # in realization order: the last one keeps the Func itself
            stages = ground.algorithm.func(consumer).updates
            if any(_is_large(ground, stage) and func.name in ground.calls[stage.key] for stage in stages):
                yield func.name, consumer, True
            elif loads[consumer] > min(loads.values()):
                yield func.name, consumer, False


def _spent(ground: Ground, func: str, consumer: str) -> float:
    """Operations and loads that a Func takes where one consumer computes it anew for each load."""
    calls = (ground.calls[stage.key].get(func) for stage in ground.algorithm.func(consumer).stages)
    loads = max(call.count for call in calls if call is not None)
    return loads * ground.effort[func].work * math.prod(extents(ground.regions.funcs[func]))


def worth_copying(ground: Ground) -> Iterator[str]:
    """Reductions of which a consumer reads several elements, or ones that depend on data."""
    for func in ground.algorithm.funcs:
        if func.name in ground.reductions and func.name not in ground.algorithm.outputs:
            edges = [
                edge
                for key in ground.algorithm.consumers[func.name]
                for edge in ground.flow.edges[key]
                if edge.producer == func.name and not edge.is_input and key.func != func.name
            ]
            if any(len(edge.sites) > 1 or not edge.is_affine or _reduces(ground, edge) for edge in edges):
                yield func.name


def _reduces(ground: Ground, edge: Edge) -> bool:
    """Whether a read moves with a reduction variable."""
    stage = ground.algorithm.stage(edge.consumer)
    indices = (index for access in edge.accesses for index in access.index if index is not None)
    return any(stage.is_rvar(variable) for index in indices for variable, _ in index.coefficients)


def _is_large(ground: Ground, stage: Stage) -> bool:
    """Whether each element of the stage accumulates many values."""
    ranges = ground.flow.environment(stage, ground.regions.funcs[stage.func])
    return math.prod(int(ranges[rvar.name][1] - ranges[rvar.name][0]) + 1 for rvar in stage.rvars) >= LEAST_WORK


def worth_factoring(ground: Ground) -> Iterator[Stage]:
    """Associative updates over large domains whose pure variables give too few independent iterations."""
    machine = ground.machine
    for func in ground.algorithm.funcs:
        for stage in func.updates:
            ranges = ground.flow.environment(stage, ground.regions.funcs[func.name])
            length = {name: int(high - low) + 1 for name, (low, high) in ranges.items()}
            independent = math.prod(length[name] for name in stage.pure_vars)
            work = math.prod(length[rvar.name] for rvar in stage.rvars)
            enough = machine.cores * ground.lanes(stage)
            if stage.rvars and work >= LEAST_WORK and independent < enough and is_associative(stage):
                yield stage


def _factor(ground: Ground, key: StageKey, chooser: Chooser) -> tuple[Step, ...]:
    stage = ground.algorithm.stage(key)
    func = ground.algorithm.func(key.func)
    ranges = ground.flow.environment(stage, ground.regions.funcs[key.func])
    length = {rvar.name: int(ranges[rvar.name][1] - ranges[rvar.name][0]) + 1 for rvar in stage.rvars}
    ways = [f"{name}@{kind}" for kind in (STRIPS, LANES) for name in reversed(length) if length[name] > 1]
    first = key.func.count("_intm") == 0
    weights = [0.2]
    for way in ways:
        outermost, innermost = way.startswith(f"{stage.rvars[-1].name}@"), way.startswith(f"{stage.rvars[0].name}@")
        likely = (outermost and way.endswith(STRIPS) and first) or (innermost and way.endswith(LANES) and not first)
        weights.append(0.6 if likely else 0.06)
    answer = str(chooser.choose(f"{key.func}.{key.index}/rfactor", [NONE, *ways], weights))
    if answer == NONE:
        return ()
    name, kind = answer.rsplit("@", 1)
    factors = _factors(kind, length[name])
    weights = [4.0 if _is_likely(kind, factor, length[name], ground.machine.cores) else 1.0 for factor in factors]
    factor = int(chooser.choose(f"{key.func}.{key.index}/rfactor_size", factors, weights))
    made = free_name(f"{key.func}_intm", set(ground.algorithm.by_name))
    return factoring(stage, func.args, name, kind, factor, made)


def factoring(stage: Stage, args: tuple[str, ...], name: str, kind: str, factor: int, made: str) -> tuple[Step, ...]:
    """The directives that accumulate strips or lanes of reduction variable `name` apart, in a new Func `made`.

    The last is for the update of `made`: its loops in the order in which they are then read back.
    """
    loops = [rvar.name for rvar in stage.rvars]
    var = free_name("u", {*args, *loops})
    steps, loop = [], name
    if factor != WHOLE:
        outer, inner = free_name(f"{name}o", {*args, *loops}), free_name(f"{name}i", {*args, *loops})
        steps = [Step(stage.key, Split(name, outer, inner, factor))]
        loops[loops.index(name) : loops.index(name) + 1] = [inner, outer]
        loop = outer if kind == STRIPS else inner
    loops.remove(loop)
    steps.append(Step(stage.key, RFactor(loop, var, made)))
    return (*steps, Step(StageKey(made, 1), Reorder((*loops, *stage.pure_vars, var))))


def _factors(kind: str, length: int) -> list[int]:
    if kind == LANES:
        return [n for n in (2, 4, 8, 16) if n < length] or [WHOLE]
    return [WHOLE, *(n for n in (4, 8, 16, 32, 64, 128, 256) if n < length)]


def _is_likely(kind: str, factor: int, length: int, cores: int) -> bool:
    """Whether a factor makes some tasks for each core, and not many more results to merge; or lanes of a few."""
    if kind == LANES:
        return factor in (4, 8)
    return factor != WHOLE and 2 * cores <= length // factor <= 64 * cores


def structure_answers(schedule: Schedule) -> dict[str, Option]:
    """The answers that lead to a schedule's structure; `none` is the answer to the last, unused `rfactor`."""
    answers: dict[str, Option] = {}
    splits: dict[str, Split] = {}
    for step in schedule:
        directive = step.directive
        if isinstance(directive, Split):
            splits[directive.outer] = splits[directive.inner] = directive
        elif isinstance(directive, CloneIn):
            answers[f"{step.stage.func}/clone/{directive.consumer}"] = CLONE
        elif isinstance(directive, In) and directive.consumer == ALL:
            answers[f"{step.stage.func}/in"] = COPY
        elif isinstance(directive, RFactor):
            split = splits.get(directive.loop)
            name = directive.loop if split is None else split.old
            kind = STRIPS if split is None or directive.loop == split.outer else LANES
            prefix = f"{step.stage.func}.{step.stage.index}"
            answers[f"{prefix}/rfactor"] = f"{name}@{kind}"
            answers[f"{prefix}/rfactor_size"] = WHOLE if split is None else split.factor
            answers.setdefault(f"{directive.func}.1/rfactor", NONE)
            splits = {}
    return answers
