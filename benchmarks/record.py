"""Records tuning logs for `records/`: random schedules first, then genetic search, without a cost model.

python -m benchmarks.record [--pipelines stereo,wavelet] [--random 60] [--genetic 60] [--seconds 300] [--to records]
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
from pathlib import Path

import autosearch
from benchmarks.pipelines import CORE, PIPELINES, load

OTHERS = [name for name in PIPELINES if name not in CORE]


def main() -> int:
    """Tune each pipeline and write its log, compressed; pipelines recorded already are left alone."""
    arguments = _arguments()
    arguments.to.mkdir(parents=True, exist_ok=True)
    for name in arguments.pipelines:
        target = arguments.to / f"{name}.jsonl.gz"
        if target.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.jsonl"
            for strategy, trials in (("random", arguments.random), ("genetic", arguments.random + arguments.genetic)):
                result = autosearch.tune(
                    load(name).pipeline,
                    trials=trials,
                    log=log,
                    strategy=strategy,
                    timeout=arguments.seconds / 2,
                    progress=False,
                    cost_model=False,
                )
            target.write_bytes(gzip.compress(log.read_bytes(), 9, mtime=0))
        print(f"{name}: {len(result.records)} records, best {result.best_time * 1e3:.3g} ms", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record", description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=lambda text: text.split(","), default=OTHERS, help="names, comma-separated")
    parser.add_argument("--random", type=int, default=60, help="random schedules")
    parser.add_argument("--genetic", type=int, default=60, help="schedules by genetic search after that")
    parser.add_argument("--seconds", type=float, default=300.0, help="at most, for each pipeline")
    parser.add_argument("--to", type=Path, default=Path("records"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
