"""The winner without the directives that don't matter: what is handed over is as short as it can be, and no slower.

Directives are left out one by one, each way timed against the whole schedule in turn. What takes no longer is left out
together, as many at once as that holds for; then again, until nothing more can go. A race decides in the end how much
may go, and the outcome is checked like any winner.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import halide as hl

from autosearch.baselines import root_schedule
from autosearch.errors import ArgumentError
from autosearch.finalists import Contender, Race, confirm, run_race
from autosearch.measure.device import Device, ThisMachine, Work
from autosearch.measure.measurer import Measurer
from autosearch.measure.protocol import Candidate, Effort, Limits, Runner
from autosearch.measure.statistics import paired_ratio
from autosearch.pipeline.ir import Algorithm
from autosearch.pipeline.source import PipelineLike
from autosearch.records.log import Log
from autosearch.records.record import MinimalRecord
from autosearch.replayer import replay
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.shorthand import length, renamed
from autosearch.schedule.simplify import Edit, edits, leave_out, union, without_idle

THRESHOLD = 0.02
"""How much longer the shorter schedule may take, as a share."""
ROUNDS = 8
RACE_SECONDS = 8.0
_BATCH = 8
_EFFORT = Effort(samples=12, seconds=0.15)


class Pacer:
    """Times schedules against one of known time, in turn with it."""

    def __init__(self, runner: Runner, whole: Schedule, seconds: float, reference: Schedule) -> None:
        """`reference` defines what is right."""
        self._measurer = Measurer(runner, Limits(), _EFFORT)
        self._measurer.reference(Candidate(reference))
        self._seconds = seconds
        self._measurer.anchors.set_base(Candidate(whole), seconds)

    def ratios(self, schedules: Sequence[Schedule]) -> list[float | None]:
        """For each its time over that of the one of known time; None where it failed."""
        found: list[float | None] = []
        for start in range(0, len(schedules), _BATCH):
            batch = [Candidate(one) for one in schedules[start : start + _BATCH]]
            for measured in self._measurer.measure(batch, self._seconds):
                found.append(measured.seconds / self._seconds if measured.times else None)
        return found


def minimize(
    result: Result,
    *,
    threshold: float = THRESHOLD,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    device: Device | None = None,
) -> MinimalRecord:
    """The shortest form of a result's best schedule that takes at most `threshold` (a share) longer, timed here and now.

    `inputs`, `seed`, `tolerance` and `device` as for `tune`. Raises `ArgumentError`, `TargetError` or `MeasureError`.
    """
    if not 0 <= threshold < 1:
        raise ArgumentError(f"threshold must be a share from 0 up to 1, but is {threshold!r}")
    device = device if device is not None else ThisMachine()
    target = device.parse_target(result.target)
    work = Work(result.snapshot, target, inputs or {}, seed, Limits(), tolerance)
    reference = root_schedule(result.snapshot.algorithm)
    with ExitStack() as stack:
        runner = device.open(work)
        stack.callback(runner.close)
        pacer = Pacer(runner, result.best, result.best_time, reference)
        forms = _shorter(pacer, result.best, result.snapshot.algorithm, threshold)
        race = _race(runner, [result.best, *forms], seed)
        place = _chosen(runner, race, threshold, reference, bool(result.snapshot.sizes.others))
    rows = race.samples[place], race.samples[0]
    schedule = race.contenders[place].schedule
    assert schedule is not None
    return MinimalRecord(result.records[0].identity, result.best, schedule, (rows[0], rows[1]))


def minimize_log(
    log: str | os.PathLike[str],
    pipeline: PipelineLike | None = None,
    target: str | hl.Target | None = None,
    *,
    threshold: float = THRESHOLD,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    device: Device | None = None,
) -> tuple[Result, MinimalRecord]:
    """`minimize` for the result of a log, which keeps the outcome. Raises what `replay` and `minimize` raise, `LogError`."""
    result = replay(log, pipeline, target, inputs=inputs)
    record = minimize(result, threshold=threshold, inputs=inputs, seed=seed, tolerance=tolerance, device=device)
    file = Log(log)
    try:
        file.append(record)
    finally:
        file.close()
    return replace(result, shortened=record), record


def _shorter(pacer: Pacer, whole: Schedule, algorithm: Algorithm, threshold: float) -> list[Schedule]:
    """Ever shorter forms of a schedule that seem no slower."""
    current = without_idle(renamed(whole), algorithm)
    forms = [current]
    tried = {whole.digest}
    for _ in range(ROUNDS):
        options = list(_options(current, algorithm, tried))
        ratios = pacer.ratios([one for _, one in options])
        harmless = [
            (length(one), ratio, edit)
            for (edit, one), ratio in zip(options, ratios, strict=True)
            if ratio is not None and ratio <= 1 + threshold
        ]
        tried |= {one.digest for (_, one), ratio in zip(options, ratios, strict=True) if ratio is None}
        harmless.sort(key=lambda each: each[:2])
        shorter = _together(pacer, current, algorithm, [edit for *_, edit in harmless], threshold)
        if shorter is None:
            break
        current = shorter
        forms.append(current)
    return forms


def _options(current: Schedule, algorithm: Algorithm, tried: Iterable[str]) -> Iterable[tuple[Edit, Schedule]]:
    """Schedules with something left out that were not tried in vain, each once."""
    seen = {current.digest, *tried}
    for edit in edits(current):
        one = _left(current, edit, algorithm)
        if one is not None and one.digest not in seen and length(one) < length(current):
            seen.add(one.digest)
            yield edit, one


def _left(current: Schedule, edit: Edit, algorithm: Algorithm) -> Schedule | None:
    left = leave_out(current, edit)
    return None if left is None else without_idle(left, algorithm)


def _together(
    pacer: Pacer, current: Schedule, algorithm: Algorithm, harmless: Sequence[Edit], threshold: float
) -> Schedule | None:
    """The schedule without as many of these directives at once as is no slower."""
    many = len(harmless)
    while many:
        shorter = _left(current, union(harmless[:many]), algorithm)
        if shorter is not None and shorter != current:
            (ratio,) = pacer.ratios([shorter])
            if ratio is not None and ratio <= 1 + threshold:
                return shorter
        many //= 2
    return None


def _race(runner: Runner, schedules: Sequence[Schedule], seed: int) -> Race:
    names = ["whole", *(f"shorter {number}" for number in range(1, len(schedules)))]
    contenders = [Contender(name, Candidate(one), one) for name, one in zip(names, schedules, strict=True)]
    runner.limit(Limits())
    return run_race(runner, contenders, RACE_SECONDS, seed)


def _chosen(runner: Runner, race: Race, threshold: float, reference: Schedule, any_size: bool) -> int:
    """The place of the shortest in a race that is fast enough, and right on other inputs too; the whole one is."""
    for place in reversed(range(1, len(race.contenders))):
        row, whole = race.samples[place], race.samples[0]
        if not any(row) or not any(whole) or paired_ratio(row, whole).value > 1 + threshold:
            continue
        alone = Race((race.contenders[place],), (row,))
        if confirm(runner, alone, Candidate(reference), any_size).fastest is not None:
            return place
    return 0
