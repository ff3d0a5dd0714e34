"""The kernels that tell the machine's pace: their times are known, and they take turns with every batch.

The likelier a kernel is to feel what the candidates feel, the better it tells. So as faster schedules are found, they
take the place of the baselines that the run starts with. A newcomer's time is taken from batches after the one in which
it came first: there, luck had a part in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.measure.protocol import Built, Candidate, Runner
from autosearch.measure.statistics import typical
from autosearch.measure.turns import Anchor

MOST = 2
FASTER = 0.85
"""A candidate this much faster than all anchors is to become one."""
PROBATION = 4
"""Times taken of a newcomer before it is an anchor."""


class Anchors:
    """The anchors in every process of a runner, for a process has a pace of its own."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._known: list[tuple[float, list[Built]]] = []
        """Seconds, and the kernel in each place; the newest last."""
        self._newcomer: list[Built] = []
        self._times: list[float] = []

    def add(self, candidate: Candidate, seconds: float) -> None:
        """An anchor whose time is known; the oldest makes room for it."""
        self._admit(self._build(candidate), seconds)

    def at(self, place: int) -> list[Anchor]:
        """Those in one process."""
        return [Anchor(built[place], seconds) for seconds, built in self._known]

    def newcomer(self, place: int) -> list[Built]:
        """The kernel in one process that takes turns with the others until its time is known, if there is one."""
        return self._newcomer[place : place + 1]

    def observe(self, seconds: Sequence[float]) -> None:
        """Times of the newcomer, at the usual pace."""
        self._times += seconds
        if len(self._times) >= PROBATION:
            self._admit(self._newcomer, typical(self._times))
            self._newcomer, self._times = [], []

    def consider(self, candidate: Candidate, seconds: float) -> None:
        """Take the fastest candidate of a batch on probation, where it is much faster than all anchors."""
        if self._known and not self._newcomer and seconds < FASTER * min(known for known, _ in self._known):
            self._newcomer = self._build(candidate)

    def _build(self, candidate: Candidate) -> list[Built]:
        built = [self._runner.build([candidate], place)[0] for place in range(self._runner.places)]
        return built if all(one.handle is not None for one in built) else []

    def _admit(self, built: list[Built], seconds: float) -> None:
        if built:
            self._known.append((seconds, built))
        if len(self._known) > MOST:
            _, oldest = self._known.pop(0)
            self._runner.release(oldest)
