"""Trains the cost model that ships with the package on the logs in `records/`, and says how well it ranks.

python -m benchmarks.prior [--records records] [--dry]
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import halide as hl
import numpy as np
import pandas as pd

from autosearch.cost_model.features import featurize
from autosearch.cost_model.model import Rows, StageTimeModel
from autosearch.cost_model.prior import save_prior
from autosearch.errors import ScheduleError
from autosearch.machine import this_machine
from autosearch.pipeline.snapshot import take
from autosearch.records.log import read_log
from autosearch.schedule.structure import Structures
from benchmarks.pipelines import load

SHIPPED = Path(__file__).parents[1] / "autosearch" / "cost_model" / "prior.ubj"


@dataclass(frozen=True)
class Recorded:
    """One pipeline's schedules as features, and their seconds."""

    name: str
    rows: list[Rows]
    seconds: list[float]


def main() -> int:
    """Leave one pipeline out at a time, print how the model ranks it; then train on all and write the model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prior", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=Path("records"))
    parser.add_argument("--dry", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    recorded = [read_records(path) for path in sorted(arguments.records.glob("*.jsonl.gz"))]
    correlations = []
    for left_out in recorded:
        model = train([one for one in recorded if one is not left_out])
        predicted = model.predict(left_out.rows)
        correlations.append(pd.Series(predicted).corr(pd.Series(left_out.seconds), method="spearman"))
        regret = np.asarray(left_out.seconds)[np.argsort(predicted)[:8]].min() / min(left_out.seconds)
        print(
            f"{left_out.name:24} {len(left_out.seconds):5} schedules, rank correlation {correlations[-1]:5.2f}, "
            f"best of the predicted first 8 is {regret:.2f}x the best",
            flush=True,
        )
    print(f"median rank correlation {np.median(correlations):.2f}")
    if not arguments.dry:
        save_prior(train(recorded), SHIPPED)
        print(f"wrote {SHIPPED.name}, {SHIPPED.stat().st_size / 1024:.0f} KiB")
    return 0


def read_records(path: Path) -> Recorded:
    """The schedules of one log that ran, as features."""
    name = path.name.removesuffix(".jsonl.gz")
    target = hl.get_host_target()
    structures, machine = Structures(take(load(name).pipeline, target)), this_machine(target)
    rows, seconds = [], []
    for trial in read_log(path).trials:
        if trial.ok and trial.schedule is not None:
            try:
                rows.append(featurize(structures.nest(trial.schedule), machine))
            except ScheduleError:
                continue  # an autoscheduler's, of a form that the loop nest doesn't know
            seconds.append(trial.seconds)
    return Recorded(name, rows, seconds)


def train(recorded: list[Recorded]) -> StageTimeModel:
    """One model of all pipelines."""
    rows = [row for one in recorded for row in one.rows]
    seconds = [time for one in recorded for time in one.seconds]
    owners = [place for place, one in enumerate(recorded) for _ in one.rows]
    return StageTimeModel(rounds=250, depth=6, learning_rate=0.1, focus=0.3, threads=2).fit(rows, seconds, owners)


if __name__ == "__main__":
    sys.exit(main())
