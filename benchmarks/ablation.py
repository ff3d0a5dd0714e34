"""Does the cost model help? Tunes with and without it, the same seeds and trials, and races what each found.

python -m benchmarks.ablation [--pipelines unsharp,harris,conv_layer] [--trials 100] [--seeds 2] [--check]
"""

from __future__ import annotations

import argparse
import sys

import halide as hl

import autosearch
from autosearch.finalists import Contender
from autosearch.measure.protocol import Candidate
from autosearch.measure.statistics import geometric_mean, paired_ratio
from autosearch.pipeline.snapshot import take
from benchmarks.bars import Bar, verdict
from benchmarks.bench import race
from benchmarks.pipelines import load

RACE_SECONDS = 6.0


def main() -> int:
    """Print a line a pair of runs; with --check hold the mean ratio of times against 1."""
    arguments = _arguments()
    ratios = []
    for name in arguments.pipelines:
        for seed in range(arguments.seeds):
            ratios.append(_compare(name, arguments.trials, seed))
    mean = geometric_mean(ratios)
    print(f"geometric mean: without the model, the best schedule takes {mean:.3f} times as long")
    return verdict([Bar("time without the model over time with it", mean, 1.0)]) if arguments.check else 0


def _compare(name: str, trials: int, seed: int) -> float:
    found = {}
    for label, model in (("with", True), ("without", False)):
        result = autosearch.tune(load(name).pipeline, trials=trials, seed=seed, cost_model=model, progress=False)
        searched = [record for record in result.records if record.ok and not record.baseline]
        best = min(searched, key=lambda record: record.seconds)
        found[label] = Contender(label, Candidate(best.schedule), best.schedule)
    target = hl.Target(result.target)
    fast, slow = race(take(load(name).pipeline, target), target, list(found.values()), seed, RACE_SECONDS).samples
    ratio = paired_ratio(slow, fast)
    print(f"{name}, seed {seed}: {ratio} times as long without the model", flush=True)
    return ratio.value


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=lambda text: text.split(","), default=["unsharp", "harris", "conv_layer"])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="exit 1 where the model doesn't help")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
