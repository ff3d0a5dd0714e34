"""How much better than random search a run was, as a share of what there was to gain.

After F.-J. Willemsen et al., "A methodology for comparing optimization algorithms for auto-tuning" (2024), as in Kernel
Tuner: at any moment (random - strategy) / (random - optimum), where `random` is not run but calculated. 0 is as good as
random search, 1 is the optimum found at once, less than 0 is worse than random search.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from autosearch.errors import LogError
from autosearch.lab.recording import Recording
from autosearch.lab.simulation import BATCH, WORKERS, Floats, Progress, cost

SEARCHED = 0.5
"""Runs end when random search has seen so large a part of the points: little is left to search for then."""
MOMENTS = 50
"""At so many moments of a run, evenly spread, it is scored."""
RESAMPLES = 2000


class RandomSearch:
    """What random search of a recording, no point twice, is expected to have found after so long.

    Of N points in order of their times t_1 <= ... <= t_N, the fastest of k drawn without replacement is t_i with the
    probability C(N - i, k - 1) / C(N, k). Points that failed count as the slowest that didn't.
    """

    def __init__(self, recording: Recording, workers: int = WORKERS) -> None:
        """Raises `LogError` where all points failed or take the same time: nothing can be told of strategies there."""
        times = recording.times()
        if not times or times[0] == times[-1]:
            raise LogError(
                f"the points of {recording.name!r} all failed or take the same time: there is nothing to find"
            )
        self.optimum, self.worst = times[0], times[-1]
        costs = np.array([cost(point, workers) for point in recording.points])
        self.seconds_each = float(costs.mean())
        """Simulated seconds of an evaluation, on average."""
        self._under_way = 0.5 - 0.5 * float(costs.var()) / self.seconds_each**2
        """Of evaluations that take these seconds t / seconds_each less this have ended at t (renewal theory)."""
        padded = np.array(times + [self.worst] * (len(recording.points) - len(times)))
        self.expected = np.concatenate(([self.worst], _expected_minima(padded)))
        """Seconds of the fastest after 0, 1, 2, ... evaluations."""

    def at(self, moments: Floats) -> Floats:
        """Seconds of the fastest expected at some moments (simulated seconds)."""
        ended = np.asarray(moments) / self.seconds_each - self._under_way
        return np.interp(ended, np.arange(len(self.expected)), self.expected)

    def moments(self, evaluations: int) -> Floats:
        """When runs are scored: from the end of the first batch until so many evaluations would be made.

        These are at most half the points.
        """
        last = max(BATCH, min(evaluations, SEARCHED * (len(self.expected) - 1)))
        return np.linspace(BATCH, last, MOMENTS) * self.seconds_each

    def score(self, progress: Progress, moments: Floats) -> Floats:
        """The score of a run at each of some moments."""
        random = self.at(moments)
        return np.asarray((random - np.minimum(progress.at(moments), self.worst)) / (random - self.optimum))


def _expected_minima(times: Floats) -> Floats:
    """The expected minimum of 1, 2, ..., N of these ascending times, drawn without replacement."""
    count = len(times)
    log_factorial = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, count + 1)))))
    after = count - np.arange(1, count + 1)  # points slower than the i-th
    gaps = np.diff(times)
    expected = np.empty(count)
    for k in range(1, count + 1):
        slower = after[:-1]
        room = slower >= k
        # The chance that all of k drawn are slower than the i-th: C(N - i, k) / C(N, k).
        logs = log_factorial[slower[room]] - log_factorial[slower[room] - k]
        logs -= log_factorial[count] - log_factorial[count - k]
        expected[k - 1] = times[0] + float(np.exp(logs) @ gaps[room])
    return expected


@dataclass(frozen=True)
class Score:
    """A strategy's score on one space, or the mean over several, with its 95 % interval over seeds."""

    value: float
    low: float
    high: float
    wide: tuple[float, float] = field(default=(-math.inf, math.inf), repr=False)
    """Its 99 % interval."""

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def bootstrap(samples: list[Floats], seed: int = 0) -> Score:
    """The mean over spaces of the mean over seeds; `samples`: for each space, a score of each seed.

    The interval is made of the bootstrap's percentiles (Efron 1979), over the seeds of each space; the spaces are those
    that there are.
    """
    generator = np.random.default_rng(seed)
    means = np.zeros(RESAMPLES)
    for scores in samples:
        means += scores[generator.integers(0, len(scores), (RESAMPLES, len(scores)))].mean(axis=1)
    least, low, high, most = np.percentile(means / len(samples), [0.5, 2.5, 97.5, 99.5])
    value = float(np.mean([scores.mean() for scores in samples]))
    return Score(value, float(low), float(high), (float(least), float(most)))
