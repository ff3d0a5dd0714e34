"""Which schedules close to the fastest one are still untried.

What all of the fast schedules have in common a model can't tell to be wrong: it has seen nothing else that is as good
otherwise. So some of what is measured differs from the fastest in one thing alone: in where one Func is computed, or in
one decision.
"""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.choices import Option, Proposal, Trace
from autosearch.schedule.directives import PLACING, ComputeAt, StoreAt
from autosearch.schedule.schedule import Schedule, Step

FEW, CLOSE = 4, 1.2
"""So many placements have neighbours, if their fastest schedules take at most this many times as long as the fastest."""
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


class Neighbours:
    """Remembers what was tried, and finds what is new and close to the fastest of the best few placements."""

    def __init__(self) -> None:
        self._best: dict[Places, tuple[float, Proposal]] = {}
        """The fastest schedule of each placement, with its seconds."""
        self._decisions: set[Decision] = set()

    @property
    def fastest(self) -> list[tuple[Places, Proposal]]:
        """The fastest schedules, each of another placement."""
        ranked = sorted(self._best.items(), key=lambda item: item[1][0])[:FEW]
        return [(where, one) for where, (seconds, one) in ranked if seconds <= CLOSE * ranked[0][1][0]]

    def observe(self, measured: Proposal, seconds: float) -> None:
        """Remember a schedule that was measured."""
        decision = _decision(measured.trace, self.fastest)
        if decision is not None:
            self._decisions.add(decision)
        where = placement(measured.schedule)
        if where not in self._best or seconds < self._best[where][0]:
            self._best[where] = seconds, measured

    def elsewhere(self, proposals: Sequence[Proposal]) -> list[int]:
        """The proposals, by place, that compute and store their Funcs where none measured does, and all but one, and what
        follows that one into its loops, where one of the fastest does; each placement once."""
        known = set(self._best)
        fastest = [where for where, _ in self.fastest]
        found = []
        for place, one in enumerate(proposals):
            where = placement(one.schedule)
            if where not in known and any(_one_elsewhere(where, other) for other in fastest):
                known.add(where)
                found.append(place)
        return found

    def decided_otherwise(self, proposals: Sequence[Proposal]) -> list[int]:
        """Those that differ from one of the fastest in one decision, answered as it wasn't tried on that placement yet;
        each decision once."""
        fastest = self.fastest
        found: dict[tuple[Places, str], int] = {}
        for place, one in enumerate(proposals):
            decision = _decision(one.trace, fastest)
            if decision is not None and decision not in self._decisions:
                found.setdefault(decision[:2], place)
        return list(found.values())


def _one_elsewhere(where: Places, other: Places) -> bool:
    """Whether one Func has another place, and if others have, then in its loops."""
    moved = {step.stage.func for step in where ^ other}
    hosts = {func: {_host(step) for step in where if step.stage.func == func} for func in moved}
    return any(all(hosts[func] == {one} for func in moved - {one}) for one in moved)


def _host(step: Step) -> str:
    """The Func in whose loops a directive places another; "" at root."""
    return step.directive.at.func if isinstance(step.directive, (ComputeAt, StoreAt)) else ""


def _decision(trace: Trace, fastest: Sequence[tuple[Places, Proposal]]) -> Decision | None:
    """The one decision in which a trace differs from one of the fastest."""
    for where, than in fastest:
        other = other_decision(trace, than.trace)
        if other is not None:
            return where, *other
    return None
