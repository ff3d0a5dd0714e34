"""A schedule as a person would write it: `vectorize(x, 8)` for a split and what is said of its inner loop.

Two steps. `renamed` lets the outer loop of a split keep the name of the loop that was split, as Halide's short calls do;
the schedule stays a list of directives like any other. `abbreviated` then joins directives into short calls, for
printing and counting only. Both leave the lowered statement as it is, the names of loops aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import (
    Argument,
    At,
    ComputeAt,
    ComputeWith,
    Directive,
    Fuse,
    HoistStorage,
    Loop,
    Parallel,
    Partition,
    Prefetch,
    Reorder,
    RFactor,
    Specialize,
    Split,
    StoreAt,
    Tail,
    Unroll,
    Vectorize,
)
from autosearch.schedule.schedule import Schedule, Step

_MARKS = (Vectorize, Unroll, Parallel)


@dataclass(frozen=True)
class Short(Directive):
    """`vectorize(x, 8)`, `unroll(x, 4)` or `parallel(y, 16)`: a split of a loop whose outer part keeps its name."""

    name: str
    loop: str
    factor: int
    tail: Tail

    @property
    def method(self) -> str:  # type: ignore[override]  # one class for three methods
        return self.name

    def arguments(self) -> tuple[Argument, ...]:
        """See `Directive.arguments`."""
        tail = () if self.tail is Tail.AUTO else (self.tail,)
        return (Loop(self.loop), self.factor, *tail)


@dataclass(frozen=True)
class Tile(Directive):
    """`tile(x, y, xi, yi, 8, 4)`: two splits and the reorder that puts their inner loops inside."""

    method = "tile"
    loops: tuple[str, str, str, str]
    """Outer x and y, inner x and y."""
    factors: tuple[int, int]
    tail: Tail

    def arguments(self) -> tuple[Argument, ...]:
        """See `Directive.arguments`."""
        tail = () if self.tail is Tail.AUTO else (self.tail,)
        return (*map(Loop, self.loops), *self.factors, *tail)


def renamed(schedule: Schedule) -> Schedule:
    """The schedule whose splits keep the name of what they split for their outer loop, where that is clear.

    It isn't where `rfactor` takes loops over into a new Func, nor where another Func is computed at a loop of one that
    has several stages, in which the name would be found twice.
    """
    renamer = _Renamer(schedule)
    return Schedule(tuple(Step(step.stage, renamer.rewrite(step)) for step in schedule))


class _Renamer:
    """Knows what each loop is called now."""

    def __init__(self, schedule: Schedule) -> None:
        levels = {at.func for step in schedule if (at := _level(step.directive)) is not None}
        several = {step.stage.func for step in schedule if step.stage.index} & levels
        factored = {step.stage for step in schedule if isinstance(step.directive, RFactor)}
        self.fixed = {step.stage for step in schedule if step.stage.func in several} | factored
        self.loops: dict[tuple[StageKey, str], str] = {}
        self.levels: dict[tuple[str, str], str] = {}

    def rewrite(self, step: Step) -> Directive:
        stage, directive = step.stage, step.directive
        if stage not in self.fixed:
            if isinstance(directive, Split):
                return self.split(stage, directive)
            if isinstance(directive, Reorder):
                directive = replace(directive, loops=tuple(self.now(stage, name) for name in directive.loops))
            elif isinstance(directive, Fuse):
                inner, outer = self.now(stage, directive.inner), self.now(stage, directive.outer)
                directive = replace(directive, inner=inner, outer=outer)
            elif isinstance(directive, Prefetch):
                at, source = self.now(stage, directive.at), self.now(stage, directive.source)
                directive = replace(directive, at=at, source=source)
            elif isinstance(directive, (*_MARKS, Partition)):
                directive = replace(directive, loop=self.now(stage, directive.loop))
        if isinstance(directive, (ComputeAt, StoreAt, HoistStorage, ComputeWith)):
            level = directive.at
            directive = replace(directive, at=At(level.func, self.levels.get((level.func, level.var), level.var)))
        return directive

    def split(self, stage: StageKey, directive: Split) -> Split:
        old = self.now(stage, directive.old)
        outer = old if directive.inner != old else directive.outer
        for then, now in ((directive.outer, outer), (directive.inner, directive.inner)):
            self.loops[stage, then] = self.levels[stage.func, then] = now
        return replace(directive, old=old, outer=outer)

    def now(self, stage: StageKey, name: str) -> str:
        return self.loops.get((stage, name), name)


def _level(directive: Directive) -> At | None:
    return directive.at if isinstance(directive, (ComputeAt, StoreAt, HoistStorage, ComputeWith)) else None


def abbreviated(schedule: Schedule) -> Schedule:
    """The schedule in its short calls, see `calls`."""
    return Schedule(tuple(call.step for call in calls(schedule)))


def length(schedule: Schedule) -> int:
    """How many calls it takes to write a schedule down."""
    return len(calls(schedule))


@dataclass(frozen=True)
class Call:
    """One call as it is written, and the places of the directives that it stands for."""

    step: Step
    places: tuple[int, ...]


def calls(schedule: Schedule) -> list[Call]:
    """The calls that a schedule is written in: short ones for two splits that make a tile, and for a split of which nothing
    but one directive on its inner loop, or on its outer, follows."""
    return _marked(_tiled([Call(step, (place,)) for place, step in enumerate(schedule.steps)]))


def _tiled(given: list[Call]) -> list[Call]:
    found: list[Call | None] = list(given)
    for end, call in enumerate(given):
        stage, reorder = call.step.stage, call.step.directive
        if not isinstance(reorder, Reorder) or len(reorder.loops) != 4:
            continue
        xi, yi, x, y = reorder.loops
        own = [place for place in range(end) if given[place].step.stage == stage]
        about = [place for place in own if {xi, yi, x, y} & set(loops_of(given[place].step.directive))][-2:]
        splits = [one for place in about if isinstance(one := given[place].step.directive, Split)]
        if len(splits) == 2:
            first, second = splits if splits[0].inner == xi else splits[::-1]
            made = [(one.inner, one.outer, one.old) for one in (first, second)]
            if made == [(xi, x, x), (yi, y, y)] and first.tail is second.tail and not _told_apart(given, stage, x, y):
                tile = Tile((x, y, xi, yi), (first.factor, second.factor), first.tail)
                places = (*given[about[0]].places, *given[about[1]].places, *call.places)
                found[end] = Call(Step(stage, tile), places)
                for place in about:
                    found[place] = None
    return [one for one in found if one is not None]


def _told_apart(given: list[Call], stage: StageKey, x: str, y: str) -> bool:
    """Whether a version of the stage has another tail for one of two loops alone."""
    versions = [one.step.directive for one in given if one.step.stage == stage]
    return any((x in one.dims) != (y in one.dims) for one in versions if isinstance(one, Specialize))


def _marked(given: list[Call]) -> list[Call]:
    mentions = Counter(_mentions(given))
    marks: dict[tuple[StageKey, str], int] = {}
    last: dict[tuple[StageKey, str], int] = {}
    for place, call in enumerate(given):
        directive = call.step.directive
        if isinstance(directive, _MARKS):
            marks[call.step.stage, directive.loop] = place
        elif isinstance(directive, Split):
            last[call.step.stage, directive.outer] = place
    found: list[Call | None] = list(given)
    for place, call in enumerate(given):
        stage, split = call.step.stage, call.step.directive
        if not isinstance(split, Split) or split.outer != split.old:
            continue
        inner = mentions[stage, split.inner] + mentions[stage.func, split.inner]
        inside, outside = marks.get((stage, split.inner)), marks.get((stage, split.outer))
        mark = None
        if inside is not None and inner == 2 and not isinstance(given[inside].step.directive, Parallel):
            mark = inside
        elif outside is not None and inner == 1 and last[stage, split.outer] == place:
            mark = outside if isinstance(given[outside].step.directive, Parallel) else None
        if mark is not None and found[mark] is not None:
            short = Short(given[mark].step.directive.method, split.old, split.factor, split.tail)
            found[place] = Call(Step(stage, short), (*call.places, *given[mark].places))
            found[mark] = None
    return [one for one in found if one is not None]


def _mentions(given: Iterable[Call]) -> Iterator[tuple[StageKey | str, str]]:
    """Each mention of a loop: by the stage that it is of, or by the Func at whose loop something is done."""
    for call in given:
        for name in loops_of(call.step.directive):
            yield call.step.stage, name
        for argument in call.step.directive.arguments():
            if isinstance(argument, At):
                yield argument.func, argument.var


def loops_of(directive: Directive) -> Iterator[str]:
    """The loops of its own stage that a directive mentions."""
    for argument in directive.arguments():
        for one in argument if isinstance(argument, tuple) else (argument,):
            if isinstance(one, Loop):
                yield one.name
