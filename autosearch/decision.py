"""How a search ends: the fastest trials and all baselines race, and what wins must be right elsewhere too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autosearch.baselines import ROOT, root_schedule
from autosearch.contenders import LEAST_FINALISTS, compilation, contenders
from autosearch.finalists import Race, confirm, heats, run_race, seconds_beyond
from autosearch.journal import Journal
from autosearch.measure.measurer import Measurer
from autosearch.measure.protocol import Candidate, Inputs, Runner
from autosearch.pipeline.snapshot import Snapshot
from autosearch.records.record import RaceRecord
from autosearch.schedule.schedule import Schedule
from autosearch.settings import Settings
from autosearch.spaces import keeps


@dataclass(frozen=True)
class Decision:
    """Decides among what the journal holds, and writes it there."""

    snapshot: Snapshot
    journal: Journal
    settings: Settings
    kept: Mapping[str, Schedule]
    note: Callable[[str], None]
    """Called with what the user should know."""
    progress: Callable[[], None]
    """Called in the beginning."""

    def made(self) -> bool:
        """Whether the journal holds the race of all that there is to race, and of nothing that must not win."""
        race = self.journal.race
        if race is None or race.after != self.journal.count:
            return False
        baselines = {record.baseline for record in self.journal.trials}
        finalists = max(LEAST_FINALISTS, sum(name not in baselines for name, _ in race.contenders))
        wanted = {one.name for one in contenders(self.journal.trials, self.snapshot, self.kept, finalists)}
        return wanted <= {name for name, _ in race.contenders} and all(
            schedule is None or keeps(schedule, self.kept) for _, schedule in race.contenders
        )

    def search_seconds_left(self, measurer: Measurer) -> float:
        """Seconds until the race should start: who takes part may have to be compiled, and be slow."""
        finalists, seconds = self._compilation(measurer)
        best = self.journal.best()
        racing = [record.seconds for record in self.journal.trials if record.ok and record.baseline]
        if best is not None:
            known = [*racing, *[best] * finalists]
            seconds += seconds_beyond(known, self.settings.race_seconds(), heats(measurer.runner))
            seconds += self._confirmation()
        return self.settings.search_seconds_left(seconds)

    def make(self, measurer: Measurer) -> None:
        """Time the best trials and all baselines in turn, unless that was done since the last trial."""
        if self.made():
            return
        runner = measurer.runner
        runner.limit(self.settings.limits)
        finalists, _ = self._compilation(measurer)
        taking_part = contenders(self.journal.trials, self.snapshot, self.kept, finalists)
        if not taking_part:
            return
        self.progress()
        race = run_race(runner, taking_part, self.settings.race_seconds(), self.settings.seed, self.settings.cold)
        race = self._confirmed(runner, race)
        self.journal.add(
            RaceRecord(
                self.journal.identity,
                tuple((one.name, one.schedule) for one in race.contenders),
                race.samples,
                self.settings.elapsed(),
                self.journal.count,
                race.failures,
                race.by_size,
                race.linked,
            )
        )

    def _compilation(self, measurer: Measurer) -> tuple[int, float]:
        """How many finalists race, and the seconds that compiling takes."""
        return compilation(
            self.journal.trials,
            self.settings.compilation_seconds(),
            heats(measurer.runner),
            measurer.standing.holds,
        )

    def _confirmation(self) -> float:
        """Seconds that checking the winner takes, which is done where it is known what is right; else 0."""
        root = self.journal.baseline(ROOT)
        return len(Inputs) * root.seconds if root is not None and root.ok else 0.0

    def _confirmed(self, runner: Runner, race: Race) -> Race:
        """The race with a winner that is right elsewhere too; unchecked where there is no time for it."""
        if not 0.0 < self._confirmation() <= self.settings.patience():
            return race
        any_size = bool(self.snapshot.sizes.others)
        race = confirm(runner, race, Candidate(root_schedule(self.snapshot.algorithm)), any_size)
        for name, reason in race.failures.items():
            self.note(f"{name} is out of the race: {reason}")
        return race
