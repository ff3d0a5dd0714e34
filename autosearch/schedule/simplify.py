"""A schedule with some of its directives left out, and the others changed so that they still make sense.

A split can be left out in two ways: its inner loop is gone (as if it had one iteration), or its outer one is. What was
said of the loop that is gone is left out too; what was said of the other holds for the loop that was to be split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import Enum

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.schedule.directives import (
    STRUCTURAL,
    At,
    ComputeAt,
    ComputeRoot,
    ComputeWith,
    Directive,
    Fuse,
    HoistStorage,
    Parallel,
    Partition,
    Prefetch,
    Reorder,
    Split,
    StoreAt,
    StoreRoot,
    Unroll,
    Vectorize,
)
from autosearch.schedule.loops import stage_loops
from autosearch.schedule.schedule import Schedule, Step


class Omit(Enum):
    """How a directive is left out."""

    WHOLE = "whole"
    INNER = "inner"
    """A split, and its inner loop with it."""
    OUTER = "outer"
    """A split, and its outer loop with it."""


Edit = Mapping[int, Omit]
"""Places in a schedule, and how the directive there is left out."""
_OF_A_LOOP = (Vectorize, Unroll, Parallel, Partition)
_NEEDS_A_LEVEL = (StoreAt, StoreRoot, HoistStorage)


def edits(schedule: Schedule) -> Iterator[Edit]:
    """Every way to leave one directive out, all that shape one stage's loops, or all of one Func."""
    for place, step in enumerate(schedule.steps):
        for omit in (Omit.INNER, Omit.OUTER) if isinstance(step.directive, Split) else (Omit.WHOLE,):
            yield {place: omit}
    shaping: dict[StageKey, list[int]] = {}
    whole: dict[str, list[int]] = {}
    for place, step in enumerate(schedule.steps):
        whole.setdefault(step.stage.func, []).append(place)
        if not step.directive.of_func and not isinstance(step.directive, STRUCTURAL):
            shaping.setdefault(step.stage, []).append(place)
    yield from (dict.fromkeys(places, Omit.WHOLE) for places in shaping.values() if len(places) > 1)
    yield from (dict.fromkeys(places, Omit.WHOLE) for places in whole.values() if len(places) > 1)


def union(several: Iterable[Edit]) -> Edit:
    """All of them at once; where two differ in how a directive is left out, the first decides."""
    together: dict[int, Omit] = {}
    for one in several:
        together = {**one, **together}
    return together


def leave_out(schedule: Schedule, edit: Edit) -> Schedule | None:
    """The schedule after an edit; None where what is left makes no sense."""
    return _Rewriter(edit).run(schedule)


def without_idle(schedule: Schedule, algorithm: Algorithm) -> Schedule:
    """Without each `reorder` that leaves the loops as they were."""
    before: dict[StageKey, list[Directive]] = {}
    steps = []
    for step in schedule:
        own = before.setdefault(step.stage, [])
        if isinstance(step.directive, Reorder) and step.stage.func in algorithm.by_name:
            stage = algorithm.stage(step.stage)
            try:
                if stage_loops(stage, own).order == stage_loops(stage, [*own, step.directive]).order:
                    continue
            except ScheduleError:  # loops that rfactor made: whatever they are, it stays
                pass
        own.append(step.directive)
        steps.append(step)
    return Schedule(tuple(steps))


class _Rewriter:
    """Goes through the steps, and knows what each loop named in the old schedule is called in the new one."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self.loops: dict[StageKey, dict[str, str | None]] = {}
        """Names of loops then and now; None where it is gone. Those not listed keep their names."""
        self.levels: dict[tuple[str, str], str] = {}
        """Loops that are gone, by Func and name, and which one is there instead to compute at."""
        self.gone: set[str] = set()
        """Funcs that are no longer made."""
        self.placed: set[str] = set()
        """Funcs that are computed at a level of their own."""

    def run(self, schedule: Schedule) -> Schedule | None:
        steps: list[Step] = []
        for place, step in enumerate(schedule.steps):
            if step.stage.func in self.gone:
                continue
            omit = self.edit.get(place)
            directive = step.directive
            if omit is not None:
                self.omit(step.stage, directive, omit)
                continue
            try:
                now = self.rewrite(step.stage, directive)
            except LookupError:
                return None
            if now is not None:
                steps.append(Step(step.stage, now))
        return Schedule(tuple(steps))

    def omit(self, stage: StageKey, directive: Directive, how: Omit) -> None:
        """Note what becomes of the loops and Funcs that a directive would have made."""
        if isinstance(directive, Split):
            old = self.now(stage, directive.old)
            kept, gone = (directive.inner, directive.outer) if how is Omit.OUTER else (directive.outer, directive.inner)
            self.rename(stage, gone, None)
            self.rename(stage, kept, old)
            if old is not None:
                self.levels[stage.func, gone] = old
        elif isinstance(directive, Fuse):
            self.rename(stage, directive.fused, self.now(stage, directive.outer))
        elif isinstance(directive, STRUCTURAL):
            self.gone.add(directive.func)

    def now(self, stage: StageKey, name: str) -> str | None:
        return self.loops.get(stage, {}).get(name, name)

    def rename(self, stage: StageKey, then: str, now: str | None) -> None:
        self.loops.setdefault(stage, {})[then] = now

    def rewrite(self, stage: StageKey, directive: Directive) -> Directive | None:
        """The directive in the new schedule, None where it has nothing left to do. Raises `LookupError`."""
        if isinstance(directive, Split):
            old = self.now(stage, directive.old)
            self.rename(stage, directive.outer, directive.outer if old is not None else None)
            self.rename(stage, directive.inner, directive.inner if old is not None else None)
            if old is not None:
                return replace(directive, old=old)
            instead = self.levels.get((stage.func, directive.old))
            if instead is not None:
                self.levels.update({(stage.func, name): instead for name in (directive.outer, directive.inner)})
            return None
        if isinstance(directive, Fuse):
            inner, outer = self.now(stage, directive.inner), self.now(stage, directive.outer)
            if inner is None or outer is None:
                self.rename(stage, directive.fused, inner or outer)
                return None
            self.rename(stage, directive.fused, directive.fused)
            return replace(directive, inner=inner, outer=outer)
        if isinstance(directive, Reorder):
            names = dict.fromkeys(name for one in directive.loops if (name := self.now(stage, one)) is not None)
            return replace(directive, loops=tuple(names)) if len(names) > 1 else None
        if isinstance(directive, _OF_A_LOOP):
            name = self.now(stage, directive.loop)
            return None if name is None else replace(directive, loop=name)
        if isinstance(directive, Prefetch):
            at, source = self.now(stage, directive.at), self.now(stage, directive.source)
            return None if at is None or source is None else replace(directive, at=at, source=source)
        if isinstance(directive, (ComputeAt, ComputeRoot)):
            self.placed.add(stage.func)
        if isinstance(directive, _NEEDS_A_LEVEL) and stage.func not in self.placed:
            return None
        if isinstance(directive, (ComputeAt, StoreAt, HoistStorage, ComputeWith)):
            return replace(directive, at=self.level(directive.at))
        return directive

    def level(self, at: At) -> At:
        if at.func in self.gone:
            raise LookupError(at.func)
        for stage, names in self.loops.items():
            if stage.func == at.func and at.var in names:
                now = names[at.var]
                return At(at.func, now if now is not None else self.levels[at.func, at.var])
        return at
