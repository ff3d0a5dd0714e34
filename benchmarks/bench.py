"""Shared by benchmarks: tuning one pipeline, and racing what was found against the expert's schedule and the baselines."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import halide as hl

import autosearch
from autosearch.baselines import GIVEN, root_schedule
from autosearch.finalists import Contender, Race, go_on
from autosearch.machine import this_machine
from autosearch.measure.autoschedulers import AUTOSCHEDULERS
from autosearch.measure.device import ThisMachine, Work
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Candidate, Effort, Limits
from autosearch.measure.statistics import paired_ratio, present, typical
from autosearch.pipeline.snapshot import Snapshot
from autosearch.result import Result
from benchmarks.pipelines import load

RACE_SECONDS = 12.0
GENERATIONS = 2
"""Of processes that a race is held in: the same kernels come out differently in others."""


@dataclass(frozen=True)
class Comparison:
    """One pipeline: seconds of every contender in one race, and our speed-up over each with its interval."""

    name: str
    funcs: int
    seconds: dict[str, float]
    speedups: dict[str, tuple[float, float, float]]
    failures: dict[str, str]
    notes: dict[str, str]
    trials: int
    valid: float
    """Share of trials that gave a right output."""
    total_seconds: float
    thinking_share: float
    first_improvement: float | None
    """Seconds from the call to the first trial that beat Halide's default."""
    schedule: list[list[Any]] = field(default_factory=list)

    def over(self, name: str) -> float | None:
        """Our speed-up over a contender."""
        return self.speedups[name][0] if name in self.speedups else None

    @property
    def best_autoscheduler(self) -> str | None:
        """Name of the fastest of Halide's autoschedulers."""
        return min((who for who in AUTOSCHEDULERS if who in self.seconds), key=self.seconds.__getitem__, default=None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Comparison:
        speedups = {name: (r[0], r[1], r[2]) for name, r in content["speedups"].items()}
        return Comparison(**{**content, "speedups": speedups})


class Start(StrEnum):
    """What the tuner is given of a pipeline's schedule by hand."""

    UNSEEN = "unseen"
    GIVEN = "given"
    """The pipeline carries it, as a user's would: it is a baseline, and the search may begin with it."""


def compare(
    name: str, trials: int, log: Path | None, seed: int = 0, start: Start = Start.UNSEEN, **options: Any
) -> Comparison:
    """Tune pipeline `name`, then race all contenders."""
    started = time.monotonic()
    result = autosearch.tune(pipeline_of(name, start), trials=trials, log=log, seed=seed, **options)
    total = time.monotonic() - started
    target = hl.Target(result.target)
    contenders = [Contender("autosearch", Candidate(result.schedule), result.schedule), expert(name)]
    known = {record.baseline: record for record in result.records if record.baseline not in ("", GIVEN)}
    for baseline, record in known.items():
        if record.ok and record.schedule is not None:
            contenders.append(Contender(baseline, Candidate(record.schedule), record.schedule))
    return _comparison(name, result, race(result.snapshot, target, contenders, seed), total)


def race(
    snapshot: Snapshot, target: hl.Target, contenders: list[Contender], seed: int, seconds: float = RACE_SECONDS
) -> Race:
    """The contenders timed in turn, in several generations of processes."""
    outcome = Race(tuple(contenders), ((),) * len(contenders))
    with ExitStack() as stack:
        runner = start_runner(snapshot, target, stack, seed)
        runner.build([one.candidate for one in contenders])  # and held: each generation only loads them
        for generation in range(GENERATIONS):
            outcome = go_on(runner, outcome, seconds / GENERATIONS, seed + generation)
            runner.reset()
    return outcome


def start_runner(snapshot: Snapshot, target: hl.Target, stack: ExitStack, seed: int = 0) -> LocalRunner:
    """Worker processes on random inputs, with the reference output in place."""
    runner = ThisMachine().open(Work(snapshot, target, seed=seed, limits=Limits(compile_seconds=120.0)))
    stack.callback(runner.close)
    reference = runner.build([Candidate(root_schedule(snapshot.algorithm))])[0]
    runner.publish(reference, Effort(samples=1, min_samples=1))
    return runner


def _comparison(name: str, result: Result, race: Race, total: float) -> Comparison:
    samples = {one.name: row for one, row in zip(race.contenders, race.samples, strict=True)}
    seconds = {who: typical(present(row)) for who, row in samples.items() if any(row)}
    failures = {**result.baselines.failures, **race.failures}
    speedups = {}
    for who in seconds:
        if who != "autosearch" and "autosearch" in seconds:
            ratio = paired_ratio(samples[who], samples["autosearch"])
            speedups[who] = (ratio.value, ratio.low, ratio.high)
    searched = [record for record in result.records if not record.baseline]
    valid = [record for record in searched if record.ok]
    default = result.baselines.get("default")
    better = [r.elapsed for r in result.records if r.ok and default and r.seconds < default]
    return Comparison(
        name,
        len(result.snapshot.algorithm.funcs),
        seconds,
        speedups,
        failures,
        dict(result.baselines.notes),
        len(searched),
        len(valid) / max(1, len(searched)),
        total,
        result.overhead.thinking / max(1e-9, result.overhead.total),
        min(better, default=None),
        result.schedule.to_json(),
    )


def pipeline_of(name: str, start: Start) -> hl.Pipeline:
    """What the tuner is given. With its schedule by hand a pipeline may have more Funcs, which `rfactor` makes."""
    module = load(name)
    return as_pipeline(module.pipeline() if start is Start.UNSEEN else module.expert())


def expert(name: str) -> Contender:
    """The schedule by hand of a pipeline."""
    return Contender("expert", Candidate(scheduled=hl.serialize_pipeline(as_pipeline(load(name).expert()))), None)


def as_pipeline(outputs: Any) -> hl.Pipeline:
    """The pipeline of an output Func, or of several."""
    return hl.Pipeline(list(outputs) if isinstance(outputs, (list, tuple)) else [outputs])


def describe_machine() -> str:
    """The machine in a line."""
    machine = this_machine(hl.get_host_target())
    return f"{machine.cpu}, {machine.cores} cores, {hl.get_host_target()}, Python {platform.python_version()}"


def save(path: Path, content: Any) -> None:
    """Write JSON so that a reader never sees half of it."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    os.replace(temporary, path)
