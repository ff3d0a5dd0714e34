"""The pipelines in `records/`: which schedules were tried, and how long each took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import halide as hl

from autosearch.learning import Sample, sample_of
from autosearch.machine import read_target, this_machine
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.records.log import read_log
from autosearch.records.record import TrialRecord
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from benchmarks.pipelines import load

RECORDS = Path("records")
"""Random schedules."""
BRED = RECORDS / "bred"
"""What a search came to, from fewer random ones."""


@dataclass(frozen=True)
class Recorded:
    """A pipeline of `benchmarks.pipelines`, with what was tried of it."""

    name: str
    snapshot: Snapshot
    trials: Sequence[TrialRecord]

    @cached_property
    def timed(self) -> list[tuple[Schedule, float]]:
        """The schedules that ran, each once, with their seconds."""
        return list({one.schedule: one.seconds for one in self.trials if one.ok and one.schedule is not None}.items())

    def sample(self) -> Sample:
        """The schedules that ran, as features, with the vectors that they were compiled for."""
        machine = this_machine(read_target(self.trials[0].identity.target))
        return sample_of(self.name, self.timed, Structures(self.snapshot).derive, machine)


def read_records(*folders: Path, least: int = 1) -> list[Recorded]:
    """All pipelines of which there are logs, one or several, that hold at least so many schedules that ran."""
    target = hl.get_host_target()
    trials: dict[str, list[TrialRecord]] = {}
    for folder in folders or (RECORDS,):
        for path in sorted(folder.glob("*.jsonl.gz")):
            trials.setdefault(path.name.removesuffix(".jsonl.gz"), []).extend(read_log(path).trials)
    found = (Recorded(name, take(load(name).pipeline, target), own) for name, own in sorted(trials.items()))
    return [one for one in found if len(one.timed) >= least]
