"""Records tuning logs for `records/`: large random samples of the space, for the laboratory and the cost model's prior.

python -m benchmarks.record [--pipelines stereo,wavelet] [--random 500] [--seconds 600] [--to records]

A log under way, `NAME.jsonl`, is gone on with by the same command, and a complete one, compressed to `NAME.jsonl.gz`, where
more are asked for.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import autosearch
from autosearch.lab.recording import RANDOM
from autosearch.records.log import read_log
from benchmarks.pipelines import load

QUICKEST = ("box_blur", "softmax_rows", "summed_area_table", "polyphase_resampler", "depthwise_separable")
"""Those that are measured quickest are recorded with twice as many schedules."""
OTHERS = (
    "matmul", "histogram_equalisation", "matmul_int8", "iir_blur", "conv_layer", "unsharp", "wavelet",
    "cubic_resize", "harris",
)  # fmt: skip
SEEDS = 5
"""At most so many trials of a log are made in the likeness of baselines: there is one baseline less one, root, each."""


def main() -> int:
    """Record each pipeline, quickest first; 1 where the time was over before there were enough."""
    arguments = _arguments()
    arguments.to.mkdir(parents=True, exist_ok=True)
    complete = [record(name, count, arguments.seconds, arguments.to) for name, count in _wanted(arguments)]
    return 0 if all(complete) else 1


def record(name: str, count: int, seconds: float, folder: Path) -> bool:
    """Measure random schedules until there are `count` in the log, for at most so many seconds; whether there are now."""
    target, log = folder / f"{name}.jsonl.gz", folder / f"{name}.jsonl"
    if target.exists() and random_count(target) >= count:
        print(f"{name}: recorded already", flush=True)
        return True
    if target.exists() and not log.exists():  # with fewer: go on
        log.write_bytes(gzip.decompress(target.read_bytes()))
    result = autosearch.tune(
        load(name).pipeline,
        trials=count + max(SEEDS, _others_count(log)),
        log=log,
        strategy=RANDOM,
        timeout=seconds,
        progress=False,
        cost_model=False,
    )
    found = random_count(log)
    last = max((one.elapsed for one in result.records), default=0.0)
    print(f"{name}: {found} of {count}, best {result.best_time * 1e3:.3g} ms, last after {last:.0f} s", flush=True)
    if found < count:
        return False
    target.write_bytes(gzip.compress(compact(log.read_bytes().splitlines()), 9, mtime=0))
    log.unlink()
    return True


def random_count(log: Path) -> int:
    """How many random trials a log holds."""
    return sum(one.source == RANDOM for one in read_log(log).trials) if log.exists() else 0


def _others_count(log: Path) -> int:
    """How many other trials a log holds, baselines aside."""
    return sum(one.source != RANDOM and not one.baseline for one in read_log(log).trials) if log.exists() else 0


def compact(lines: Iterable[bytes]) -> bytes:
    """The lines of a log with times to five digits: the others are noise, and most of a compressed log."""
    short = []
    for line in lines:
        content: dict[str, Any] = json.loads(line)
        if "times" in content:
            content["times"] = [float(f"{time:.5g}") for time in content["times"]]
        short.append(json.dumps(content, separators=(",", ":")).encode() + b"\n")
    return b"".join(short)


def _wanted(arguments: argparse.Namespace) -> list[tuple[str, int]]:
    names = arguments.pipelines or [*QUICKEST, *OTHERS]
    return [(name, arguments.random * (2 if name in QUICKEST and not arguments.pipelines else 1)) for name in names]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record", description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=lambda text: text.split(","), help="names, comma-separated")
    parser.add_argument("--random", type=int, default=500, help="random schedules of each; twice of the quickest")
    parser.add_argument("--seconds", type=float, default=900.0, help="at most, for each pipeline in this call")
    parser.add_argument("--to", type=Path, default=Path("records"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
