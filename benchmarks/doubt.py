"""How far the time that a search's model says a schedule saves is from what it saves, by how much of it differs.

python -m benchmarks.doubt LOG...      logs of searches, such as those that `benchmarks.suite` leaves

What each batch's schedules were said to save on the fastest before them, by a model of what was measured before, is held
against what they saved. `autosearch.cost_model.improvement` takes the deviation to grow with the time of what differs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from autosearch.cost_model.improvement import deviation, difference, stage_seconds, stages_of
from autosearch.cost_model.model import StageTimeModel
from autosearch.cost_model.prior import shipped_prior
from autosearch.learning import Sample, samples_of
from autosearch.records.log import read_log

FIRST, BATCH = 24, 8
ENDS = (0.0, 0.02, 0.1, 0.3, 0.7, 1.2, 9.0)
"""Between these the time of the stages that differ, as part of the fastest's."""
FAR = 1.0
"""What takes longer than the fastest by more than its time isn't counted: nobody would call it close."""


def main() -> int:
    """Print a row for each part of the time that differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", metavar="LOG", type=Path, nargs="+")
    logs = parser.parse_args().logs
    found = np.array([row for log in logs for sample in samples_of(read_log(log), str(log)) for row in errors(sample)])
    print(f"{len(logs)} logs")
    print(f"{'differs':>12} {'schedules':>10} {'deviation':>10} {'mean':>7} {'assumed':>8}")
    for low, high in pairwise(ENDS):
        own = found[(found[:, 0] >= low) & (found[:, 0] < high)] if len(found) else found
        if len(own) > 1:
            assumed = deviation(float(np.median(own[:, 0])))
            print(f"{low:5.2f}-{high:5.2f} {len(own):11} {own[:, 1].std():10.3f} {own[:, 1].mean():7.3f} {assumed:8.3f}")
    return 0


def errors(sample: Sample) -> Iterator[tuple[float, float]]:
    """For each schedule the time that differs from the fastest before its batch, and what it took more than foretold."""
    for count in range(FIRST, len(sample.seconds), BATCH):
        model = StageTimeModel(prior=shipped_prior()).fit(sample.rows[:count], sample.seconds[:count])
        fastest = int(np.argmin(sample.seconds[:count]))
        batch = range(count, min(count + BATCH, len(sample.seconds)))
        seconds = stage_seconds(model, [sample.rows[one] for one in (fastest, *batch)])
        for one in batch:
            said = difference(stages_of(sample.rows[one]), stages_of(sample.rows[fastest]), seconds)
            slower = sample.seconds[one] / sample.seconds[fastest] - 1.0
            if slower < FAR:
                yield said.differing, slower + said.saved


if __name__ == "__main__":
    sys.exit(main())
