"""The best schedules of a log, measured again: on another machine, with another Halide, target or size.

What matters is whether the schedules still stand to each other as they did: a schedule that has lost much more than the
others was made for what is no longer there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import halide as hl

from autosearch.baselines import root_schedule
from autosearch.errors import ArgumentError, LogError
from autosearch.finalists import Contender, run_race
from autosearch.journal import Journal
from autosearch.machine import affinity
from autosearch.measure.device import Device, ThisMachine, Work
from autosearch.measure.measurer import Measurement, Measurer
from autosearch.measure.protocol import Candidate, Failure, Limits, Runner
from autosearch.measure.statistics import typical
from autosearch.pipeline.source import PipelineLike
from autosearch.progress import format_seconds
from autosearch.records.identity import identify
from autosearch.records.log import LogContent, read_log
from autosearch.records.record import TrialRecord
from autosearch.replayer import snapshot_for
from autosearch.schedule.schedule import Schedule

BATCH = 8
HOLDS = 1.15
"""A schedule has regressed when, against the best, it takes this many times as long as it did in the log."""
SOURCE = "remeasured"


@dataclass(frozen=True)
class Remeasured:
    """One schedule, then and now."""

    schedule: Schedule
    recorded: float
    """Seconds in the log."""
    seconds: float | None
    """Seconds now, None where it failed."""
    failure: str = ""
    message: str = ""
    relative: float | None = None
    """How many times as long as in the log it takes, the best of each time taken as 1."""

    @property
    def verdict(self) -> str:
        """In a word or two: holds, regressed, or why it failed."""
        if self.relative is None:
            return self.failure
        return "holds" if self.relative <= HOLDS else "regressed"


def remeasure(
    log: str | os.PathLike[str],
    pipeline: PipelineLike | None = None,
    target: str | hl.Target = "host",
    *,
    inputs: Mapping[str, Any] | None = None,
    top: int = 20,
    seed: int = 0,
    seconds: float = 10.0,
    into: str | os.PathLike[str] | None = None,
    device: Device | None = None,
) -> list[Remeasured]:
    """Measure the `top` fastest schedules of a log here and now, on this target and these sizes; fastest then first.

    `pipeline`: may be left out, for logs hold it.
    `seconds`: how long the race among those that run takes. `into`: a log to record them in, from which `tune` goes on.
    `device`: where, if not on this machine.
    Raises `LogError`, `MismatchError`, and what `tune` raises for wrong arguments.
    """
    if top < 1:
        raise ArgumentError(f"top must be at least 1, but is {top}")
    content = read_log(log)
    device = device if device is not None else ThisMachine()
    parsed = device.parse_target(target)
    snapshot = snapshot_for(content, str(log), pipeline, parsed, inputs)
    chosen = _fastest(content, snapshot.fingerprint, top)
    if not chosen:
        raise LogError(f"the log {str(log)!r} has no schedule of this pipeline that ran")
    machine = device.machine(parsed)
    with ExitStack() as stack:
        identity = identify(snapshot.fingerprint, snapshot.sizes, str(parsed), machine)
        journal = Journal.open(into, identity, snapshot, stack)
        limits = Limits()
        runner = device.open(Work(snapshot, parsed, inputs or {}, seed, limits))
        stack.callback(runner.close)
        stack.enter_context(journal.turn())
        measurer = Measurer(runner, limits, any_size=bool(snapshot.sizes.others))
        measurer.reference(Candidate(root_schedule(snapshot.algorithm)))
        found = _measure(measurer, [schedule for _, schedule in chosen])
        _record(journal, found, seed)
        runner.limit(limits)
        now = _race(runner, found, seconds, seed)
    return _judge(chosen, found, now)


def _measure(measurer: Measurer, schedules: Sequence[Schedule]) -> list[Measurement]:
    found: list[Measurement] = []
    for start in range(0, len(schedules), BATCH):
        found += measurer.measure([Candidate(one) for one in schedules[start : start + BATCH]], None)
    return found


def _record(journal: Journal, found: Sequence[Measurement], seed: int) -> None:
    """Put what was measured into the log, but for schedules that it holds already."""
    known = journal.measured()
    for one in found:
        schedule = one.candidate.schedule
        if schedule is not None and schedule.digest not in known:
            failure = one.failure.value if one.failure is not None else ""
            journal.add(
                TrialRecord(
                    journal.identity, SOURCE, schedule, None, one.times, failure, one.message, one.compile_seconds,
                    seed=seed, paces=one.paces, affinity=affinity(),
                )
            )  # fmt: skip


def _race(runner: Runner, found: Sequence[Measurement], seconds: float, seed: int) -> list[float | None]:
    """Seconds of each that ran, timed in turn with the others."""
    good = [number for number, one in enumerate(found) if one.times]
    race = run_race(
        runner, [Contender(str(n), found[n].candidate, found[n].candidate.schedule) for n in good], seconds, seed
    )
    now: list[float | None] = [None] * len(found)
    for number, row in zip(good, race.samples, strict=True):
        samples = [one for one in row if one is not None]
        now[number] = typical(samples) if samples else None
    return now


def _judge(
    chosen: Sequence[tuple[float, Schedule]], found: Sequence[Measurement], now: Sequence[float | None]
) -> list[Remeasured]:
    """Each schedule then and now, against the fastest of then and of now."""
    before, fastest = chosen[0][0], min((one for one in now if one is not None), default=1.0)
    rows = []
    for (recorded, schedule), one, seconds in zip(chosen, found, now, strict=True):
        if seconds is not None:
            relative = seconds / fastest / (recorded / before)
            rows.append(Remeasured(schedule, recorded, seconds, relative=relative))
        else:
            failure = one.failure.value if one.failure is not None else Failure.CRASH.value
            rows.append(Remeasured(schedule, recorded, None, failure, one.message or "it failed in the race"))
    return rows


def _fastest(content: LogContent, fingerprint: str, top: int) -> list[tuple[float, Schedule]]:
    """The fastest schedules and their seconds, all measured under one identity: that with the most trials."""
    groups: dict[object, dict[str, tuple[float, Schedule]]] = {}
    for record in content.trials:
        if record.identity.pipeline == fingerprint and record.ok and record.schedule is not None:
            group = groups.setdefault(record.identity, {})
            group.setdefault(record.schedule.digest, (record.seconds, record.schedule))
    largest = max(groups.values(), key=len, default={})
    return sorted(largest.values(), key=lambda one: one[0])[:top]


def table(rows: list[Remeasured]) -> str:
    """The rows as text, with a count of what holds."""
    lines = [f"{'':>4}{'in the log':>12}{'now':>12}{'relative':>10}  verdict"]
    for number, row in enumerate(rows, start=1):
        now = format_seconds(row.seconds) if row.seconds is not None else "-"
        relative = f"{row.relative:.2f}x" if row.relative is not None else "-"
        reason = f": {row.message}" if row.message else ""
        lines.append(f"{number:>4}{format_seconds(row.recorded):>12}{now:>12}{relative:>10}  {row.verdict}{reason}")
    holding = sum(row.verdict == "holds" for row in rows)
    failed = sum(row.seconds is None for row in rows)
    lines.append(f"{holding} of {len(rows)} hold, {len(rows) - holding - failed} regressed, {failed} failed")
    best = min((row for row in rows if row.seconds is not None), key=lambda row: row.seconds or 0.0, default=None)
    if best is not None:
        lines += ["", f"fastest now, {format_seconds(best.seconds or 0.0)}:", str(best.schedule)]
    return "\n".join(lines)
