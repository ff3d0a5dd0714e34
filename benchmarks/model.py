"""How well the cost model ranks recorded schedules, against a model that sees the directives alone, Adams2019's, and none.

python -m benchmarks.model [--records records] [--least 500] [--speed | --quality] [--json FILE] [--check]

Each pipeline of which there is a large random sample is left out once: ranked by a model of all records of the others
("unseen"), then after 128 of its own schedules, the rest of them ("trained"). The same models rank schedules that Adams2019
made, as its own does (`benchmarks.adams_record` records these). Then how fast schedules are ranked, see
`benchmarks.ranking_speed`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from autosearch.cost_model.model import StageTimeModel
from autosearch.cost_model.prior import shipped_prior
from autosearch.learning import Sample
from benchmarks import adams_ranking
from benchmarks.adams_record import RECORD, read_priced
from benchmarks.bars import Bar, verdict
from benchmarks.directive_features import directive_rows
from benchmarks.ranking import Quality, priors, qualities
from benchmarks.ranking_speed import WORKLOADS, speed
from benchmarks.recorded import BRED, RECORDS, Recorded, read_records

WHOLE, DIRECTIVES = "model", "directives"
"""Who ranks: the cost model, the same on directives alone."""


def main() -> int:
    """Print a row a pipeline, and with --check hold the figures against the bars."""
    arguments = _arguments()
    held: list[Bar] = []
    content: dict[str, Any] = {}
    if not arguments.speed:
        found, unseen = rank(arguments.records, arguments.least)
        print(table(found), flush=True)
        content["quality"] = {who: [one.to_json() for one in rows] for who, rows in found.items()}
        held += bars(found[WHOLE])
        adams = list(adams_ranking.compare(read_priced(arguments.records / RECORD.name), unseen))
        if adams:
            print(adams_ranking.table(adams), flush=True)
        content["adams"] = [one.to_json() for one in adams]
    if not arguments.quality:
        model = shipped_prior()
        if model is None:
            raise SystemExit("the cost model that ships is for other features: run python -m benchmarks.prior")
        for name, count, bar in WORKLOADS:
            one = speed(name, count, model)
            print(one, flush=True)
            content[name] = one.to_json()
            held.append(Bar(f"{name}: schedules ranked a second on one core", one.ranked, bar))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(content, indent=1) + "\n")
    return verdict(held) if arguments.check else 0


def rank(records: Path, least: int) -> tuple[dict[str, list[Quality]], dict[str, StageTimeModel]]:
    """How well each who ranks does on the pipelines recorded, and the cost models of the others that did for each."""
    recorded, bred = read_records(records, least=least), read_records(records / BRED.name)
    found: dict[str, list[Quality]] = {}
    models: dict[str, dict[str, StageTimeModel]] = {}
    for who, of in {WHOLE: Recorded.sample, DIRECTIVES: _by_directives}.items():
        samples = [of(one) for one in recorded]
        models[who] = priors(samples, [of(one) for one in bred])
        found[who] = qualities(samples, models[who])
    return found, models[WHOLE]


def _by_directives(recorded: Recorded) -> Sample:
    """What is known of the schedules where their directives alone are read."""
    timed = recorded.timed
    return Sample(recorded.name, [directive_rows(one) for one, _ in timed], [seconds for _, seconds in timed])


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
    parser.add_argument("--least", type=int, default=500, help="leave out pipelines with fewer schedules that ran")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--speed", action="store_true", help="only how fast")
    only.add_argument("--quality", action="store_true", help="only how well")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument(
        "--check", action="store_true", help="hold the figures against the bars; exit 1 where one falls short"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
