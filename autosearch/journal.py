"""The records of a run and of those before it: what resumes a run that was cut off."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from autosearch.errors import MismatchError
from autosearch.pipeline.fingerprint import describe_difference
from autosearch.pipeline.snapshot import Snapshot
from autosearch.pipeline.stored import store
from autosearch.records.identity import Identity
from autosearch.records.log import Log, LogContent
from autosearch.records.record import MinimalRecord, PipelineRecord, RaceRecord, TrialRecord


class Journal:
    """The records of this run and of those before it, in memory and, if there is a log, on disk."""

    def __init__(self, log: Log | None, identity: Identity, before: LogContent) -> None:
        self._log = log
        self.identity = identity
        self.trials: list[TrialRecord] = list(before.trials)
        self.race: RaceRecord | None = before.races[-1] if before.races else None
        self.minimal: MinimalRecord | None = before.minimal[-1] if before.minimal else None

    @staticmethod
    def open(path: str | os.PathLike[str] | None, identity: Identity, snapshot: Snapshot, stack: ExitStack) -> Journal:
        if path is None:
            return Journal(None, identity, LogContent())
        log = Log(Path(path))
        stack.callback(log.close)
        content = log.read()
        refuse_other_algorithm(content, snapshot, str(path))
        name = snapshot.algorithm.outputs[0]
        sizes = snapshot.sizes.to_json()
        if not any((one.pipeline, one.sizes) == (snapshot.fingerprint, sizes) for one in content.pipelines):
            log.append(PipelineRecord(snapshot.fingerprint, name, snapshot.func_digests, sizes, store(snapshot)))
        return Journal(log, identity, content.of(identity))

    @contextmanager
    def turn(self, patience: float = math.inf) -> Iterator[list[TrialRecord] | None]:
        """Measure while no other tuner with this log does, so that neither disturbs or repeats what the other measures.

        Gives the trials that others have recorded since the last turn, by now among `trials`; None where they didn't
        let go within `patience` seconds.
        """
        if self._log is None:
            yield []
            return
        with self._log.turn(patience) as taken:
            if not taken:
                yield None
                return
            news = self._log.news().of(self.identity)
            self.trials += news.trials
            self.race = news.races[-1] if news.races else self.race
            self.minimal = news.minimal[-1] if news.minimal else self.minimal
            yield list(news.trials)

    def add(self, record: TrialRecord | RaceRecord | MinimalRecord) -> None:
        """Keep a record, on disk first."""
        if self._log is not None:
            self._log.append(record)
        if isinstance(record, RaceRecord):
            self.race = record
        elif isinstance(record, MinimalRecord):
            self.minimal = record
        else:
            self.trials.append(record)

    @property
    def count(self) -> int:
        """Trials so far, baselines aside."""
        return sum(1 for record in self.trials if not record.baseline)

    def measured(self) -> set[str]:
        """Digests of all schedules that have been tried."""
        return {record.schedule.digest for record in self.trials if record.schedule is not None}

    def baseline(self, name: str) -> TrialRecord | None:
        return next((record for record in self.trials if record.baseline == name), None)

    def best(self) -> float | None:
        """Seconds of the fastest so far."""
        return min((record.seconds for record in self.trials if record.ok), default=None)


def refuse_other_algorithm(content: LogContent, snapshot: Snapshot, path: str) -> None:
    """Raise `MismatchError` where a log holds only trials of another algorithm, naming what differs."""
    if content.pipeline(snapshot.fingerprint) is not None:
        return
    recorded = {trial.identity.pipeline for trial in content.trials} | {one.pipeline for one in content.pipelines}
    if not recorded or snapshot.fingerprint in recorded:
        return
    other = content.pipelines[-1] if content.pipelines else None
    difference = describe_difference(other.funcs, snapshot.algorithm) if other is not None else ""
    raise MismatchError(
        f"the log {path!r} is of another algorithm: {difference or 'its inputs or outputs differ'}; use another log"
    )
