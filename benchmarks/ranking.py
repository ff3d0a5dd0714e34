"""How well a model ranks recorded schedules: of a pipeline that it has never seen, and after some trials of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autosearch.cost_model.model import StageTimeModel
from autosearch.learning import Sample, rank_correlation, train

TRIALS = 128
"""Trials of the pipeline itself that the second figure is taken after; half of the schedules where there are fewer."""
BEST, LOOKED_AT = 0.01, 0.1
"""The share of the schedules that are the best, and the share that is predicted best, which should hold them."""


@dataclass(frozen=True)
class Quality:
    """How a pipeline's schedules are ranked."""

    name: str
    schedules: int
    unseen: float
    """Rank correlation (Spearman) with a model of the other pipelines."""
    unseen_best: float
    """The share of the true best that such a model has among its own best, see `BEST` and `LOOKED_AT`."""
    trained: float
    """The same two after `TRIALS` schedules drawn at random, on the rest."""
    trained_best: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def qualities(samples: Sequence[Sample], seed: int = 0) -> list[Quality]:
    """One pipeline left out after the other."""
    found = []
    for left_out in samples:
        prior = train([one for one in samples if one is not left_out])
        found.append(quality(left_out, prior, seed))
    return found


def quality(sample: Sample, prior: StageTimeModel | None, seed: int = 0) -> Quality:
    """How `prior`, a model of other pipelines, ranks one, before and after some of its schedules are known to it."""
    count = len(sample.seconds)
    order = np.random.default_rng(seed).permutation(count)
    few = min(TRIALS, count // 2)
    known, rest = order[:few], order[few:]
    seconds = np.asarray(sample.seconds)
    model = StageTimeModel(prior=prior, seed=seed).fit([sample.rows[k] for k in known], seconds[known].tolist())
    predicted = model.predict([sample.rows[k] for k in rest])
    before = prior.predict(sample.rows) if prior is not None else np.random.default_rng(seed).random(count)
    return Quality(
        sample.name,
        count,
        rank_correlation(before, sample.seconds),
        best_found(before, seconds),
        rank_correlation(predicted, seconds[rest].tolist()),
        best_found(predicted, seconds[rest]),
    )


def best_found(predicted: np.ndarray, seconds: np.ndarray) -> float:
    """The share of the truly best schedules among those predicted best."""
    best = np.argsort(seconds, kind="stable")[: math.ceil(BEST * len(seconds))]
    looked_at = np.argsort(predicted, kind="stable")[: math.ceil(LOOKED_AT * len(seconds))]
    return float(np.isin(best, looked_at).mean())
