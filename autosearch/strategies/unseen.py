"""What every strategy needs: never to propose the same schedule twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from autosearch.choices import Proposal
from autosearch.errors import InfeasibleError
from autosearch.strategies.base import Result

PATIENCE = 200
"""Draws in a row without anything new before a strategy gives up: the space may hold no more."""


class Unseen:
    """Remembers schedules by digest."""

    def __init__(self) -> None:
        self.measured: set[str] = set()

    def observe(self, results: Sequence[Result]) -> None:
        """Remember what was measured."""
        self.measured.update(result.digest for result in results)

    def collect(
        self, n: int, make: Callable[[], Proposal], besides: Iterable[Proposal] = (), patience: int = PATIENCE
    ) -> list[Proposal]:
        """Up to `n` different, unmeasured proposals out of `make`, none of them among those there are `besides`.

        `patience`: how often in a row `make` may give nothing new.
        """
        known = self.measured | {proposal.schedule.digest for proposal in besides}
        found: list[Proposal] = []
        in_vain = 0
        while len(found) < n and in_vain < patience:
            in_vain += 1
            try:
                proposal = make()
            except InfeasibleError:
                continue
            digest = proposal.schedule.digest
            if digest not in known:
                known.add(digest)
                found.append(proposal)
                in_vain = 0
        return found
