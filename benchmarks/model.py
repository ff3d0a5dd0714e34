"""How well the cost model ranks recorded schedules, against a model that sees the directives alone, and against none.

python -m benchmarks.model [--records records] [--least 100] [--json FILE] [--check]

Each pipeline is left out once: ranked by a model of the others ("unseen"), then after 128 of its own schedules, the rest
of them ("trained").
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autosearch.learning import Sample
from benchmarks.bars import Bar, verdict
from benchmarks.directive_features import directive_rows
from benchmarks.ranking import Quality, qualities
from benchmarks.recorded import RECORDS, read_records

WHOLE, DIRECTIVES = "model", "directives"
"""Who ranks: the cost model, the same on directives alone."""


def main() -> int:
    """Print a row a pipeline, and with --check hold the figures against the bars."""
    arguments = _arguments()
    recorded = read_records(arguments.records, arguments.least)
    found = {
        WHOLE: qualities([one.sample() for one in recorded]),
        DIRECTIVES: qualities([
            Sample(one.name, [directive_rows(schedule) for schedule, _ in one.timed], [time for _, time in one.timed])
            for one in recorded
        ]),
    }  # fmt: skip
    print(table(found), flush=True)
    if arguments.json is not None:
        rows = {who: [one.to_json() for one in rows] for who, rows in found.items()}
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    return verdict(bars(found[WHOLE])) if arguments.check else 0


def bars(found: Sequence[Quality]) -> list[Bar]:
    """The figures of the cost model, with their bars."""
    schedules = sum(one.schedules for one in found)
    note = f"{len(found)} pipelines, {schedules} schedules"
    return [
        Bar("median rank correlation, pipeline unseen", float(np.median([one.unseen for one in found])), 0.7, note=note),
        Bar("median rank correlation after 128 trials", float(np.median([one.trained for one in found])), 0.85, note=note),
        Bar("best 1 % in the predicted best 10 %, unseen", float(np.mean([one.unseen_best for one in found])), 0.8),
        Bar("best 1 % in the predicted best 10 %, after 128 trials",
            float(np.mean([one.trained_best for one in found])), 0.8),
        Bar("pipelines", len(found), 12),
        Bar("fewest schedules of a pipeline", min((one.schedules for one in found), default=0), 500),
    ]  # fmt: skip


def table(found: dict[str, list[Quality]]) -> str:
    """One row a pipeline: rank correlations, and shares of the best found, for each who ranks."""
    lines = [
        f"{'':24}{'':>10}" + "".join(f"{who + ': unseen':>20}{'best':>6}{'trained':>9}{'best':>6}" for who in found)
    ]
    lines[0] = lines[0].replace(f"{'':24}{'':>10}", f"{'pipeline':24}{'schedules':>10}", 1)
    for rows in zip(*found.values(), strict=True):
        cells = "".join(
            f"{one.unseen:20.2f}{one.unseen_best:6.0%}{one.trained:9.2f}{one.trained_best:6.0%}" for one in rows
        )
        lines.append(f"{rows[0].name:24}{rows[0].schedules:>10}{cells}")
    middle = "".join(
        f"{np.median([one.unseen for one in rows]):20.2f}{np.mean([one.unseen_best for one in rows]):6.0%}"
        f"{np.median([one.trained for one in rows]):9.2f}{np.mean([one.trained_best for one in rows]):6.0%}"
        for rows in found.values()
    )
    lines.append(f"{'median, mean of best':34}{middle}")
    lines.append("no model: rank correlation 0.00, best 10%")
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.model", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=RECORDS)
    parser.add_argument("--least", type=int, default=100, help="leave out pipelines with fewer schedules that ran")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument(
        "--check", action="store_true", help="hold the figures against the bars; exit 1 where one falls short"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
