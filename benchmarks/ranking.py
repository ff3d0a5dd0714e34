"""How well a model ranks recorded schedules: of a pipeline that it has never seen, and after some trials of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autosearch.cost_model.model import StageTimeModel
from autosearch.learning import Sample, rank_correlation, train

TRIALS = 128
"""Trials of the pipeline itself that the second figure is taken after; half of the schedules where there are fewer."""
DRAWS = 3
"""So many times other ones are drawn: the second figure is the mean."""
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


def priors(samples: Sequence[Sample], others: Sequence[Sample] = ()) -> dict[str, StageTimeModel]:
    """For each pipeline a model of all others; `others` only help to rank, and may be of the same pipelines."""
    every = (*samples, *others)
    return {sample.name: train([one for one in every if one.name != sample.name]) for sample in samples}


def qualities(samples: Sequence[Sample], unseen: Mapping[str, StageTimeModel], seed: int = 0) -> list[Quality]:
    """How each pipeline is ranked by its model in `unseen`."""
    return [quality(one, unseen[one.name], seed) for one in samples]


def quality(sample: Sample, prior: StageTimeModel, seed: int = 0) -> Quality:
    """How `prior`, a model of other pipelines, ranks one, before and after some of its schedules are known to it."""
    seconds = np.asarray(sample.seconds)
    before = prior.predict(sample.rows)
    after = [_trained(sample, prior, seed + draw) for draw in range(DRAWS)]
    trained, trained_best = (float(np.mean(values)) for values in zip(*after, strict=True))
    unseen = rank_correlation(before, sample.seconds)
    return Quality(sample.name, len(seconds), unseen, best_found(before, seconds), trained, trained_best)


def _trained(sample: Sample, prior: StageTimeModel, seed: int) -> tuple[float, float]:
    """Rank correlation, and share of the best found, after some schedules drawn at random, on the rest."""
    seconds = np.asarray(sample.seconds)
    order = np.random.default_rng(seed).permutation(len(seconds))
    known, rest = np.split(order, [min(TRIALS, len(order) // 2)])
    model = StageTimeModel(prior=prior, seed=seed).fit([sample.rows[k] for k in known], seconds[known].tolist())
    predicted = model.predict([sample.rows[k] for k in rest])
    return rank_correlation(predicted, seconds[rest].tolist()), best_found(predicted, seconds[rest])


def best_found(predicted: np.ndarray, seconds: np.ndarray) -> float:
    """The share of the truly best schedules among those predicted best."""
    best = np.argsort(seconds, kind="stable")[: math.ceil(BEST * len(seconds))]
    looked_at = np.argsort(predicted, kind="stable")[: math.ceil(LOOKED_AT * len(seconds))]
    return float(np.isin(best, looked_at).mean())
