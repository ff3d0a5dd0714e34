"""What every strategy needs: never to propose the same schedule twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from autosearch.choices import Proposal
from autosearch.errors import InfeasibleError
from autosearch.strategies.base import Result

_TRIES = 20
"""Draws for each proposal wanted before a strategy gives up: the space may hold no more."""


class Unseen:
    """Remembers schedules by digest."""

    def __init__(self) -> None:
        self.measured: set[str] = set()

    def observe(self, results: Sequence[Result]) -> None:
        """Remember what was measured."""
        self.measured.update(result.digest for result in results)

    def collect(
        self, n: int, make: Callable[[], Proposal], besides: Iterable[Proposal] = (), tries: int = _TRIES
    ) -> list[Proposal]:
        """Up to `n` different, unmeasured proposals out of `make`, none of them among those there are `besides`.

        `make` is called `tries` times for each at most.
        """
        known = self.measured | {proposal.schedule.digest for proposal in besides}
        found: dict[str, Proposal] = {}
        for _ in range(n * tries):
            if len(found) == n:
                break
            try:
                proposal = make()
            except InfeasibleError:
                continue
            if proposal.schedule.digest not in known:
                found.setdefault(proposal.schedule.digest, proposal)
        return list(found.values())
