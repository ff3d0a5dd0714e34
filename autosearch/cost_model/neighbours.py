"""Which schedules close to the fastest one are still untried.

What all of the fast schedules have in common a model can't tell to be wrong: it has seen nothing else that is as good
otherwise. So some of what is measured differs from the fastest in one thing alone: in where one Func is computed, or in
one decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from autosearch.choices import STYLE, Option, Proposal, Trace
from autosearch.schedule.directives import PLACING, ComputeAt, StoreAt
from autosearch.schedule.schedule import Schedule, Step

FEW, CLOSE = 4, 1.2
"""So many placements have neighbours, and the best one of each style, if their fastest schedules take at most this many times
as long as the fastest of all."""
Places = frozenset[Step]
Decision = tuple[Places, str, Option]
"""A question, answered otherwise than by the fastest schedule of a placement."""


def placement(schedule: Schedule) -> Places:
    """Where all Funcs are computed and stored."""
    return frozenset(step for step in schedule if isinstance(step.directive, PLACING))


def other_decision(trace: Trace, than: Trace) -> tuple[str, Option] | None:
    """The one decision, and its answer, in which a trace differs from another; None where it isn't one.

    Questions that only one of them was asked follow from that decision.
    """
    known = than.by_key
    others = [(key, answer) for key, answer in trace if known.get(key, answer) != answer]
    return others[0] if len(others) == 1 else None


class Near(NamedTuple):
    """A fast schedule that others are close to."""

    where: Places
    one: Proposal
    seconds: float


class Neighbours:
    """Remembers what was tried, and finds what is new and close to the fastest of the best few placements."""

    def __init__(self) -> None:
        self._best: dict[Places, Near] = {}
        """The fastest schedule of each placement."""
        self._decisions: set[Decision] = set()

    @property
    def fastest(self) -> list[Near]:
        """The fastest schedules, each of another placement; the fastest of each style is among them, if it is nearly as fast.

        A style in which a good schedule was found early has many good ones soon; that of another needs as many changes to show
        what it is worth.
        """
        ranked = sorted(self._best.values(), key=lambda near: near.seconds)
        close = [near for near in ranked if near.seconds <= CLOSE * ranked[0].seconds]
        styles: dict[Option | None, Near] = {}
        for near in close:
            styles.setdefault(near.one.trace.by_key.get(STYLE), near)
        return close[:FEW] + [near for near in styles.values() if near not in close[:FEW]]

    def observe(self, measured: Proposal, seconds: float) -> None:
        """Remember a schedule that was measured."""
        near = _near(measured.trace, self.fastest)
        if near is not None:
            self._decisions.add(near[1])
        where = placement(measured.schedule)
        if where not in self._best or seconds < self._best[where].seconds:
            self._best[where] = Near(where, measured, seconds)

    def elsewhere(self, proposals: Sequence[Proposal]) -> dict[int, Near]:
        """The proposals, by place, that compute and store their Funcs where none measured does, and all but one, and what
        follows that one into its loops, where one of the fastest does, which is told; each placement once."""
        known = set(self._best)
        fastest = self.fastest
        found = {}
        for place, one in enumerate(proposals):
            where = placement(one.schedule)
            if where in known:
                continue
            near = next((near for near in fastest if _one_elsewhere(where, near.where)), None)
            if near is not None:
                known.add(where)
                found[place] = near
        return found

    def decided_otherwise(self, proposals: Sequence[Proposal]) -> dict[int, Near]:
        """Those that differ from one of the fastest, which is told, in one decision, answered as it wasn't tried on that
        placement yet; each decision once."""
        fastest = self.fastest
        found: dict[tuple[Places, str], tuple[int, Near]] = {}
        for place, one in enumerate(proposals):
            near = _near(one.trace, fastest)
            if near is not None and near[1] not in self._decisions:
                found.setdefault(near[1][:2], (place, near[0]))
        return dict(found.values())


def _one_elsewhere(where: Places, other: Places) -> bool:
    """Whether one Func has another place, and if others have, then in its loops; one may be inlined instead."""
    moved = {step.stage.func for step in where ^ other}
    hosts = {func: {_host(step) for step in where if step.stage.func == func} for func in moved}
    inlined = sum(not places for places in hosts.values())
    return any(inlined - (not hosts[one]) <= 1 and all(hosts[func] <= {one} for func in moved - {one}) for one in moved)


def _host(step: Step) -> str:
    """The Func in whose loops a directive places another; "" at root."""
    return step.directive.at.func if isinstance(step.directive, (ComputeAt, StoreAt)) else ""


def _near(trace: Trace, fastest: Sequence[Near]) -> tuple[Near, Decision] | None:
    """Which of the fastest a trace differs from in one decision, and that decision."""
    for near in fastest:
        other = other_decision(trace, near.one.trace)
        if other is not None:
            return near, (near.where, *other)
    return None
