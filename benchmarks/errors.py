"""Makes each mistake that a user is likely to make, on the command line, and times how long the answer takes.

python -m benchmarks.errors [--check]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.bars import Bar, verdict
from tests.test_errors import IN_THE_ISSUE, MISTAKES, command_line

SECONDS = 5.0


def main() -> int:
    """Print each answer; with --check hold seconds, lines and exit status against the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.errors", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit 1 where an answer is late, long, or no error")
    arguments = parser.parse_args()
    bars = []
    for name in (*IN_THE_ISSUE, "export path that can't be written"):
        with tempfile.TemporaryDirectory() as folder:
            started = time.monotonic()
            done = _run(name, Path(folder))
            seconds = time.monotonic() - started
        print(f"{name} ({seconds:.1f} s, exit status {done.returncode}):\n    {done.stderr.strip()}", flush=True)
        clear = done.returncode != 0 and len(done.stderr.strip().splitlines()) == 1
        bars.append(Bar(f"{name}: seconds", seconds, SECONDS, at_least=False))
        bars.append(Bar(f"{name}: one sentence and a non-zero exit", float(clear), 1.0))
    return verdict(bars) if arguments.check else 0


def _run(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    if name in MISTAKES:
        arguments = command_line(MISTAKES[name], folder)
    else:
        arguments = [*command_line(MISTAKES["no trials"], folder)[:-2], "--export", str(folder / "missing" / "blur.h")]
    program = [sys.executable, "-c", "from autosearch.cli.app import app; app()"]
    return subprocess.run([*program, *arguments], capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
