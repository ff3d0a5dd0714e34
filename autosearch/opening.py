"""What is measured before the search begins: the baselines, the reference output among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from autosearch.baselines import (
    ADAMS,
    DEFAULT,
    ROOT,
    Baseline,
    autoscheduled_baselines,
    fixed_baselines,
    limits_of_default,
    root_schedule,
)
from autosearch.journal import Journal
from autosearch.machine import affinity
from autosearch.measure.local import LocalRunner
from autosearch.measure.measurer import Measurement, Measurer
from autosearch.measure.protocol import Candidate
from autosearch.pipeline.snapshot import Snapshot
from autosearch.records.record import TrialRecord
from autosearch.seeds import Seeds
from autosearch.settings import Settings

_SHARE = 0.2
"""Of the time left, what each autoscheduler may take."""
_MOST, _LEAST, _FOR_EACH_TRIAL = 90.0, 15.0, 0.15
"""Seconds: no more than the first; in searches that are limited by trials, so many and so many more for each."""


@dataclass(frozen=True)
class Opening:
    """Measures what the journal doesn't hold yet."""

    snapshot: Snapshot
    cores: int
    journal: Journal
    settings: Settings
    seeds: Seeds
    compiler: Callable[[], LocalRunner]
    """Where autoschedulers run."""
    progress: Callable[[], None]
    """Called in the beginning, and after each."""

    def measure(self, measurer: Measurer) -> None:
        """Make root's output the reference, and measure all baselines. Raises `MeasureError` where root can't be run."""
        self.progress()
        root = root_schedule(self.snapshot.algorithm)
        reference = measurer.reference(Candidate(root))
        if self.journal.baseline(ROOT) is None:
            self._add(Baseline(ROOT, Candidate(root), root), reference)
        brief = limits_of_default(self.settings.limits, reference.compile_seconds, reference.seconds)
        for baselines in self._missing():
            limits = brief if [one.name for one in baselines] == [DEFAULT] else None
            measurable = [(one, one.candidate) for one in baselines if one.candidate is not None]
            for one in baselines:
                if one.candidate is None:
                    self._add(one, None)
            found = list(measurer.measure([candidate for _, candidate in measurable], None, baselines=True, limits=limits))
            for (one, _), measurement in zip(measurable, found, strict=True):
                self._add(*self._or_instead(measurer, one, measurement))

    def _or_instead(self, measurer: Measurer, one: Baseline, measurement: Measurement) -> tuple[Baseline, Measurement]:
        """A baseline as measured, or what is there for it where that failed."""
        other = one.instead
        if measurement.failure is None or other is None or other.candidate is None:
            return one, measurement
        (again,) = measurer.measure([other.candidate], None, baselines=True)
        reason, _, _ = measurement.message.partition("\n")
        return replace(other, note=f"{other.note}: {reason}"), again

    def _missing(self) -> Iterator[list[Baseline]]:
        yield from ([one] for one in fixed_baselines(self.snapshot) if self.journal.baseline(one.name) is None)
        if self.journal.baseline(ADAMS) is None:
            seconds = min(
                _MOST,
                _LEAST + _FOR_EACH_TRIAL * self.settings.trials,
                _SHARE * max(5.0, self.settings.search_seconds_left()),
            )
            yield autoscheduled_baselines(self.compiler(), self.snapshot, self.cores, seconds)

    def _add(self, baseline: Baseline, measurement: Measurement | None) -> None:
        failure = baseline.failure if measurement is None else measurement.failure
        schedule = baseline.schedule
        self.journal.add(
            TrialRecord(
                self.journal.identity,
                "baseline",
                schedule,
                self.seeds.imitated(baseline.name, schedule) if schedule is not None else None,
                measurement.times if measurement is not None else (),
                failure.value if failure is not None else "",
                baseline.message if measurement is None else measurement.message,
                measurement.compile_seconds if measurement is not None else 0.0,
                self.settings.elapsed(),
                self.settings.seed,
                baseline.name,
                baseline.note,
                paces=measurement.paces if measurement is not None else (),
                affinity=affinity(),
            )
        )
        self.progress()
