"""How many randomly built schedules does Halide accept, and how many of them give the right output?

python -m benchmarks.validity [--pipelines box_blur,unsharp] [--count 40] [--seed 0] [--check]
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from contextlib import ExitStack

import halide as hl

from autosearch.choices import RandomChooser, draw
from autosearch.machine import this_machine
from autosearch.measure.protocol import Candidate, Effort, Limits
from autosearch.pipeline.snapshot import take
from autosearch.spaces import make_space
from benchmarks.bars import Bar, verdict
from benchmarks.bench import start_runner
from benchmarks.pipelines import PIPELINES, load

BATCH = 8


def main() -> int:
    """Print a line a pipeline: the share that is legal and right, and why the others failed."""
    arguments = _arguments()
    bars = []
    total: Counter[str] = Counter()
    for name in arguments.pipelines:
        counts = _outcomes(name, arguments.count, arguments.seed)
        share = counts["ok"] / sum(counts.values())
        total += counts
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.items() if reason != "ok")
        print(f"{name:24} {share:6.1%} of {sum(counts.values())}  {reasons}", flush=True)
        bars.append(Bar(f"{name}: share of random schedules that are legal and right", share, 0.95, note=reasons))
    share = total["ok"] / sum(total.values())
    print(f"{'all':24} {share:6.1%} of {sum(total.values())}")
    bars.append(Bar("share of all", share, 0.98))
    return verdict(bars) if arguments.check else 0


def _outcomes(name: str, count: int, seed: int) -> Counter[str]:
    """Why random schedules of a pipeline failed, and how many did not."""
    target = hl.get_host_target()
    snapshot = take(load(name).pipeline, target)
    space = make_space(snapshot, this_machine(target))
    chooser = RandomChooser(random.Random(seed))
    candidates = [Candidate(draw(space, chooser).schedule) for _ in range(count)]
    counts: Counter[str] = Counter()
    with ExitStack() as stack:
        runner = start_runner(snapshot, target, stack, seed)
        runner.limit(Limits())
        for start in range(0, count, BATCH):
            built = runner.build(candidates[start : start + BATCH])
            for one in built:
                failure = runner.run(one, Effort(samples=1, min_samples=1)).failure
                counts[failure.value if failure is not None else "ok"] += 1
            runner.release(built)
    return counts


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validity", description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=lambda text: text.split(","), default=list(PIPELINES))
    parser.add_argument("--count", type=int, default=40, help="schedules for each pipeline")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true", help="exit 1 where all are below 98 percent, or one below 95")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
