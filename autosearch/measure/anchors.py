"""The kernels that tell the machine's pace: their times are known, and they take turns with every batch.

The base, a baseline, sets the scale: it takes turns to the end, and what else is known is known as a multiple of its
time. But the likelier a kernel is to feel what the candidates feel, the better it tells the pace of a moment. So the
guide is one of the fast schedules found, and its multiple the median over all batches since it came. (Were each guide's
time known from the guide before it, errors would add up: lucky times make guides.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from autosearch.measure.protocol import Built, Candidate, Runner
from autosearch.measure.turns import Turns

FASTER = 0.85
"""A candidate this much faster than the guide is tried as the next one."""
PROBATION = 4
"""Times taken of a newcomer before it is decided whether it is the next guide."""


@dataclass
class _Member:
    built: list[Built]
    """In each process: each has a pace of its own."""
    ratios: list[float] = field(default_factory=list)
    """Logarithms of its time over the base's, of every batch and process."""


class Anchors:
    """A base, a guide once there is one, and a newcomer at times."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._seconds = 0.0
        self._base: _Member | None = None
        self._guide: _Member | None = None
        self._newcomer: _Member | None = None

    def set_base(self, candidate: Candidate, seconds: float) -> None:
        """The kernel that sets the scale, and its time."""
        self._base, self._seconds = self._build(candidate), seconds

    def at(self, place: int) -> list[tuple[Built, float | None]]:
        """The kernels in one process that take turns with all others; with its seconds the one that tells the pace."""
        if self._base is None:
            return []
        known = [self._seconds if self._guide is None else None, self._known(self._guide), None]
        members = (self._base, self._guide, self._newcomer)
        return [(one.built[place], seconds) for one, seconds in zip(members, known, strict=True) if one is not None]

    def observe(self, turns: Sequence[Turns]) -> None:
        """What the turns of those in one process gave, in the order of `at`."""
        others = [one for one in (self._guide, self._newcomer) if one is not None]
        for member, turn in zip(others, turns[1:], strict=True):
            if turn.timed.times and len(turn.timed.times) == len(turns[0].timed.times):
                pairs = zip(turn.timed.times, turns[0].timed.times, strict=True)
                member.ratios.append(median(math.log(own / base) for own, base in pairs))

    def consider(self, candidate: Candidate, seconds: float) -> None:
        """After a batch: whether the newcomer is the next guide, or the batch's fastest candidate might be."""
        if self._base is None:
            return
        usual = self._known(self._guide) or self._seconds
        if self._newcomer is None:
            if seconds < FASTER * usual:
                self._newcomer = self._build(candidate)
        elif len(self._newcomer.ratios) >= PROBATION:
            faster = (self._known(self._newcomer) or usual) < usual
            leaves = self._guide if faster else self._newcomer
            if faster:
                self._guide = self._newcomer
            self._newcomer = None
            if leaves is not None:
                self._runner.release(leaves.built)

    def _known(self, member: _Member | None) -> float | None:
        """Seconds of a kernel at the base's usual pace."""
        return None if member is None or not member.ratios else self._seconds * math.exp(median(member.ratios))

    def _build(self, candidate: Candidate) -> _Member | None:
        places = range(self._runner.places)
        built = self._runner.build([candidate] * len(places), places)
        return _Member(built) if all(one.handle is not None for one in built) else None
