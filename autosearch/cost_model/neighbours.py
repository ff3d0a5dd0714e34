"""Which schedules close to the fastest one are still untried.

What all of the fast schedules have in common a model can't tell to be wrong: it has seen nothing else that is as good
otherwise. So some of what is measured differs from the fastest in one thing alone: in where one Func is computed, or in
one decision.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from autosearch.choices import Option, Proposal, Trace
from autosearch.schedule.directives import PLACING
from autosearch.schedule.schedule import Schedule, Step

Places = frozenset[Step]


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
    """Remembers what was tried, and finds what is new and close to the fastest."""

    def __init__(self) -> None:
        self._placements: set[Places] = set()
        self._decisions: set[tuple[str, Option]] = set()
        """Those that were tried on what was then the fastest."""
        self._seconds = math.inf
        self.fastest = Proposal(Trace(), Schedule())

    def observe(self, measured: Proposal, seconds: float) -> None:
        """Remember a schedule that was measured."""
        self._placements.add(placement(measured.schedule))
        decision = other_decision(measured.trace, self.fastest.trace)
        if decision is not None:
            self._decisions.add(decision)
        if seconds < self._seconds:
            self._seconds, self.fastest = seconds, measured

    def elsewhere(self, proposals: Sequence[Proposal]) -> Iterator[int]:
        """The proposals, by place, that compute and store their Funcs where none measured does, and all but one where
        the fastest does; each placement once."""
        known = set(self._placements)
        fastest = placement(self.fastest.schedule)
        for place, one in enumerate(proposals):
            where = placement(one.schedule)
            if where not in known and len({step.stage.func for step in where ^ fastest}) == 1:
                known.add(where)
                yield place

    def decided_otherwise(self, proposals: Sequence[Proposal]) -> Iterator[int]:
        """Those that differ from the fastest in one decision, answered as it wasn't tried yet; each decision once."""
        asked: set[str] = set()
        for place, one in enumerate(proposals):
            decision = other_decision(one.trace, self.fastest.trace)
            if decision is not None and decision not in self._decisions and decision[0] not in asked:
                asked.add(decision[0])
                yield place
