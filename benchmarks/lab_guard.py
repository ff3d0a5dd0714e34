"""Has a strategy become worse? A short job of the laboratory, the same numbers every time, held against recorded floors.

python -m benchmarks.lab_guard            exit 1 where a score is below its floor
python -m benchmarks.lab_guard --renew    after a change that is meant: write the floors anew

The floors, in `benchmarks/lab_floors.json`, lie a little below the scores that they were made of.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from autosearch.lab.comparison import Comparison, compare
from autosearch.lab.recording import read_recording
from benchmarks.bars import Bar, verdict
from benchmarks.bench import save
from benchmarks.lab import COMPARED

FLOORS = Path(__file__).with_name("lab_floors.json")
SPACES = Path(__file__).parents[1] / "records" / "spaces"
SEEDS, EVALUATIONS = 6, 80
MARGIN = 0.05
"""Other machines round otherwise, and among so few seeds one run that goes another way tells: less than this is no loss."""


def main() -> int:
    """Run the job; compare, or renew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lab_guard", description=__doc__.splitlines()[0])
    parser.add_argument("--renew", action="store_true", help="write the floors anew")
    arguments = parser.parse_args()
    comparison = short_job()
    if arguments.renew:
        floors = {name: round(comparison.mean(name).value - MARGIN, 3) for name in COMPARED}
        save(FLOORS, {"spaces": list(comparison.spaces), "floors": floors})
        print(f"wrote {FLOORS.name}: {floors}")
        return 0
    return verdict(bars(comparison, json.loads(FLOORS.read_text())))


def short_job() -> Comparison:
    """All strategies on the exhaustive spaces, few seeds."""
    recordings = [read_recording(path) for path in sorted(SPACES.glob("*.json.gz"))]
    return compare(recordings, COMPARED, SEEDS, EVALUATIONS)


def bars(comparison: Comparison, recorded: dict) -> list[Bar]:
    """Each strategy's mean score against its floor; a strategy without a floor falls short, and so do other spaces."""
    same = float(list(comparison.spaces) == recorded["spaces"])
    results = [Bar("the floors are of these spaces", same, 1.0, note="" if same else "renew them")]
    for name in comparison.strategies:
        floor = recorded["floors"].get(name, 1.0)
        results.append(Bar(f"{name}: mean score", comparison.mean(name).value, floor))
    return results


if __name__ == "__main__":
    sys.exit(main())
