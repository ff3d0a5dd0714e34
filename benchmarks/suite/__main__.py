"""The suite's command line, see `benchmarks.suite`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import suite
from benchmarks.bars import verdict
from benchmarks.bench import Start
from benchmarks.pipelines import PIPELINES
from benchmarks.suite.check import bars, drawn_again
from benchmarks.suite.results import Results
from benchmarks.suite.run import FILE, Plan, run
from benchmarks.suite.table import headline

GIVEN = "given"
"""The folder for results with the schedules by hand given."""


def main() -> int:
    """Run what has no result yet, or with --check hold the results against the bars; the exit status."""
    arguments = _arguments()
    if not arguments.check:
        start, to = (Start.GIVEN, arguments.to / GIVEN) if arguments.given else (Start.UNSEEN, arguments.to)
        plan = Plan(arguments.pipelines, arguments.minutes, to, arguments.seed, arguments.again, start)
        run(plan)
        print(f"table: {plan.to / 'suite.md'}, plot: {plan.to / 'suite.svg'}")
        return 0
    paths = [arguments.to / FILE, arguments.to / GIVEN / FILE]
    if not paths[0].exists():
        print(f"{paths[0]} is missing: run the suite first")
        return 1
    statuses = []
    for path in paths:
        if path.exists():
            results = Results.load(path)
            print(headline(results))
            statuses.append(verdict([*bars(results), *drawn_again(results, arguments.pipelines)]))
    return max(statuses)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.suite", description=suite.__doc__.splitlines()[0])
    parser.add_argument(
        "--pipelines", type=_names, default=list(PIPELINES), metavar="NAME,NAME",
        help="only these; with --check, draw among these",
    )  # fmt: skip
    parser.add_argument(
        "--minutes-per-pipeline", dest="minutes", type=_minutes, default=10.0, metavar="M",
        help="for the whole call of tune, baselines and race included",
    )  # fmt: skip
    parser.add_argument("--to", type=Path, default=Path("benchmarks/results"), metavar="FOLDER")
    parser.add_argument("--given", action="store_true", help="let the search begin with the schedules by hand")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="run pipelines that have a result anew")
    parser.add_argument(
        "--check", action="store_true", help="hold the results against the bars; exit 1 where one falls short"
    )
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in PIPELINES:
            raise argparse.ArgumentTypeError(f"there is no pipeline {name!r}; choose among {', '.join(PIPELINES)}")
    return names


def _minutes(text: str) -> float:
    minutes = float(text)
    if not minutes > 0:
        raise argparse.ArgumentTypeError("a positive number of minutes is needed")
    return minutes


if __name__ == "__main__":
    sys.exit(main())
