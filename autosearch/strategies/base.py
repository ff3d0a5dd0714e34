"""What a search strategy is: it proposes schedules and learns from what they measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from autosearch.choices import Proposal, Trace


@dataclass(frozen=True)
class Result:
    """What became of a proposal: its time, or None where it failed."""

    trace: Trace
    digest: str
    """Of the schedule."""
    seconds: float | None


Predict = Callable[[Sequence[Proposal]], Sequence[float]]
"""A cheap guess at the seconds of schedules, from a cost model."""


class Strategy(Protocol):
    """Proposes schedules of a space; learns from what they measured. Deterministic, given its seed and the results."""

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """Up to `n` schedules worth measuring, all different, none measured before; fewer where it finds no more.

        `predict`, where there is a model, may guide it.
        """
        ...

    def observe(self, results: Sequence[Result]) -> None:
        """Learn from measurements, its own proposals' or others'."""
        ...
