"""Records what Adams2019's own cost model says of schedules that it makes, and how long these take.

python -m benchmarks.adams_record [--pipelines harris,unsharp] [--count 40] [--seconds 120] [--to records/adams.json.gz]

Its plug-in prices no other schedules than those of its own search. With random dropout and a beam of one it makes a
different one for many a seed, and prints what it predicts of that. They are measured as a search does it. A pipeline that
is recorded already is left as it is; `benchmarks.model` compares the two rankings with ours.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import halide as hl

from autosearch.baselines import ADAMS
from autosearch.errors import ScheduleError
from autosearch.measure.autoschedulers import AutoschedulerRequest, run_autoscheduler
from autosearch.measure.device import Work, source_of
from autosearch.measure.kernel import Source
from autosearch.measure.measurer import Measurer
from autosearch.measure.protocol import Candidate, Limits
from autosearch.pipeline.snapshot import take
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from benchmarks.bench import describe_machine, start_runner
from benchmarks.pipelines import load
from benchmarks.recorded import RECORDS, read_records

RECORD = RECORDS / "adams.json.gz"
BATCH = 8
_COST = re.compile(r"^Best cost: (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Priced:
    """A schedule of Adams2019's with what its cost model says of it (of no unit), and its seconds."""

    schedule: Schedule
    cost: float
    seconds: float


def main() -> int:
    """Record each pipeline; the file is written after each."""
    arguments = _arguments()
    names = arguments.pipelines or [one.name for one in read_records(least=500)]
    content = json.loads(gzip.decompress(arguments.to.read_bytes())) if arguments.to.exists() else {"pipelines": {}}
    content["machine"] = describe_machine()
    for name in names:
        if name not in content["pipelines"]:
            found = record(name, arguments.count, arguments.seconds)
            print(f"{name}: {len(found)} different schedules that ran", flush=True)
            rows = [{"cost": one.cost, "seconds": one.seconds, "schedule": one.schedule.to_json()} for one in found]
            content["pipelines"][name] = rows
            text = json.dumps(content, separators=(",", ":"))
            arguments.to.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return 0


def read_priced(path: Path) -> dict[str, list[Priced]]:
    """What is recorded, by pipeline; nothing where there is no such file."""
    if not path.exists():
        return {}
    pipelines: Mapping[str, Any] = json.loads(gzip.decompress(path.read_bytes()))["pipelines"]
    return {
        name: [Priced(Schedule.from_json(one["schedule"]), one["cost"], one["seconds"]) for one in rows]
        for name, rows in pipelines.items()
    }


def record(name: str, count: int, seconds: float) -> list[Priced]:
    """At most `count` different schedules, drawn for at most so many seconds, that ran."""
    target = hl.get_host_target()
    snapshot = take(load(name).pipeline, target)
    costs: dict[Schedule, float] = {}
    for scheduled, cost in priced_draws(source_of(Work(snapshot, target)), seconds):
        try:
            costs.setdefault(read_schedule(scheduled, snapshot.algorithm), cost)
        except ScheduleError:
            continue
        if len(costs) >= count:
            break
    with ExitStack() as stack:
        measurer = Measurer(start_runner(snapshot, target, stack), Limits())
        found = list(_measured(measurer, list(costs)))
    return [Priced(schedule, costs[schedule], one) for schedule, one in found]


def _measured(measurer: Measurer, schedules: Sequence[Schedule]) -> Iterator[tuple[Schedule, float]]:
    best: float | None = None
    for start in range(0, len(schedules), BATCH):
        for one in measurer.measure([Candidate(schedule) for schedule in schedules[start : start + BATCH]], best):
            if one.times and one.candidate.schedule is not None:
                yield one.candidate.schedule, one.seconds
                best = min(best or one.seconds, one.seconds)


def priced_draws(source: Source, seconds: float) -> Iterator[tuple[bytes, float]]:
    """Schedules, serialized, with their costs, for so many seconds, each drawn in a process that may crash."""
    end = time.monotonic() + seconds
    seed = 0
    while time.monotonic() < end:
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            try:
                while time.monotonic() < end:
                    seed += 1
                    scheduled, cost = pool.submit(_draw, source, seed).result()
                    if scheduled is not None and cost is not None:
                        yield scheduled, cost
            except BrokenProcessPool:
                continue


def _draw(source: Source, seed: int) -> tuple[bytes | None, float | None]:
    """A schedule, serialized, and its cost, which the plug-in prints to the standard error."""
    os.environ["HL_DEBUG_AUTOSCHEDULE"] = "1"
    parameters = {
        "parallelism": str(os.cpu_count() or 1), "beam_size": "1", "random_dropout": "1", "random_dropout_seed": str(seed)
    }  # fmt: skip
    with tempfile.TemporaryFile() as printed:
        kept = os.dup(2)
        os.dup2(printed.fileno(), 2)
        try:
            reply = run_autoscheduler(source, AutoschedulerRequest(ADAMS, parameters))
        finally:
            os.dup2(kept, 2)
            os.close(kept)
        printed.seek(0)
        cost = _COST.search(printed.read().decode(errors="replace"))
    return reply.scheduled, float(cost[1]) if cost else None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.adams_record", description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=lambda text: text.split(","), help="names, comma-separated; those recorded")
    parser.add_argument("--count", type=int, default=40, help="different schedules of each, at most")
    parser.add_argument("--seconds", type=float, default=120.0, help="of drawing them, for each pipeline")
    parser.add_argument("--to", type=Path, default=RECORD)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
