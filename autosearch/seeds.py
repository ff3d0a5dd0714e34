"""What a search begins with besides what a strategy proposes: schedules that others made, as answers of the space."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from autosearch.baselines import dropout_samples
from autosearch.choices import STYLE, Chooser, FirstChooser, Option, Proposal, Replay, Trace, draw, kind_of
from autosearch.errors import InfeasibleError, ScheduleError
from autosearch.journal import Journal
from autosearch.measure.local import LocalRunner
from autosearch.measure.measurer import Stopwatch
from autosearch.pipeline.snapshot import Snapshot
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.space.imitate import adopt, imitate
from autosearch.strategies.base import Predict
from autosearch.strategies.genetic import Genetic

SAMPLES = 8
"""Schedules of Adams2019 at random among the seeds; fewer in short runs."""
SAMPLE_SECONDS, _SAMPLE_SHARE = 2.0, 0.05
"""Seconds that making them may take, and part of the time for the search."""
STYLED = (24, 64)
"""Schedules of each style among the seeds: the one expected to be fastest of so many. Few are all drawn, of many most are
bred: what is drawn rarely gets all right that hangs together, what is bred makes the most of where the model errs."""
_STYLED_SHARE, _IN_HASTE = 0.05, 4
"""Part of the time for the search that making these may take; then they are the best of so few."""
_TRIALS_EACH = 5
"""Trials for each of them, at least: shorter searches do without."""
_LIKELY = 0.1
"""Styles less likely than this, where the likeliest is 1, don't suit the pipeline."""


@dataclass(frozen=True)
class Seeds:
    """Brings schedules into a space; what that takes counts as thinking."""

    space: CpuSpace
    journal: Journal
    thinking: Stopwatch

    def imitated(self, baseline: str, schedule: Schedule) -> Trace | None:
        """The trace of a baseline's schedule, where the space holds it exactly: what the rules can't make it takes over."""
        with self.thinking:
            try:
                imitation = adopt(self.space, baseline, schedule)
            except ScheduleError:
                return None
        return imitation.trace if imitation.exact else None

    def adopt_again(self) -> None:
        """Let the space hold what it has taken over when the log's baselines were measured."""
        for record in self.journal.trials:
            adopted = record.trace is not None and any(kind_of(key) == "as" for key, _ in record.trace)
            if record.baseline and record.schedule is not None and adopted:
                self.imitated(record.baseline, record.schedule)

    def inexact(self) -> list[Proposal]:
        """The nearest that the space holds to baselines that it doesn't hold exactly."""
        records = (one for one in self.journal.trials if one.baseline and one.ok and one.trace is None)
        return self._nearest([record.schedule for record in records if record.schedule is not None])

    def sampled(
        self, compiler: Callable[[], LocalRunner], snapshot: Snapshot, cores: int, trials: int, seconds_left: float
    ) -> list[Proposal]:
        """What the space holds that is nearest to a few of the many schedules that Adams2019 makes at random.

        `compiler` gives where it runs; none where the search has begun before, or is too short.
        """
        count = min(SAMPLES, trials // SAMPLES)
        seconds = min(SAMPLE_SECONDS, _SAMPLE_SHARE * seconds_left)
        if any(not record.baseline for record in self.journal.trials) or count == 0 or seconds <= 0:
            return []
        return self._nearest(dropout_samples(compiler(), snapshot, cores, count, seconds))

    def styled(self, seed: int, trials: int, seconds_left: float, predict: Predict) -> list[Proposal]:
        """A few schedules of each style that suits the pipeline; none where the search has begun before, or is too short.

        `seconds_left` of the search: of these it takes a small share, and looks at fewer when that is over.
        """
        before, generator = self.thinking.seconds, random.Random(seed)
        with self.thinking:
            styles = self._styles()
        least = _TRIALS_EACH * len(STYLED) * len(styles)
        if any(not record.baseline for record in self.journal.trials) or trials < least:
            return []
        found: dict[str, Proposal] = {}
        for many in STYLED:
            for style in styles:
                late = self.thinking.seconds - before > _STYLED_SHARE * seconds_left
                with self.thinking:
                    best = self._of_style(style, _IN_HASTE if late else many, generator.randrange(1 << 30), predict)
                if best is not None:
                    found.setdefault(best.schedule.digest, best)
        measured = self.journal.measured()
        return [seed for digest, seed in found.items() if digest not in measured]

    def _styles(self) -> list[Option]:
        asked = _Styles()
        with suppress(InfeasibleError):
            self.space.build(asked)
        return asked.likely

    def _of_style(self, style: Option, many: int, seed: int, predict: Predict) -> Proposal | None:
        """The one of so many that is expected to be fastest; None where nothing of this style is found."""
        made = Genetic(_InStyle(self.space, style), seed, first=0).propose(many, predict)
        if not made:
            return None
        expected = predict(made)
        best = made[min(range(len(made)), key=expected.__getitem__)]
        return draw(self.space, Replay({STYLE: style, **best.trace.by_key}, FirstChooser()))

    def _nearest(self, schedules: Sequence[Schedule]) -> list[Proposal]:
        """What the space holds that is nearest to each and was not measured, each once."""
        found: dict[str, Proposal] = {}
        for schedule in schedules:
            with self.thinking:
                try:
                    imitation = imitate(self.space, schedule)
                except (ScheduleError, InfeasibleError):
                    continue
            found[imitation.schedule.digest] = Proposal(imitation.trace, imitation.schedule)
        measured = self.journal.measured()
        return [seed for digest, seed in found.items() if digest not in measured]


@dataclass(frozen=True)
class _InStyle:
    """What a space holds of one style, which isn't asked."""

    space: CpuSpace
    style: Option

    def build(self, chooser: Chooser) -> Schedule:
        return self.space.build(Replay({STYLE: self.style}, chooser))


class _Styles(FirstChooser):
    """Remembers which styles suit the pipeline."""

    def __init__(self) -> None:
        self.likely: list[Option] = []

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if key == STYLE and weights is not None:
            self.likely = [one for one, weight in zip(options, weights, strict=True) if weight >= _LIKELY * max(weights)]
        return super().choose(key, options, weights)
