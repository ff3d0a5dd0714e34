"""Statistics of noisy times: robust estimates, and intervals for ratios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

RESOLUTION = 0.01
"""No smaller difference is called one: where the compiler puts the code alone makes as much."""


Row = Sequence[float | None]
"""Samples of one contender, one for each round; None where it sat out, or failed."""


@dataclass(frozen=True)
class Ratio:
    """A ratio of two times with its 95 % confidence interval."""

    value: float
    low: float
    high: float
    wide: tuple[float, float] | None = field(default=None, compare=False, repr=False)
    """Its 99 % interval, where known: many are compared with many, so that to call two different takes more."""

    @property
    def significant(self) -> bool:
        """Whether the 99 % interval excludes 1, and all that is within `RESOLUTION` of it."""
        low, high = self.wide if self.wide is not None else (self.low, self.high)
        return low > 1.0 + RESOLUTION or high < 1.0 / (1.0 + RESOLUTION)

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.2f}x [{self.low:.2f}, {self.high:.2f}]"


def typical(times: Sequence[float]) -> float:
    """The time to quote for one candidate: the median of its samples."""
    return float(np.median(times))


def adjusted(times: Sequence[float], paces: Sequence[float]) -> tuple[float, ...]:
    """Samples as they had been at the machine's usual pace; without `paces` as they are."""
    return tuple(np.divide(times, paces).tolist()) if len(paces) else tuple(times)


def present(row: Row) -> list[float]:
    """The samples of the rounds that a contender took part in."""
    return [sample for sample in row if sample is not None]


def shared_rounds(one: Row, other: Row) -> list[tuple[float, float]]:
    """The samples of both from the rounds that both took part in."""
    return [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]


def relative_times(rows: Sequence[Row]) -> list[float]:
    """How long each of several contenders timed in turn takes, as a multiple of the one with the least median.

    Each is compared with that one in the rounds that both took part in: who sat out some has a median of other rounds, in
    which the machine may have been slower. Infinity for one that has no samples.
    """
    medians = [typical(present(row)) if any(row) else np.inf for row in rows]
    least = min(range(len(rows)), key=medians.__getitem__, default=0)
    found = []
    for row, median in zip(rows, medians, strict=True):
        shared = shared_rounds(row, rows[least])
        found.append(typical([a / b for a, b in shared]) if shared else median / medians[least] if any(row) else np.inf)
    return found


def fastest_of(rows: Sequence[Row]) -> int | None:
    """The place of the fastest of several contenders timed in turn; None where none has samples."""
    relative = relative_times(rows)
    least = min(range(len(rows)), key=relative.__getitem__, default=None)
    return least if least is not None and any(rows[least]) else None


def paired_ratio(slow: Row, fast: Row, seed: int = 0, resamples: int = 2000, confidence: float = 0.95) -> Ratio:
    """The ratio slow / fast of two contenders timed in turn, over the rounds that they shared.

    The value is the median of the pairs' ratios; the interval, of the confidence asked for, is made of the bootstrap's
    percentiles of that median (Efron 1979), over pairs, so that a disturbance which hit both contenders cancels. Needs
    rows of one length and at least one round shared.
    """
    ratios = np.array([a / b for a, b in shared_rounds(slow, fast)])
    if len(ratios) == 1:
        return Ratio(float(ratios[0]), 0.0, float("inf"))
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(ratios), (resamples, len(ratios)))
    medians = np.median(ratios[draws], axis=1)
    share = 50 * (1 - confidence)
    least, low, high, most = np.percentile(medians, [0.5, share, 100 - share, 99.5])
    return Ratio(float(np.median(ratios)), float(low), float(high), (float(least), float(most)))


def unpaired_ratio(slow: Sequence[float], fast: Sequence[float], seed: int = 0, resamples: int = 2000) -> Ratio:
    """The ratio slow / fast of the medians of samples that were not taken in turn; its interval is by bootstrap too."""
    generator = np.random.default_rng(seed)
    a, b = np.asarray(slow, dtype=float), np.asarray(fast, dtype=float)
    above = np.median(a[generator.integers(0, len(a), (resamples, len(a)))], axis=1)
    below = np.median(b[generator.integers(0, len(b), (resamples, len(b)))], axis=1)
    least, low, high, most = np.percentile(above / below, [0.5, 2.5, 97.5, 99.5])
    return Ratio(float(np.median(a) / np.median(b)), float(low), float(high), (float(least), float(most)))


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of positive values."""
    return float(np.exp(np.mean(np.log(np.asarray(values, dtype=float)))))
