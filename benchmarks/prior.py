"""Trains the cost model that ships with the package on the logs in `records/`, and says how well it ranks.

python -m benchmarks.prior [--records records] [--dry]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import halide as hl
import numpy as np

from autosearch.cost_model.prior import save_prior
from autosearch.learning import Sample, rank_correlation, sample_of, train
from autosearch.machine import this_machine
from autosearch.pipeline.snapshot import take
from autosearch.records.log import read_log
from autosearch.schedule.structure import Structures
from benchmarks.pipelines import load

SHIPPED = Path(__file__).parents[1] / "autosearch" / "cost_model" / "prior.ubj"


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
        correlations.append(rank_correlation(predicted, left_out.seconds))
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


def read_records(path: Path) -> Sample:
    """The schedules of one log that ran, as features."""
    name = path.name.removesuffix(".jsonl.gz")
    target = hl.get_host_target()
    structures, machine = Structures(take(load(name).pipeline, target)), this_machine(target)
    timed = [(one.schedule, one.seconds) for one in read_log(path).trials if one.ok and one.schedule is not None]
    return sample_of(name, timed, structures.nest, machine)


if __name__ == "__main__":
    sys.exit(main())
