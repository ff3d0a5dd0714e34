"""Tunes the core pipelines and compares: Halide's default and autoschedulers, an expert's schedule, and ours.

python -m benchmarks.compare [--pipelines box_blur,unsharp] [--trials 300] [--json FILE] [--logs DIR] [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from autosearch.measure.autoschedulers import AUTOSCHEDULERS
from autosearch.measure.statistics import geometric_mean
from autosearch.progress import format_seconds
from benchmarks.bars import Bar, verdict
from benchmarks.bench import Comparison, compare, describe_machine, save
from benchmarks.pipelines import CORE

COLUMNS = ("default", "root", *AUTOSCHEDULERS, "expert", "autosearch")


def main() -> int:
    """Run, print a row a pipeline, and with --check hold the figures against the bars."""
    arguments = _arguments()
    if arguments.logs is not None:
        arguments.logs.mkdir(parents=True, exist_ok=True)
    rows: list[Comparison] = []
    print(describe_machine())
    print(heading())
    for name in arguments.pipelines:
        log = arguments.logs / f"{name}.jsonl" if arguments.logs is not None else None
        rows.append(compare(name, arguments.trials, log, arguments.seed, progress=arguments.progress))
        print(row_text(rows[-1]), flush=True)
        if arguments.json is not None:
            save(arguments.json, {"machine": describe_machine(), "rows": [row.to_json() for row in rows]})
    for who in (*AUTOSCHEDULERS, "expert"):
        found = [speedup for row in rows if (speedup := row.over(who)) is not None]
        if found:
            print(f"geometric mean over {who}: {geometric_mean(found):.2f}x ({len(found)} pipelines)")
    return verdict(bars(rows)) if arguments.check else 0


def bars(rows: list[Comparison]) -> list[Bar]:
    """The figures that comparisons give, with their bars."""
    result = []
    for row in rows:
        best = row.best_autoscheduler
        if best is not None:
            ratio, low, high = row.speedups[best]
            note = f"over {best}, 95 % interval [{low:.2f}, {high:.2f}]"
            result.append(Bar(f"{row.name}: never below the best autoscheduler", ratio, 0.98, note=note))
    for who, bar in (("Adams2019", 1.5), ("expert", 1.0)):
        found = [speedup for row in rows if (speedup := row.over(who)) is not None]
        if found:
            note = f"{len(found)} pipelines"
            result.append(Bar(f"geometric mean over {who}", geometric_mean(found), bar, note=note))
    for row in rows:
        share = row.thinking_share
        result.append(Bar(f"{row.name}: share of the time spent proposing and modelling", share, 0.20, at_least=False))
        result.append(Bar(f"{row.name}: share of schedules that are legal and right", row.valid, 0.95))
    blur = next((row for row in rows if row.name == "box_blur"), None)
    if blur is not None:
        result.append(Bar("box_blur: trials a second, all told", blur.trials / blur.total_seconds, 3.0))
        first = blur.first_improvement if blur.first_improvement is not None else float("inf")
        result.append(Bar("box_blur: seconds to the first improvement over default", first, 10.0, at_least=False))
    return result


def heading() -> str:
    return (
        f"{'pipeline':24}"
        + "".join(f"{name:>15}" for name in COLUMNS)
        + f"{'over expert':>26}{'trials/s':>10}{'valid':>8}"
    )


def row_text(row: Comparison) -> str:
    cells = []
    for who in COLUMNS:
        if who not in row.seconds:
            cells.append("failed")
            continue
        ratio = f" ({row.speedups[who][0]:.2f}x)" if who in row.speedups else ""
        cells.append(format_seconds(row.seconds[who]) + ratio)
    text = f"{row.name:24}" + "".join(f"{cell:>15}" for cell in cells)
    over = row.speedups.get("expert")
    text += f"{f'{over[0]:.2f}x [{over[1]:.2f}, {over[2]:.2f}]' if over else '-':>26}"
    text += f"{row.trials / row.total_seconds:>10.2f}{row.valid:>8.1%}"
    for who, reason in {**row.failures, **row.notes}.items():
        text += f"\n    {who}: {reason[:150]}"
    return text


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--pipelines", type=lambda text: text.split(","), default=list(CORE), help="names, comma-separated"
    )
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="write the figures here, a pipeline at a time")
    parser.add_argument("--logs", type=Path, help="keep tuning logs here, and resume from them")
    parser.add_argument("--progress", action="store_true", help="show each run's progress")
    parser.add_argument(
        "--check", action="store_true", help="hold the figures against the bars; exit 1 where one falls short"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
