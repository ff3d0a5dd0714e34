"""Trains the cost model that ships with the package on the logs in `records/`, and says how well it ranks.

python -m benchmarks.prior [--records records,records/bred] [--dry]

It never sees the pipelines that `benchmarks.compare` compares on: there they stand for those of users.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from autosearch.cost_model.prior import save_prior
from autosearch.learning import rank_correlation, train
from benchmarks.pipelines import CORE
from benchmarks.recorded import BRED, RECORDS, read_records

SHIPPED = Path(__file__).parents[1] / "autosearch" / "cost_model" / "prior.ubj"


def main() -> int:
    """Leave one pipeline out at a time, print how the model ranks it; then train on all and write the model."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prior", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--records", type=lambda text: [Path(one) for one in text.split(",")], default=[RECORDS, BRED], help="folders"
    )
    parser.add_argument("--dry", action="store_true", help="write nothing")
    arguments = parser.parse_args()
    recorded = [one.sample() for one in read_records(*arguments.records) if one.name not in CORE]
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


if __name__ == "__main__":
    sys.exit(main())
