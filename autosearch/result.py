"""What tuning found: the best schedule, how it compares with each baseline, and how to use it.

A result is made from records alone, by `tune` and by `replay` alike, so that both say the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import halide as hl

from autosearch.errors import BaselineFailed, MeasureError, MismatchError, ScheduleError
from autosearch.measure.statistics import (
    Ratio,
    fastest_of,
    paired_ratio,
    present,
    shared_rounds,
    typical,
    unpaired_ratio,
)
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.fingerprint import describe_difference, fingerprint
from autosearch.pipeline.snapshot import Snapshot, read_algorithm
from autosearch.pipeline.source import PipelineLike, to_pipeline
from autosearch.progress import format_seconds
from autosearch.records.frame import to_frame
from autosearch.records.record import MinimalRecord, RaceRecord, TrialRecord
from autosearch.schedule.apply import apply
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.stated import self_contained

if TYPE_CHECKING:  # it takes a second to import
    import pandas as pd


class Baselines(Mapping[str, float]):
    """Seconds of each baseline that could be measured; `failures` says why the others could not, `notes` how they ran."""

    def __init__(self, seconds: Mapping[str, float], failures: Mapping[str, str], notes: Mapping[str, str]) -> None:
        self._seconds = dict(seconds)
        self.failures = dict(failures)
        self.notes = dict(notes)

    def __getitem__(self, name: str) -> float:
        """Seconds of baseline `name`. Raises `BaselineFailed` with the reason where it could not be measured."""
        if name in self._seconds:
            return self._seconds[name]
        if name in self.failures:
            raise BaselineFailed(f"baseline {name} could not be measured: {self.failures[name]}")
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._seconds

    def __iter__(self) -> Iterator[str]:
        return iter(self._seconds)

    def __len__(self) -> int:
        return len(self._seconds)

    def __repr__(self) -> str:
        lines = [f"{name}: {format_seconds(seconds)}" for name, seconds in self._seconds.items()]
        lines += [f"{name}: failed ({reason})" for name, reason in self.failures.items()]
        return "Baselines(" + ", ".join(lines) + ")"


@dataclass(frozen=True)
class Overhead:
    """Where the wall time of a run went, in seconds."""

    total: float = 0.0
    thinking: float = 0.0
    """Proposing, featurizing and modelling."""


@dataclass(frozen=True)
class AtSize:
    """The best schedule at one of the sizes that were tuned for."""

    outputs: Mapping[str, tuple[int, ...]]
    """Extents by name."""
    seconds: float
    speedups: Mapping[str, Ratio]
    """Over each baseline that ran in the race."""

    def __str__(self) -> str:
        return ", ".join(" x ".join(map(str, shape)) for shape in self.outputs.values())


@dataclass(frozen=True)
class Result:
    """The outcome of `tune` or `replay`."""

    snapshot: Snapshot
    target: str
    records: tuple[TrialRecord, ...]
    race: RaceRecord | None
    overhead: Overhead = Overhead()
    shortened: MinimalRecord | None = None
    """What `minimize` found of the best schedule, if it was asked."""

    # What was found ------------------------------------------------------------------------------------------------

    @cached_property
    def best(self) -> Schedule:
        """The fastest schedule: the race's winner, or where there was no race, that of the fastest trial."""
        return self._winner[0]

    @property
    def halide_target(self) -> hl.Target:
        """What it was tuned for."""
        return hl.Target(self.target)

    @property
    def schedule(self) -> Schedule:
        """What is exported and applied: the best schedule, in its shortest form where that was looked for.

        It states the bounds that the pipeline stated when it was tuned.
        """
        best = self.best
        if self.shortened is not None and self.shortened.whole == best:
            best = self.shortened.schedule
        return self_contained(best, self.snapshot.algorithm)

    @property
    def best_time(self) -> float:
        """Seconds that one run takes with the best schedule: the median in the race, or of its trial.

        Where several sizes were tuned for, it is the geometric mean over these; see `at_sizes`.
        """
        return typical(self._winner[1])

    @cached_property
    def _winner(self) -> tuple[Schedule, Sequence[float]]:
        if self.race is not None:
            known = [n for n, (_, schedule) in enumerate(self.race.contenders) if schedule is not None]
            fastest = fastest_of([self.race.samples[n] for n in known])
            if fastest is not None:
                schedule = self.race.contenders[known[fastest]][1]
                assert schedule is not None
                return schedule, present(self.race.samples[known[fastest]])
        timed = [record for record in self.records if record.ok and record.schedule is not None]
        if not timed:
            raise MeasureError("no schedule could be measured, so there is no best one")
        record = min(timed, key=lambda one: one.seconds)
        assert record.schedule is not None
        return record.schedule, record.samples

    @cached_property
    def baselines(self) -> Baselines:
        """The baselines by name: seconds, or why there are none."""
        seconds: dict[str, float] = {}
        failures: dict[str, str] = {}
        notes: dict[str, str] = {}
        for record in self.records:
            if not record.baseline:
                continue
            if record.ok:
                row = self._race_row(record.baseline)
                seconds[record.baseline] = typical(row) if row else record.seconds
            else:
                failures[record.baseline] = f"{record.failure}: {record.message}"
            if record.note:
                notes[record.baseline] = record.note
        return Baselines(seconds, failures, notes)

    def speedup(self, name: str) -> Ratio:
        """How many times faster the best schedule is than baseline `name`, with a 95 % confidence interval.

        From the race, where both were timed in turn. Raises `BaselineFailed`, or `KeyError` for an unknown name.
        """
        self.baselines[name]
        if self.race is not None:
            names = [contender for contender, _ in self.race.contenders]
            winner = self._winner_place()
            if name in names and winner is not None:
                rows = self.race.samples[names.index(name)], self.race.samples[winner]
                if shared_rounds(*rows):
                    return paired_ratio(*rows)
        record = next(one for one in self.records if one.baseline == name and one.ok)
        return unpaired_ratio(record.samples, self._winner[1])

    @cached_property
    def at_sizes(self) -> tuple[AtSize, ...]:
        """How it stands at each size where several were tuned for, the largest first; from the race, without one empty."""
        winner = self._winner_place() if self.race is not None else None
        if self.race is None or winner is None or not self.race.by_size:
            return ()
        found = []
        for size, sizes in enumerate(self.snapshot.sizes.each):
            own = self.race.at_size(winner, size)
            ratios = {}
            for place, (name, _) in enumerate(self.race.contenders):
                row = self.race.at_size(place, size)
                if name in self.baselines and shared_rounds(row, own):
                    ratios[name] = paired_ratio(row, own)
            outputs = {name: extents(box) for name, box in sizes.outputs.items()}
            found.append(AtSize(outputs, typical(present(own)), ratios))
        return tuple(found)

    @cached_property
    def ties(self) -> tuple[str, ...]:
        """Who else in the race can't be told apart from the winner: the time for it was up before that was clear."""
        winner = self._winner_place() if self.race is not None else None
        if self.race is None or winner is None:
            return ()
        names = []
        for place, (name, _) in enumerate(self.race.contenders):
            rows = self.race.samples[place], self.race.samples[winner]
            if place != winner and shared_rounds(*rows) and not paired_ratio(*rows).significant:
                names.append(name)
        return tuple(names)

    def _winner_place(self) -> int | None:
        assert self.race is not None
        for place, (_, schedule) in enumerate(self.race.contenders):
            if schedule == self.best and present(self.race.samples[place]):
                return place
        return None

    def _race_row(self, name: str) -> list[float]:
        if self.race is not None:
            for (contender, _), row in zip(self.race.contenders, self.race.samples, strict=True):
                if contender == name:
                    return present(row)
        return []

    @property
    def best_baseline(self) -> str | None:
        """Name of the fastest baseline."""
        return min(self.baselines, key=self.baselines.__getitem__, default=None)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """Every candidate measured, in order, baselines included: one row each."""
        return to_frame(self.records)

    def summary(self) -> str:
        """The result in a few lines: times, speed-ups with intervals, failures."""
        failed = sum(1 for record in self.records if not record.ok and not record.baseline)
        count = sum(1 for record in self.records if not record.baseline)
        others = "another" if len(self.ties) == 1 else f"{len(self.ties)} others"
        tie = f", in a tie with {others} of the race" if self.ties else ""
        lines = [f"best of {count} trials ({failed} failed): {format_seconds(self.best_time)}{tie}"]
        for name, seconds in sorted(self.baselines.items(), key=lambda item: item[1]):
            ratio = self.speedup(name)
            verdict = "" if ratio.significant else "  (no significant difference)"
            note = f"  [{self.baselines.notes[name]}]" if name in self.baselines.notes else ""
            lines.append(f"  {ratio!s:>22} over {name} ({format_seconds(seconds)}){verdict}{note}")
        for name, reason in self.baselines.failures.items():
            lines.append(f"  {name} failed: {reason}")
        for one in self.at_sizes:
            over = min(one.speedups.items(), key=lambda item: item[1].value, default=None)
            text = f", {over[1]} over {over[0]}" if over is not None else ""
            lines.append(f"  at {one}: {format_seconds(one.seconds)}{text}")
        return "\n".join(lines)

    # Using it ------------------------------------------------------------------------------------------------------

    def apply(self, pipeline: PipelineLike) -> None:
        """Put the best schedule on the user's own pipeline (an hl.Pipeline, an hl.Func or a list of Funcs).

        Raises `MismatchError` where it is another algorithm, `ScheduleError` where it already carries a schedule.
        """
        apply_checked(self.schedule, pipeline, self.snapshot, self.target)

    def compile(self) -> Callable[..., int]:
        """A callable kernel with the best schedule: call it with all inputs, then all outputs.

        Inputs come in the order of `pipeline.infer_arguments()`, as Halide orders them: arrays by name, then scalars by
        name. Arguments are numpy arrays (`[y, x]` for a Func of `(x, y)`), `hl.Buffer`s or scalars.
        """
        pipeline = self.snapshot.fresh()
        apply(self.schedule, pipeline, self.snapshot.algorithm)
        function: Callable[..., int] = pipeline.compile_to_callable(pipeline.infer_arguments(), hl.Target(self.target))
        return function

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write the schedule as `.h` (a C++ header), `.cpp` (source to paste), `.py` (Python) or `.json`.

        Raises `ExportError`.
        """
        from autosearch.export import export

        export(self, path)

    def __repr__(self) -> str:
        return f"<autosearch.Result: {self.summary()}>"


def apply_checked(schedule: Schedule, pipeline: PipelineLike, expected: Snapshot, target: str) -> None:
    """Apply a schedule to a pipeline after making sure that it is the algorithm `expected`, and unscheduled."""
    if not isinstance(pipeline, (hl.Pipeline, hl.Func, list, tuple)):
        raise ScheduleError("apply() needs the object to schedule: an hl.Pipeline, an hl.Func or a list of Funcs")
    handle = to_pipeline(pipeline, hl.Target(target))
    algorithm, scheduled = read_algorithm(handle, hl.Target(target))
    if fingerprint(algorithm) != expected.fingerprint:
        difference = describe_difference(expected.func_digests, algorithm) or "its inputs or outputs differ"
        raise MismatchError(f"the schedule is for another algorithm: {difference}; tune this one anew")
    if scheduled:
        raise ScheduleError("the pipeline already carries a schedule, and Halide can't undo one: build it without")
    apply(schedule, handle, algorithm)
