"""Does anything break it? Bad candidates, killed processes, full disks, two tuners on one log, damaged files.

python -m benchmarks.chaos [--kills 100] [--restarts 50] [--cases 20000] [--only NAME] [--check]

Every scenario runs the real tuner, or the real measurer, on the sample pipeline of the tests. Needs Linux, and for the full
disk the right to mount a tmpfs.
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.bars import Bar, verdict
from benchmarks.havoc import candidates, disks, fuzz, kills, large, sharing


def main() -> int:
    """Print every scenario's figures; with --check hold them against the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="of workers, while one run goes on")
    parser.add_argument("--restarts", type=int, default=50, help="of the tuner, each time killed")
    parser.add_argument("--cases", type=int, default=20_000, help="of damaged content")
    parser.add_argument("--only", help="one scenario: candidates, workers, tuner, disk, sharing, fuzz or large")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    arguments = parser.parse_args()
    scenarios = {
        "candidates": candidates.run,
        "workers": lambda: kills.kill_workers(arguments.kills),
        "tuner": lambda: kills.kill_tuner(arguments.restarts),
        "disk": disks.run,
        "sharing": sharing.run,
        "fuzz": lambda: fuzz.run(arguments.cases),
        "large": large.run,
    }
    bars: list[Bar] = []
    for name, scenario in scenarios.items():
        if arguments.only in (None, name):
            print(f"== {name}", flush=True)
            found = scenario()
            bars += found
            if not arguments.check:
                print(*found, sep="\n", flush=True)
    return verdict(bars) if arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
