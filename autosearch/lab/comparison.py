"""Strategies on recorded spaces, many seeds each: who is how good where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autosearch.errors import ArgumentError
from autosearch.lab.recording import Recording
from autosearch.lab.score import RandomSearch, Score, bootstrap
from autosearch.lab.simulation import Floats, simulate
from autosearch.lab.space import RecordedSpace
from autosearch.strategies import STRATEGIES, StrategyFactory

SEEDS = 30
EVALUATIONS = 150
"""Evaluations of random search whose time a run has, at most."""
SLACK = 2
"""A run may make so many times as many, where its schedules are cheap."""
MEAN = "mean"


@dataclass(frozen=True)
class Runs:
    """All runs of one strategy on one space."""

    space: str
    strategy: str
    scores: Floats
    """A row a seed, a column a moment, see `RandomSearch.moments`."""

    @cached_property
    def by_seed(self) -> Floats:
        """Each seed's score: the mean over the moments."""
        return np.asarray(self.scores.mean(axis=1))

    @cached_property
    def score(self) -> Score:
        return bootstrap([self.by_seed])


@dataclass(frozen=True)
class Comparison:
    """The runs of all strategies on all spaces."""

    runs: tuple[Runs, ...]
    seeds: int

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.strategy for one in self.runs))

    @cached_property
    def spaces(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one.space for one in self.runs))

    @cached_property
    def _table(self) -> dict[tuple[str, str], Runs]:
        return {(one.space, one.strategy): one for one in self.runs}

    def of(self, space: str, strategy: str) -> Runs:
        return self._table[space, strategy]

    def mean(self, strategy: str) -> Score:
        """A strategy's score, all spaces alike."""
        return bootstrap([self.of(space, strategy).by_seed for space in self.spaces])

    def curve(self, strategy: str) -> tuple[Floats, Floats, Floats]:
        """The mean score over spaces at each moment, and the ends of its 95 % interval."""
        found = [
            bootstrap([self.of(space, strategy).scores[:, moment] for space in self.spaces])
            for moment in range(self.runs[0].scores.shape[1])
        ]
        value, low, high = zip(*((one.value, one.low, one.high) for one in found), strict=True)
        return np.array(value), np.array(low), np.array(high)

    def difference(self, space: str, one: str, other: str) -> Score:
        """By how much the score of one strategy exceeds that of another on a space."""
        ours, theirs = self.of(space, one).by_seed, self.of(space, other).by_seed
        return bootstrap([ours - theirs])  # the same seeds

    def markdown(self) -> str:
        """A table: a row a space, a column a strategy."""
        rows = [["space", *self.strategies]]
        rows += [[space, *(str(self.of(space, name).score) for name in self.strategies)] for space in self.spaces]
        rows.append([f"**{MEAN}**", *(str(self.mean(name)) for name in self.strategies)])
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])

    def to_json(self) -> dict[str, Any]:
        """For scripts: value and ends of the 95 % interval, by space and strategy."""
        scores = {space: {name: _json(self.of(space, name).score) for name in self.strategies} for space in self.spaces}
        scores[MEAN] = {name: _json(self.mean(name)) for name in self.strategies}
        return {"seeds": self.seeds, "scores": scores}


def compare(
    recordings: Sequence[Recording],
    strategies: Sequence[str] = tuple(STRATEGIES),
    seeds: int = SEEDS,
    evaluations: int = EVALUATIONS,
    jobs: int = 1,
    factories: dict[str, StrategyFactory] | None = None,
) -> Comparison:
    """Replay strategies on recorded spaces. `jobs`: processes; the numbers don't depend on it.

    `factories` are strategies of one's own by name. Raises `ArgumentError` or `LogError`.
    """
    import joblib

    if seeds < 2 or evaluations < 1 or jobs < 1:
        raise ArgumentError("a comparison needs at least two seeds, one evaluation and one process")
    if not recordings or len({one.name for one in recordings}) < len(recordings):
        raise ArgumentError("a comparison needs recorded spaces, each of another name")
    known = {**STRATEGIES, **(factories or {})}
    for name in strategies:
        if name not in known:
            raise ArgumentError(f"there is no strategy {name!r}; choose one of {', '.join(known)}")
    spaces = [(RecordedSpace(one), RandomSearch(one)) for one in recordings]
    tasks = [(space, name, seed) for space in range(len(spaces)) for name in strategies for seed in range(seeds)]
    work = (joblib.delayed(_run)(*spaces[space], known[name], seed, evaluations) for space, name, seed in tasks)
    found = dict(zip(tasks, joblib.Parallel(n_jobs=jobs, batch_size="auto")(work), strict=True))
    return Comparison(
        tuple(
            Runs(recordings[space].name, name, np.array([found[space, name, seed] for seed in range(seeds)]))
            for space in range(len(spaces))
            for name in strategies
        ),
        seeds,
    )


def _run(space: RecordedSpace, random: RandomSearch, strategy: StrategyFactory, seed: int, evaluations: int) -> Floats:
    moments = random.moments(evaluations)
    most = int(SLACK * moments[-1] / random.seconds_each)
    return random.score(simulate(space, strategy, seed, float(moments[-1]), most), moments)


def _json(score: Score) -> list[float]:
    return [round(score.value, 4), round(score.low, 4), round(score.high, 4)]
