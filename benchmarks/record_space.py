"""Measures small template spaces to the last point, for the laboratory: `records/spaces/NAME.json.gz`.

python -m benchmarks.record_space [--spaces blur,product] [--seconds 400] [--to records/spaces]

A tuning log beside the result holds what is measured so far: the same command goes on where the last one ended.
"""

from __future__ import annotations

import argparse
import datetime
import inspect
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import autosearch
from autosearch.choices import Proposal, Space
from autosearch.lab.recording import Recording, of_trials, write_recording
from autosearch.records.log import read_log
from autosearch.records.record import TrialRecord
from benchmarks.exhaustive import Exhaustive
from benchmarks.template_spaces import TEMPLATE_SPACES, TemplateSpace

MORE_THAN_THERE_ARE = 10**6


def main() -> int:
    """Record each space; 1 where the time was over before all points were measured."""
    arguments = _arguments()
    arguments.to.mkdir(parents=True, exist_ok=True)
    complete = [record(name, arguments.seconds, arguments.to) for name in arguments.spaces]
    return 0 if all(complete) else 1


def record(name: str, seconds: float, folder: Path) -> bool:
    """Measure what is left of a space, for at most so many seconds; whether that was all of it."""
    target, log = folder / f"{name}.json.gz", folder / f"{name}.jsonl"
    if target.exists():
        print(f"{name}: recorded already")
        return True
    space = TEMPLATE_SPACES[name]
    exhaustive = _Kept()
    started = time.monotonic()
    autosearch.tune(
        space.pipeline,
        trials=MORE_THAN_THERE_ARE,
        log=log,
        strategy=exhaustive,
        template=space.template,
        cost_model=False,
        timeout=seconds,
        progress=False,
    )
    recording = of_trials(name, _measured(log, exhaustive.made.points), provenance=_provenance(name, space))
    left = len(exhaustive.made.points) - len(recording.points)
    print(f"{name}: {_summary(recording)}, {left} points left, {time.monotonic() - started:.0f} s", flush=True)
    if left:
        return False
    write_recording(replace(recording, exhaustive=True), target)
    log.unlink()
    return True


class _Kept:
    """Makes the strategy, and keeps it to ask which points there are."""

    __name__ = "exhaustive"
    made: Exhaustive

    def __call__(self, space: Space, seed: int) -> Exhaustive:
        self.made = Exhaustive(space, seed)
        return self.made


def _measured(log: Path, points: Mapping[str, Proposal]) -> list[TrialRecord]:
    """The trials of the space's own points, with the answers by which they were first met.

    Baselines, and what was made in their likeness, may be among them.
    """
    trials = [one for one in read_log(log).trials if one.schedule is not None and one.schedule.digest in points]
    return [replace(one, trace=points[one.schedule.digest].trace) for one in trials if one.schedule is not None]


def _provenance(name: str, space: TemplateSpace) -> dict[str, str]:
    return {
        "command": f"python -m benchmarks.record_space --spaces {name}",
        "date": datetime.date.today().isoformat(),
        "autosearch": autosearch.__version__,
        "pipeline": inspect.getsource(space.pipeline),
        "template": inspect.getsource(space.template),
    }


def _summary(recording: Recording) -> str:
    times = recording.times()
    span = f"{times[0] * 1e3:.3g} to {times[-1] * 1e3:.3g} ms" if times else "none ran"
    failed = ", ".join(f"{count} {reason}" for reason, count in recording.failures().items()) or "none failed"
    return f"{len(recording.points)} points, {span}, {failed}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.record_space", description=__doc__.splitlines()[0])
    parser.add_argument("--spaces", type=lambda text: text.split(","), default=list(TEMPLATE_SPACES))
    parser.add_argument("--seconds", type=float, default=600.0, help="at most, for each space in this call")
    parser.add_argument("--to", type=Path, default=Path("records/spaces"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
