"""The model that a run starts with: trained on recorded runs of other pipelines, shipped with the package.

It is made anew from `records/` by `python -m benchmarks.prior`.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path

from autosearch.cost_model.features import FEATURES
from autosearch.cost_model.model import StageTimeModel
from autosearch.errors import AutoSearchError

_SHIPPED = "prior.ubj"


def save_prior(model: StageTimeModel, path: Path) -> None:
    """Write a fitted model, with the features that it goes by."""
    model.booster_.set_attr(start=json.dumps(model.start_), features=json.dumps(_features()))
    model.booster_.save_model(path)


def load_prior(path: Path) -> StageTimeModel:
    """The inverse of `save_prior`. Raises `AutoSearchError` where the file is no such model or goes by other features."""
    import xgboost  # it takes seconds to import

    booster = xgboost.Booster()
    try:
        booster.load_model(path)
        booster.set_param({"nthread": 1})  # waking threads takes longer than a batch's few rows
        start = float(json.loads(booster.attr("start") or ""))
        features = json.loads(booster.attr("features") or "")
    except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
        raise AutoSearchError(f"{str(path)!r} holds no cost model: {str(error).splitlines()[0]}") from None
    if features != _features():
        raise AutoSearchError(
            f"the cost model in {str(path)!r} goes by other features than this version: train it anew, "
            "with autosearch learn"
        )
    model = StageTimeModel()
    model.booster_, model.start_ = booster, start
    return model


def _features() -> list[str]:
    """What each feature is: one that is defined otherwise is another, whatever its name."""
    return [f"{one.name}: {one.meaning} ({one.unit})" for one in FEATURES]


@cache
def shipped_prior() -> StageTimeModel | None:
    """The model that comes with the package; None where it has none for this version's features."""
    path = Path(str(files("autosearch.cost_model").joinpath(_SHIPPED)))
    if not path.is_file():
        return None
    try:
        return load_prior(path)
    except AutoSearchError:
        return None
