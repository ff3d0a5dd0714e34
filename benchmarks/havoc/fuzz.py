"""Damaged and malicious content of everything that is read: always a clear error, never a crash, a hang or execution.

The cases run in a process of their own, so that its death would show. Run as `python -m benchmarks.havoc.fuzz N`.
"""

from __future__ import annotations

import base64
import json
import random
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import halide as hl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosearch.choices import Trace
from autosearch.cli.options import named_pipeline, parse_inputs
from autosearch.errors import AutoSearchError
from autosearch.export.stored import load_schedule, to_json
from autosearch.machine import parse_target
from autosearch.pipeline.decode import decode_algorithm
from autosearch.pipeline.flatbuffer import read_pipeline
from autosearch.pipeline.generator import Generator
from autosearch.pipeline.snapshot import func_order, take
from autosearch.pipeline.source import load_object
from autosearch.pipeline.stored import restore, store
from autosearch.pipeline.unschedule import unschedule
from autosearch.records import record as records
from autosearch.records.log import read_log
from autosearch.schedule.apply import apply
from autosearch.schedule.schedule import Schedule
from benchmarks.bars import Bar
from benchmarks.havoc.processes import ROOT as REPOSITORY
from tests import samples
from tests.conftest import TARGET, random_proposal, snapshot_of
from tests.made import TILED, blur_race, blur_records, result_of

SECONDS = 5.0
"""A case that takes longer counts as a hang."""
WHOLE = 60
"""Serialized pipelines that go all the way, Halide's own reader in a process of its own included."""
CANARY = "autosearch-canary"
WORDS = [
    "", "x", "blur_y", "blur_x.update(0)", "split", "vectorize", "compute_at", "trial", "race", "nan", "é\u0000", "%s",
    f"__import__('os').system('touch {CANARY}')", f"$(touch {CANARY})", f"; touch {CANARY} #",
    f"!!python/object/apply:os.system ['touch {CANARY}']", "../../etc/passwd", "a" * 5000,
]  # fmt: skip
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(WORDS)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)
SEEDS = st.integers(0, 2**32)


def damage(content: Any, junk: Any, generator: random.Random) -> Any:
    """The content with one part of it, anywhere, replaced by junk, left out or doubled."""
    if isinstance(content, (list, dict)) and content and generator.random() < 0.85:
        copy: Any = list(content) if isinstance(content, list) else dict(content)
        place = generator.choice(range(len(copy)) if isinstance(copy, list) else list(copy))
        if generator.random() < 0.1:
            del copy[place]
        elif isinstance(copy, list) and generator.random() < 0.1:
            copy.insert(place, copy[place])
        else:
            copy[place] = damage(copy[place], junk, generator)
        return copy
    return junk


def damage_bytes(data: bytes, generator: random.Random) -> bytes:
    """The bytes with a few of them changed, cut off, or all of them random."""
    if generator.random() < 0.05:
        return generator.randbytes(generator.randrange(300))
    changed = bytearray(data)
    for _ in range(generator.choice((1, 1, 2, 5, 20))):
        changed[generator.randrange(len(changed))] = generator.choice((0, 1, 127, 255, generator.randrange(256)))
    return bytes(changed[: generator.randrange(len(changed))] if generator.random() < 0.1 else changed)


class Cases:
    """What to do with each kind of content; the scratch folder is the working directory."""

    def __init__(self) -> None:
        written: list[records.Record] = [*blur_records(), blur_race()]
        self.lines = [records.to_json(one) for one in written]
        self.schedules = [TILED.to_json(), *(random_proposal("blur", n).schedule.to_json() for n in range(6))]
        self.traces = [random_proposal("blur", n).trace.to_json() for n in range(6)]
        self.stored = to_json(result_of("blur", TILED))
        self.snapshot = snapshot_of("blur")
        self.kept = store(self.snapshot) or {}
        self.pipelines = []
        for make in (samples.blur, samples.sharpen, samples.histogram, samples.matmul):
            pipeline = hl.Pipeline([make()])
            self.pipelines.append((hl.serialize_pipeline(pipeline), func_order(pipeline)))

    def log_line(self, junk: Any, generator: random.Random) -> None:
        """A line of a log, damaged as JSON."""
        records.from_json(damage(generator.choice(self.lines), junk, generator))

    def log_file(self, junk: Any, generator: random.Random) -> None:
        """A whole log, damaged as bytes."""
        text = b"\n".join(json.dumps(line).encode() for line in self.lines)
        path = Path(generator.choice(("log.jsonl", "log.jsonl.gz")))
        path.write_bytes(damage_bytes(text, generator))
        read_log(path)

    def schedule(self, junk: Any, generator: random.Random) -> None:
        """A schedule, applied where it can be read."""
        schedule = Schedule.from_json(damage(generator.choice(self.schedules), junk, generator))
        apply(schedule, self.snapshot.fresh(), self.snapshot.algorithm)

    def trace(self, junk: Any, generator: random.Random) -> None:
        """The answers that led to a schedule."""
        Trace.from_json(damage(generator.choice(self.traces), junk, generator))

    def exported(self, junk: Any, generator: random.Random) -> None:
        """An exported schedule."""
        Path("schedule.json").write_text(json.dumps(damage(self.stored, junk, generator)))
        load_schedule("schedule.json", self.snapshot)

    def serialized(self, junk: Any, generator: random.Random) -> None:
        """A serialized pipeline, in our own reader."""
        data, order = generator.choice(self.pipelines)
        damaged = damage_bytes(data, generator)
        decode_algorithm(read_pipeline(damaged), order)
        unschedule(damaged)

    def arguments(self, junk: Any, generator: random.Random) -> None:
        """Words on the command line."""
        text = str(junk)[:200]
        readers: list[Callable[[str], object]] = [parse_target, load_object, lambda word: parse_inputs([word])]
        readers += [lambda word: named_pipeline([word], Path("generator"), ""), lambda word: Generator(word, word)]
        made = generator.choice(readers)(text)
        if isinstance(made, Generator):
            take(made, TARGET)

    def whole_pipeline(self, junk: Any, generator: random.Random) -> None:
        """A file of a serialized pipeline, as a user would give it."""
        Path("pipeline.hlpipe").write_bytes(damage_bytes(generator.choice(self.pipelines)[0], generator))
        take("pipeline.hlpipe", TARGET)

    def kept_pipeline(self, junk: Any, generator: random.Random) -> None:
        """A pipeline as a log keeps it: its JSON damaged, or the bytes in it."""
        content = dict(self.kept)
        if generator.random() < 0.5:
            key = generator.choice(("data", "expressions"))
            inside = zlib.decompress(base64.b85decode(content[key]))
            content[key] = base64.b85encode(zlib.compress(damage_bytes(inside, generator))).decode()
        else:
            content = damage(content, junk, generator)
        sizes = self.snapshot.sizes.to_json()
        restore(
            content, sizes if generator.random() < 0.8 else damage(sizes, junk, generator), self.snapshot.fingerprint
        )


SHARES = {
    "log_line": 0.3, "log_file": 0.1, "schedule": 0.2, "trace": 0.1, "exported": 0.12, "serialized": 0.12,
    "arguments": 0.06,
}  # fmt: skip


def run(count: int) -> list[Bar]:
    """All cases, in a process of their own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.havoc.fuzz", str(count)],
            cwd=folder, env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        )  # fmt: skip
        executed = list(Path(folder).rglob(CANARY))
    print("\n".join(done.stdout.splitlines()[:-1]), flush=True)
    if done.returncode != 0:
        print(f"the process ended with {done.returncode}: {done.stderr[-2000:]}")
        return [Bar("fuzz: the process survives", 0.0, 1)]
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        Bar("fuzz: cases", found["cases"], count),
        Bar("fuzz: errors that are not an AutoSearchError", found["unclear"], 0, False),
        Bar("fuzz: cases that took more than 5 s", found["slow"], 0, False),
        Bar("fuzz: content that was executed", len(executed), 0, False),
    ]


def main() -> None:
    """Run the cases here; the last line says how many there were and what went wrong."""
    count = int(sys.argv[1])
    cases = Cases()
    totals = {"cases": 0, "unclear": 0, "slow": 0}
    for name, share in {**SHARES, "whole_pipeline": WHOLE / count, "kept_pipeline": WHOLE / count}.items():
        before = dict(totals)
        _try(getattr(cases, name), round(share * count) + 1, totals)
        done = {key: totals[key] - before[key] for key in totals}
        print(f"{name:16} {done['cases']:6} cases, {done['unclear']} unclear errors, {done['slow']} slow", flush=True)
    print(json.dumps(totals))


def _try(case: Callable[[Any, random.Random], None], count: int, totals: dict[str, int]) -> None:
    @settings(
        max_examples=count, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(JUNK, SEEDS)
    def one(junk: Any, seed: int) -> None:
        started = time.monotonic()
        try:
            case(junk, random.Random(seed))
        except AutoSearchError as error:
            totals["unclear"] += not str(error)
        except Exception as error:
            totals["unclear"] += 1
            print(
                f"    {case.__name__}: {type(error).__name__}: {str(error)[:160]!r} (seed {seed}, junk {junk!r:.200})"
            )
        totals["cases"] += 1
        totals["slow"] += time.monotonic() - started > SECONDS

    one()


if __name__ == "__main__":
    main()
