"""A log of 100,000 records: how long it takes to load, and how much memory."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import halide as hl

from autosearch.choices import RandomChooser, draw
from autosearch.machine import this_machine
from autosearch.pipeline.snapshot import take
from autosearch.records.identity import identify
from autosearch.records.log import Log
from autosearch.records.record import TrialRecord
from autosearch.space.cpu import CpuSpace
from benchmarks.bars import Bar
from benchmarks.havoc.processes import ROOT
from benchmarks.pipelines import load

RECORDS, DISTINCT = 100_000, 5_000
"""How many records, and how many different schedules in them: drawing a schedule takes longer than reading it."""
SAMPLES = 16
PIPELINE = "unsharp"
LOADER = """
import json, resource, sys, time
from autosearch.records.log import read_log
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
content = read_log(sys.argv[1])
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"seconds": seconds, "base": base / 1024, "peak": peak / 1024, "records": len(content.trials)}))
"""


def run() -> list[Bar]:
    """Write such a log, of real schedules of the space, and load it in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jsonl"
        log = Log(path)
        for record in records():
            log.append(record)
        log.close()
        size = path.stat().st_size / 2**20
        out = subprocess.run([sys.executable, "-c", LOADER, str(path)], check=True, capture_output=True, cwd=ROOT)
        found = json.loads(out.stdout)
    print(f"{found['records']} records, {size:.0f} MiB: {found['seconds']:.1f} s, peak {found['peak']:.0f} MiB "
          f"({found['base']:.0f} MiB before)", flush=True)  # fmt: skip
    return [
        Bar("large log: records loaded", found["records"], RECORDS),
        Bar("large log: seconds to load", found["seconds"], 5, False),
        Bar("large log: memory of the process, MiB", found["peak"], 500, False),
    ]


def records() -> Iterator[TrialRecord]:
    """Trials of random schedules with random times."""
    target = hl.get_host_target()
    snapshot = take(load(PIPELINE).pipeline, target)
    machine = this_machine(target)
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), machine)
    identity = identify(snapshot.fingerprint, snapshot.sizes, str(target), machine)
    generator = random.Random(0)
    drawn = [draw(space, RandomChooser(random.Random(seed))) for seed in range(DISTINCT)]
    for number in range(RECORDS):
        one = drawn[number % DISTINCT]
        times = tuple(generator.uniform(1e-3, 2e-3) for _ in range(SAMPLES))
        paces = tuple(round(generator.uniform(0.9, 1.1), 4) for _ in range(SAMPLES))
        yield TrialRecord(identity, "genetic", one.schedule, one.trace, times, compile_seconds=0.3, paces=paces)
