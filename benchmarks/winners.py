"""How often is each schedule primitive in a winner?

python -m benchmarks.winners LOG [LOG ...] [--suite RESULTS.json]

A log's winner is the fastest of its trials that isn't a baseline; a suite's results hold their winners.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from autosearch.records.log import read_log
from autosearch.schedule.directives import DIRECTIVES
from autosearch.schedule.schedule import Schedule


def main() -> int:
    """Print a table: each primitive, in how many winners it is, and how often in all."""
    arguments = _arguments()
    winners = [one for path in arguments.logs for one in winners_of_log(path)]
    for path in arguments.suite:
        winners += winners_of_suite(json.loads(path.read_text()))
    print(table(winners))
    return 0


def winners_of_log(path: Path) -> Iterator[Schedule]:
    """The fastest schedule found of each pipeline that the log holds."""
    best: dict[object, Any] = {}
    for record in read_log(path).trials:
        if record.ok and not record.baseline and record.schedule is not None:
            known = best.get(record.identity)
            if known is None or record.seconds < known.seconds:
                best[record.identity] = record
    yield from (record.schedule for record in best.values())


def winners_of_suite(results: Any) -> Iterator[Schedule]:
    """The schedules under the key "schedule", wherever they stand in a suite's results."""
    if isinstance(results, dict):
        if isinstance(results.get("schedule"), list):
            yield Schedule.from_json(results["schedule"])
        for value in results.values():
            yield from winners_of_suite(value)
    elif isinstance(results, list):
        for value in results:
            yield from winners_of_suite(value)


def table(winners: Iterable[Schedule]) -> str:
    """The counts as a Markdown table."""
    schedules = list(winners)
    times = Counter(step.directive.method for schedule in schedules for step in schedule)
    within = Counter(method for schedule in schedules for method in {step.directive.method for step in schedule})
    lines = [f"| primitive | in so many of {len(schedules)} winners | times |", "|---|---|---|"]
    lines += [f"| `{method}` | {within[method]} | {times[method]} |" for method in DIRECTIVES]
    return "\n".join(lines)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.winners", description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path, nargs="*", help="logs of tune()")
    parser.add_argument("--suite", type=Path, action="append", default=[], help="a suite's results as JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
