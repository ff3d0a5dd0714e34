"""Finding the answers that make a given schedule, so that an expert's or autoscheduler's can seed the search.

The schedule's loop nest is taken apart into bands, those into answers, and the space is asked to build from them. What
the space can't express comes out as near as it can, and is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from autosearch.choices import INLINING, ROOT, STYLE, FirstChooser, Option, Recorder, Replay, Trace, kind_of
from autosearch.schedule.copies import without_idle_copies
from autosearch.schedule.directives import AlignBounds, At, Bound, Loop, Tail
from autosearch.schedule.loops import PARALLEL, SERIAL, UNROLLED, VECTORIZED
from autosearch.schedule.nest import LoopNest, Position, StageNest
from autosearch.schedule.schedule import Schedule, Step
from autosearch.space.cpu import CpuSpace
from autosearch.space.details import detail_answers, details_of
from autosearch.space.ground import Ground
from autosearch.space.joining import ALONE
from autosearch.space.phases import ALIGNED, ANYWHERE
from autosearch.space.storage import storage_answer
from autosearch.space.structure import NONE, STRUCTURE_KINDS, structure_answers
from autosearch.space.style import Inlining, Style
from autosearch.space.tiling import OUTER, UNROLL


@dataclass(frozen=True)
class Imitation:
    """The nearest schedule that the space holds to a given one, and how to get there."""

    trace: Trace
    schedule: Schedule
    differences: tuple[str, ...]
    """Stages whose loops or placement came out otherwise; none for an exact imitation."""

    @property
    def exact(self) -> bool:
        return not self.differences


def imitate(space: CpuSpace, schedule: Schedule) -> Imitation:
    """The trace in `space` of a given schedule. Raises `ScheduleError` where the schedule isn't one of the pipeline."""
    imitation, _ = _imitate(space, _told_simpler(space, schedule), "", frozenset())
    return imitation


def adopt(space: CpuSpace, name: str, schedule: Schedule) -> Imitation:
    """The same; what the rules can't make of the schedule becomes an answer of its own in `space`, by that name."""
    schedule = _told_simpler(space, schedule)
    imitation, unlike = _imitate(space, schedule, name, frozenset())
    own: frozenset[str] = frozenset()
    while unlike - own:
        own = _closed(own | unlike, schedule)
        space.adopt(name, {one: _part(schedule, one) for one in own})
        imitation, unlike = _imitate(space, schedule, name, own)
    return imitation


def _told_simpler(space: CpuSpace, schedule: Schedule) -> Schedule:
    return without_idle_copies(schedule, space.ground(Schedule()).algorithm)


def _imitate(space: CpuSpace, schedule: Schedule, name: str, own: Set[str]) -> tuple[Imitation, frozenset[str]]:
    """The imitation where Funcs `own` follow the example of that name, and the Funcs that came out otherwise."""
    wanted = space.nest(schedule)
    answers: dict[str, Option] = {
        STYLE: Style.FREE.value,
        INLINING: Inlining.FREELY.value,
        **structure_answers(schedule),
        **_answers(wanted, schedule, own, space.ground(schedule.structure)),
        **detail_answers(schedule, wanted),
        **{f"{one}/as": name for one in own},
    }
    recorder = Recorder(Replay(answers, _Plain()))
    built = space.build(recorder)
    if wanted.algorithm != space.ground(built.structure).algorithm:
        return Imitation(recorder.trace, built, ("the Funcs made",)), frozenset()
    nest = space.nest(built)
    found = _differences(wanted, nest)
    told, said = details_of(schedule, wanted), details_of(built, nest)
    found += [(name, f"details of {name}") for name in told | said if _loosely(told, name) != _loosely(said, name)]
    return Imitation(recorder.trace, built, tuple(text for _, text in found)), frozenset(one for one, _ in found)


def _loosely(details: Mapping[str, frozenset[Step]], name: str) -> set[tuple[str, tuple[object, ...]]]:
    """What is told of a Func, but for the names of loops, which differ."""
    steps = details.get(name, frozenset())
    return {
        (s.directive.method, tuple(a for a in s.directive.arguments() if not isinstance(a, (Loop, At)))) for s in steps
    }


def _closed(funcs: Set[str], schedule: Schedule) -> frozenset[str]:
    """The Funcs and those at whose loops they are computed or stored, which have to be the same then."""
    found = set(funcs)
    pending = list(funcs)
    while pending:
        one = pending.pop()
        for step in schedule:
            if step.stage.func == one:
                levels = {arg.func for arg in step.directive.arguments() if isinstance(arg, At)} - found
                found |= levels
                pending += levels
    return frozenset(found)


def _part(schedule: Schedule, func: str) -> Schedule:
    return Schedule(tuple(step for step in schedule.rest if step.stage.func == func))


class _Plain(FirstChooser):
    """Answers what the schedule doesn't tell: no Func is made that it doesn't make."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        return NONE if kind_of(key) in STRUCTURE_KINDS else super().choose(key, options, weights)


def _differences(wanted: LoopNest, made: LoopNest) -> list[tuple[str, str]]:
    """The Funcs that came out otherwise, each with what of it."""
    result = []
    for func in wanted.algorithm.funcs:
        a, b = wanted.placements[func.name], made.placements[func.name]
        if a.inline != b.inline or _where(wanted, a.compute) != _where(made, b.compute):
            result.append((func.name, f"placement of {func.name}"))
        elif wanted.layouts.get(func.name) != made.layouts.get(func.name):
            result.append((func.name, f"layout of {func.name}"))
        elif _where(wanted, a.store) != _where(made, b.store):
            result.append((func.name, f"storage of {func.name}"))
        elif _joined(wanted, func.name) != _joined(made, func.name):
            result.append((func.name, f"with what {func.name} is computed"))
        elif not a.inline:
            result += [
                (func.name, f"loops of {stage.key}")
                for stage in func.stages
                if _shape(wanted.stages[stage.key]) != _shape(made.stages[stage.key])
            ]
    return result


def _joined(nest: LoopNest, name: str) -> set[tuple[frozenset[str], int]]:
    """The Funcs that one shares loops with, and how many."""
    pairs = ((key.func, shared.stage.func, shared.depth) for key, shared in nest.joined.items())
    return {(frozenset((one, other)), depth) for one, other, depth in pairs if name in (one, other)}


def _where(nest: LoopNest, position: Position | None) -> tuple[tuple[str, int], ...]:
    """The loops around a position, those of one iteration aside: equal for nests that lower to the same code."""
    return tuple((level.kind, level.extent) for level in nest.loops_around(position) if level.extent > 1)


def _shape(nest: StageNest) -> list[tuple[str, str, int, int]]:
    """A stage's loops as they lower: kinds, variables, extents, and how far apart lanes are.

    A vectorized loop has no place, so it comes last.
    """
    loops = [
        (kind, nest.loops.variables[nest.loops.variable_of(loop)], extent, nest.loops.step(loop) if kind == VECTORIZED else 1)
        for loop, kind, extent in zip(nest.loops.order, nest.loops.kinds, nest.loop_extents, strict=True)
        if extent > 1
    ]
    return [loop for loop in loops if loop[0] != VECTORIZED] + [loop for loop in loops if loop[0] == VECTORIZED]


@dataclass
class _Loop:
    variable: str
    kind: str
    extent: int
    remainder: bool = False
    band: str = ""


def _answers(nest: LoopNest, schedule: Schedule, own: Set[str], ground: Ground) -> dict[str, Option]:
    answers: dict[str, Option] = {}
    labels: dict[Position, str] = {}
    for key, stage in nest.stages.items():
        prefix = f"{key.func}.{key.index}"
        loops = _expand(stage)
        placement = nest.placements[key.func]
        _answer_loops(prefix, stage, loops, placement.store != placement.compute, answers)
        given = [f"{name}@given" for name in stage.loops.loop_names]
        for depth, label in enumerate(given if key.func in own else _labels(stage, loops), start=1):
            labels[Position(key, depth)] = f"{prefix}/{label}"
    for func in nest.algorithm.funcs:
        placement = nest.placements[func.name]
        answers.update((f"{func.name}/bound/{arg}", "any") for arg in func.args)
        answers.update((f"{func.name}/phases/{arg}", ANYWHERE) for arg in func.args)
        if func.name in nest.algorithm.outputs:
            continue
        if placement.inline:
            answers[f"{func.name}/place"] = "inline"
            continue
        answers[f"{func.name}/place"] = _level(placement.compute, labels)
        answers[f"{func.name}/with"] = ALONE
        answers[f"{func.name}/storage"] = storage_answer(ground, func, nest.layouts[func.name])
        same = placement.store == placement.compute
        answers[f"{func.name}/store"] = "same" if same else _level(placement.store, labels)
    order = [func.name for func in nest.algorithm.funcs]
    for key, shared in nest.joined.items():
        # Decided is the one that comes first in the order, which the other one's loops are there for then.
        mine, other = sorted((Position(key, shared.depth), shared), key=lambda one: order.index(one.stage.func))
        answers[f"{mine.stage.func}/with"] = labels[other]
    for step in schedule:
        if isinstance(step.directive, Bound):
            answers[f"{step.stage.func}/bound/{step.directive.dim}"] = "exact"
        elif isinstance(step.directive, AlignBounds):
            answers[f"{step.stage.func}/phases/{step.directive.dim}"] = ALIGNED
    return answers


def _level(position: Position | None, labels: Mapping[Position, str]) -> str:
    return ROOT if position is None else labels[position]


def _expand(nest: StageNest) -> list[list[_Loop]]:
    """The loops, innermost first; a fused one as the loops that were fused."""
    fused = {d.old: (d.inner, d.outer) for d in nest.loops.derivations if d.fuse}
    seen: set[str] = set()
    result: list[list[_Loop]] = []
    for loop, kind in zip(nest.loops.order, nest.loops.kinds, strict=True):
        parts: list[_Loop] = []
        pending = [loop]
        while pending:
            one = pending.pop()
            if one in fused:
                pending += fused[one]  # the outer part is popped, so handled, first
                continue
            variable = nest.loops.variables[nest.loops.variable_of(one)]
            parts.insert(0, _Loop(variable, kind, nest.extents[one], variable not in seen))
            seen.add(variable)
        result.insert(0, parts)
    return result


def _labels(nest: StageNest, loops: list[list[_Loop]]) -> list[str]:
    """The space's labels of the loops, outermost first."""
    return [f"{parts[0].variable}@{parts[0].band}" for parts in reversed(loops)]


def _answer_loops(
    prefix: str, nest: StageNest, grouped: list[list[_Loop]], slides: bool, answers: dict[str, Option]
) -> None:
    flat = [loop for parts in grouped for loop in parts]
    rest = list(flat)
    vectors = [loop for loop in flat if loop.kind == VECTORIZED]
    pairs = next((loop for loop in vectors if nest.stage.is_rvar(loop.variable)), None) if len(vectors) == 2 else None
    vector = next((loop for loop in vectors if loop is not pairs), None)
    for rvar in nest.stage.rvars:
        answers[f"{prefix}/dot/{rvar.name}"] = 1
    if pairs is not None:
        answers[f"{prefix}/dot/{pairs.variable}"] = pairs.extent
        pairs.band = "vector"
        rest.remove(pairs)
    answers[f"{prefix}/vector"] = "none"
    if vector is not None:
        answers[f"{prefix}/vector"] = vector.variable
        answers[f"{prefix}/width"] = vector.extent
        vector.band = "vector"
        rest.remove(vector)
    unrolled: list[_Loop] = []
    single: list[_Loop] = []  # of one iteration: wherever they are, they lie among those outside
    while rest:
        loop = rest[0]
        if loop.extent > 1 or loop.kind in (UNROLLED, VECTORIZED):
            if loop.kind not in (UNROLLED, VECTORIZED) or loop.variable in [one.variable for one in unrolled]:
                break
            unrolled.append(loop)
        else:
            single.append(loop)
        rest = rest[1:]
    rest = single + rest
    for variable in nest.loops.variables:
        answers[f"{prefix}/unroll/{variable}"] = 1
    for loop in unrolled:
        loop.band = UNROLL
        inside = vector.extent if vector is not None and vector.variable == loop.variable else 1
        covers = not slides and loop.extent * inside >= nest.extents[nest.loops.variables.index(loop.variable)]
        answers[f"{prefix}/unroll/{loop.variable}"] = 0 if covers else loop.extent
    _answer_order(prefix, UNROLL, unrolled, answers)
    bands: list[list[_Loop]] = [[]]
    for loop in rest:
        taken = loop.variable in [one.variable for one in bands[-1]]
        # Parallel loops belong to the last band, which holds nothing but the remainders of variables.
        if taken or (loop.kind == PARALLEL and not all(one.remainder for one in bands[-1])):
            bands.append([])
        bands[-1].append(loop)
    answers[f"{prefix}/tiles"] = len(bands) - 1
    for number, band in enumerate(bands[:-1]):
        for variable in nest.loops.variables:
            answers[f"{prefix}/tile{number}/{variable}"] = 1
        for loop in band:
            loop.band = f"tile{number}"
            answers[f"{prefix}/tile{number}/{loop.variable}"] = 0 if loop.remainder else loop.extent
        _answer_order(prefix, f"tile{number}", band, answers)
    for loop in bands[-1]:
        loop.band = OUTER
    _answer_order(prefix, OUTER, bands[-1], answers)
    answers[f"{prefix}/task"] = 1  # a band of tiles says the same
    _answer_parallel(prefix, grouped, answers)
    for d in reversed(nest.loops.derivations):
        if not d.fuse and d.old < len(nest.loops.variables):
            tail = Tail.SHIFT_INWARDS if d.tail is Tail.AUTO else d.tail
            answers[f"{prefix}/tail/{nest.loops.variables[d.old]}"] = tail.value


def _answer_order(prefix: str, role: str, loops: list[_Loop], answers: dict[str, Option]) -> None:
    for place, loop in enumerate(loops[:-1]):
        answers[f"{prefix}/order/{role}/{place}"] = loop.variable


def _answer_parallel(prefix: str, grouped: list[list[_Loop]], answers: dict[str, Option]) -> None:
    count = single = 0
    fused = False
    outermost = list(reversed(grouped))
    planes = len(outermost) > 1 and outermost[0][0].kind == SERIAL and outermost[1][0].kind == PARALLEL
    planes = planes and outermost[0][0].extent > 1
    answers[f"{prefix}/planes"] = int(planes)
    for parts in outermost[int(planes) :]:
        if parts[0].kind == PARALLEL:
            count += single + len(parts)
            single, fused = 0, fused or len(parts) > 1
        elif all(one.extent == 1 for one in parts):
            single += len(parts)  # may be called parallel as well, where one further in is
        else:
            break
    answers[f"{prefix}/parallel"] = count
    answers[f"{prefix}/parallel_loops"] = "fused" if fused else "nested"
