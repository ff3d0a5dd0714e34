"""A cost model for the user's own machine: trained on his logs, and used as the prior of later runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autosearch.cost_model.base import Rows
from autosearch.cost_model.batch import Derived, Featurizer
from autosearch.cost_model.model import StageTimeModel
from autosearch.cost_model.prior import save_prior
from autosearch.errors import AutoSearchError, LogError, ScheduleError
from autosearch.machine import Machine, read_target, this_machine
from autosearch.pipeline.stored import restore
from autosearch.records.identity import sizes_digest
from autosearch.records.log import LogContent, read_log
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures

LEAST_SCHEDULES = 32
"""With fewer there is nothing to learn."""


@dataclass(frozen=True)
class Sample:
    """One pipeline's schedules as features, and their seconds."""

    name: str
    rows: list[Rows]
    seconds: list[float]


@dataclass(frozen=True)
class Learned:
    """What came of training."""

    samples: tuple[tuple[str, int], ...]
    """Pipelines, and how many schedules of each."""
    correlations: tuple[float, ...]
    """How well each pipeline's schedules are ranked by a model of the others; none where there is only one."""

    def summary(self) -> str:
        lines = [f"{name}: {count} schedules" for name, count in self.samples]
        if self.correlations:
            lines.append(f"rank correlation with a pipeline left out: median {np.median(self.correlations):.2f}")
        return "\n".join(lines)


def learn(logs: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> Learned:
    """Train a model on all that ran in these logs and write it to `output`, for `tune(..., prior=output)`.

    Raises `LogError` where a log can't be read, or holds too little, or not its pipeline.
    """
    samples = [sample for path in logs for sample in samples_of(read_log(path), str(path))]
    count = sum(len(one.seconds) for one in samples)
    if count < LEAST_SCHEDULES:
        raise LogError(f"the logs hold {count} schedules that ran; a model needs {LEAST_SCHEDULES} at least")
    correlations = []
    for left_out in samples if len(samples) > 1 else ():
        predicted = train([one for one in samples if one is not left_out]).predict(left_out.rows)
        correlations.append(rank_correlation(predicted, left_out.seconds))
    try:
        save_prior(train(samples), Path(output))
    except Exception as error:  # xgboost's own, of many kinds
        raise AutoSearchError(f"can't write {str(output)!r}: {str(error).splitlines()[0]}") from None
    return Learned(tuple((one.name, len(one.seconds)) for one in samples), tuple(correlations))


def train(samples: Sequence[Sample]) -> StageTimeModel:
    """One model of all pipelines."""
    rows = [row for one in samples for row in one.rows]
    seconds = [time for one in samples for time in one.seconds]
    owners = [place for place, one in enumerate(samples) for _ in one.rows]
    # Of many pipelines, schedules have little in common by chance: splits may see most features.
    return StageTimeModel(rounds=250, learning_rate=0.1, features=0.7, focus=0.6).fit(rows, seconds, owners)


def rank_correlation(one: Sequence[float] | np.ndarray, other: Sequence[float]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(np.asarray(values))) for values in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def sample_of(
    name: str, timed: Sequence[tuple[Schedule, float]], derive: Callable[[Schedule], Derived], machine: Machine
) -> Sample:
    """Schedules with their seconds as features; those whose form the loop nest doesn't know are left out."""
    found = Featurizer(derive, machine).attempt([schedule for schedule, _ in timed])
    known = [(rows, time) for rows, (_, time) in zip(found, timed, strict=True) if not isinstance(rows, ScheduleError)]
    return Sample(name, [rows for rows, _ in known], [time for _, time in known])


def samples_of(content: LogContent, path: str) -> list[Sample]:
    """One sample for each pipeline, size, target and machine in a log read from `path`, in the order of measurement.

    Raises `LogError` where it doesn't hold its pipeline.
    """
    samples = []
    for identity in dict.fromkeys(trial.identity for trial in content.trials):
        record = next(
            (
                one
                for one in content.pipelines
                if (one.pipeline, sizes_digest(one.sizes)) == (identity.pipeline, identity.sizes)
            ),
            None,
        )
        if record is None or record.stored is None:
            raise LogError(f"the log {path!r} does not hold its pipeline, so nothing can be learned from it")
        snapshot = restore(record.stored, record.sizes, record.pipeline)
        machine = this_machine(read_target(identity.target))
        trials = content.of(identity).trials
        timed = [(one.schedule, one.seconds) for one in trials if one.ok and one.schedule is not None]
        samples.append(sample_of(record.name, timed, Structures(snapshot).derive, machine))
    return [one for one in samples if one.seconds]
