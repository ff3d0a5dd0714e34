"""The loop that ties the parts together: propose, prune, measure, record, learn; at the end, the race."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any

import halide as hl

from autosearch.choices import Proposal, Trace
from autosearch.contenders import FINALISTS, baseline_contender
from autosearch.cost_model.base import CostModel
from autosearch.cost_model.learner import Learner
from autosearch.cost_model.prior import load_prior, shipped_prior
from autosearch.cost_model.pruner import Pruner
from autosearch.decision import Decision
from autosearch.interrupts import Interrupts
from autosearch.journal import Journal
from autosearch.machine import Machine, affinity
from autosearch.measure.device import Device, ThisMachine, Work
from autosearch.measure.local import LocalRunner
from autosearch.measure.measurer import Measurer, Stopwatch
from autosearch.measure.protocol import Candidate, Effort, Runner
from autosearch.opening import Opening
from autosearch.pacing import how_many
from autosearch.pipeline.several import SizesLike
from autosearch.pipeline.snapshot import take
from autosearch.pipeline.source import PipelineLike
from autosearch.progress import Reporter, Status, default_reporter
from autosearch.records.identity import identify
from autosearch.records.record import SEED, TrialRecord
from autosearch.result import Overhead, Result
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.specialize import where_tiles_fit
from autosearch.seeds import Seeds
from autosearch.settings import Settings, check_arguments, check_model
from autosearch.space.cpu import CpuSpace
from autosearch.spaces import TemplateFunction, kept_schedules, make_space
from autosearch.strategies import Result as Observation
from autosearch.strategies import StrategyFactory, make_strategy

BATCH = 8
FIRST_LOOK = 8 * BATCH
"""How many proposals the first batch that is ranked is picked from, at most; as many as there are trials."""
SPECIALIZED = 3
"""How many of the fastest schedules are tried in a version for large outputs, where several sizes are tuned for."""
_COURTESY = 0.05
"""Seconds after a batch in which another tuner with the same log may take its turn."""


def tune(
    pipeline: PipelineLike,
    target: str | hl.Target = "host",
    trials: int = 2000,
    *,
    inputs: Mapping[str, Any] | None = None,
    log: str | os.PathLike[str] | None = None,
    strategy: str | StrategyFactory = "portfolio",
    seed: int = 0,
    timeout: float | None = None,
    progress: bool | Reporter = True,
    cost_model: bool | CostModel = True,
    prior: str | os.PathLike[str] | None = None,
    tolerance: float | None = None,
    cold_cache: bool = False,
    keep: Sequence[str] | str = (),
    template: TemplateFunction | None = None,
    device: Device | None = None,
    sizes: SizesLike | None = None,
) -> Result:
    """Search for a fast schedule of a Halide pipeline by compiling and timing real kernels.

    pipeline: an `hl.Pipeline`, an `hl.Func`, a list of output Funcs, a Python generator class, the path of a `.hlpipe`
        file, or a function without arguments that builds one of these. It is left untouched. A schedule that it
        carries becomes the baseline "given".
    target: a Halide target that this machine can run.
    trials: how many schedules to measure, those that the log already holds included.
    inputs: arrays (numpy order) and scalars by name, to take sizes from and to time on; else the pipeline's estimates
        say the sizes, and random values are used.
    log: the file to record every trial in. What it holds of the same pipeline, sizes, target and machine counts.
    strategy: one of `autosearch.strategies.STRATEGIES` ("portfolio", "genetic", "tree", "bayesian", "beam", "local", ...),
        or a class of your own, made with a space and a seed, that does what `autosearch.strategies.base.Strategy` says.
    seed: of every random choice.
    timeout: seconds for the whole call. Ctrl-C, too, ends the search but not the result.
    progress: whether to show it (a live display on a terminal, plain lines elsewhere), or a `Reporter` of your own.
    cost_model: whether to rank proposals with a learned model and measure only the promising ones; or a model of your own
        that does what `autosearch.cost_model.base.CostModel` says.
    prior: the cost model to begin with, as `autosearch learn` writes one; else the one that comes with the package.
    tolerance: the relative difference from the reference that floats may have, where the one that follows from the
        algorithm (see `autosearch.measure.check`) won't do.
    cold_cache: whether to empty the caches before each sample. Such trials don't count for runs with warm caches.
    keep: names of Funcs whose schedule, as the pipeline carries it, stays as it is, or "scheduled" for all that have one;
        the rest is tuned around them.
    template: a function that schedules Funcs with knobs, see `autosearch.space.template`; the rest is left to the rules.
    device: where kernels run, see `autosearch.measure.device`; else on this machine.
    sizes: sizes to tune for at once, instead of the estimates': each the extents of the output, in the order of its
        variables, or a dict of extents by name of output (and of input, where those don't follow). The schedule works at
        every size, and times are geometric means over these.

    Raises `ArgumentError`, `TargetError`, `PipelineError`, `InputError`, `SizeError`, `LogError`, `MismatchError` or
    `MeasureError`, each saying what to do; what was measured is in the log all the same.
    """
    check_arguments(trials, strategy, timeout, tolerance)
    check_model(cost_model, prior)
    model = load_prior(Path(prior)) if prior is not None else None
    started = time.monotonic()
    device = device if device is not None else ThisMachine()
    parsed = device.parse_target(target)
    snapshot = take(pipeline, parsed, inputs, sizes)
    machine = device.machine(parsed)
    identity = identify(snapshot.fingerprint, snapshot.sizes, str(parsed), machine, cold_cache)
    reporter = default_reporter(progress) if isinstance(progress, bool) else progress
    with ExitStack() as stack:
        stack.callback(reporter.close)
        journal = Journal.open(log, identity, snapshot, stack)
        settings = Settings(trials, seed, started, timeout, strategy, cost_model, cold_cache, model)
        interrupts = stack.enter_context(Interrupts())
        work = Work(snapshot, parsed, inputs or {}, seed, settings.limits, tolerance)
        kept = kept_schedules(snapshot, keep)
        space = make_space(snapshot, machine, kept, template)
        session = _Session(work, device, machine, space, kept, journal, settings, reporter, stack, interrupts)
        return session.run()


class _Session:
    """One call of `tune`, once its arguments have been found good."""

    def __init__(
        self,
        work: Work,
        device: Device,
        machine: Machine,
        space: CpuSpace,
        kept: Mapping[str, Schedule],
        journal: Journal,
        settings: Settings,
        reporter: Reporter,
        stack: ExitStack,
        interrupts: Interrupts,
    ) -> None:
        self.work = work
        self.device = device
        self.snapshot = work.snapshot
        self.machine = machine
        self.journal = journal
        self.settings = settings
        self.reporter = reporter
        self.stack = stack
        self.interrupts = interrupts
        self.thinking = Stopwatch()
        self.new_trials = 0
        self.space = space
        self.seeds = Seeds(space, journal, self.thinking)
        self.decision = Decision(work.snapshot, journal, settings, kept, reporter.note, lambda: self.show("race"))
        chosen = settings.strategy
        self.source = chosen if isinstance(chosen, str) else getattr(chosen, "__name__", type(chosen).__name__)
        resumed = settings.seed + journal.count  # with the same seed it would draw first what the log holds already
        self.strategy = make_strategy(chosen, self.space, resumed)

    @cached_property
    def pruner(self) -> Pruner:
        """What selects the schedules to measure."""
        return Pruner(self.learner, self.settings.seed)

    @cached_property
    def learner(self) -> Learner:
        """What learns which schedules are fast; made when first needed, for its libraries take seconds to load."""
        own = None if isinstance(self.settings.cost_model, bool) else self.settings.cost_model
        prior = self.settings.prior or (shipped_prior() if own is None else None)
        return Learner(self.space.ground, self.machine, self.settings.seed, prior, own)

    def run(self) -> Result:
        """Everything, in order."""
        for name, reason in self.space.left_alone.items():
            self.reporter.note(f"{name} is left at its default schedule: {reason}")
        if self.journal.count >= self.settings.trials and self.decision.made():
            return self.result()  # nothing left to do
        runner = self.start()
        any_size = bool(self.snapshot.sizes.others)
        measurer = Measurer(runner, self.settings.limits, Effort(cold=self.settings.cold), any_size, FINALISTS)
        try:
            self.seeds.adopt_again()
            opening = Opening(
                self.snapshot, self.machine.cores, self.journal, self.settings, self.seeds,
                lambda: self.compiler(runner), lambda: self.show("baselines"),
            )  # fmt: skip
            with self.journal.turn():
                opening.measure(measurer)
            self.choose_base(measurer)
            self.learn_from(self.journal.trials)
            self.search(measurer, [*self.seeds.inexact(), *self.sampled_seeds(runner), *self.styled_seeds()])
            self.specialize(measurer)
        except KeyboardInterrupt:
            self.interrupts.pressed = False
            self.reporter.note("interrupted: deciding among what was found (interrupt again to skip that)")
            runner.reset()
        try:
            with self.journal.turn(self.settings.patience()) as others:
                if others is not None:
                    self.decision.make(measurer)
        except KeyboardInterrupt:
            self.reporter.note("interrupted again: taking the fastest trial")
        return self.result()

    def start(self) -> Runner:
        """What measures, closed in the end."""
        runner = self.device.open(self.work)
        self.stack.callback(runner.close)
        return runner

    def compiler(self, runner: Runner) -> LocalRunner:
        """Where autoschedulers run: wherever kernels do, they only compile, here."""
        if isinstance(runner, LocalRunner):
            return runner
        local = ThisMachine().open(self.work)
        self.stack.callback(local.close)
        return local

    # Beginning -----------------------------------------------------------------------------------------------------

    def choose_base(self, measurer: Measurer) -> None:
        """Let the fastest baseline tell the machine's pace."""
        records = [record for record in self.journal.trials if record.baseline and record.ok]
        fastest = min(records, key=lambda record: record.seconds, default=None)
        contender = baseline_contender(fastest, self.snapshot) if fastest is not None else None
        if fastest is not None and contender is not None:
            measurer.anchors.set_base(contender.candidate, fastest.seconds)

    def sampled_seeds(self, runner: Runner) -> list[Proposal]:
        settings = self.settings
        return self.seeds.sampled(
            lambda: self.compiler(runner),
            self.snapshot,
            self.machine.cores,
            settings.trials,
            settings.search_seconds_left(),
        )

    def styled_seeds(self) -> list[Proposal]:
        """None where nothing can tell the better ones."""
        settings = self.settings
        if not self.ranks:
            return []
        seeds = self.seeds.styled(settings.seed, settings.trials, settings.search_seconds_left(), self.predict)
        self.learner.forget_others([one.schedule for one in seeds])
        return seeds

    # Search --------------------------------------------------------------------------------------------------------

    def search(self, measurer: Measurer, seeds: list[Proposal]) -> None:
        """The loop, which begins with the seeds. Ends when the trials or the time are used up, or the space is."""
        many, a_trial = max(BATCH, min(FIRST_LOOK, self.settings.trials)), 0.0
        while self.journal.count < self.settings.trials and (left := self.decision.search_seconds_left(measurer)) > 0:
            self.interrupts.check()
            few = min(BATCH, self.settings.trials - self.journal.count)
            if few * a_trial > left:  # as many as there is time for
                few = max(1, int(left / a_trial))
            before, thought = time.monotonic(), self.thinking.seconds
            with self.thinking:
                source = SEED if seeds else self.source
                if seeds:
                    batch, seeds = seeds[:few], seeds[few:]
                else:
                    batch = self.choose(few, many)
            if not batch:
                self.reporter.note("the space holds no more schedules")
                return
            with self.journal.turn(self.settings.patience()) as others:
                if others is None:
                    return
                self.measure(measurer, self.still_new(batch, others), source)
            a_trial = (time.monotonic() - before) / len(batch)
            if source != SEED:  # those cost no thought, which says nothing of what proposals do
                now, thinking = time.monotonic(), self.thinking.seconds
                thought = thinking - thought
                many = how_many(many, thought, now - before - thought, thinking, self.settings.elapsed())
            if others:
                time.sleep(_COURTESY)

    def specialize(self, measurer: Measurer) -> None:
        """Where several sizes are tuned for: measure versions of the fastest for where their tiles fit, see `Specialize`."""
        free, measured = self.snapshot.sizes.free, self.journal.measured()
        if not free:
            return
        found = [one for one in self.journal.trials if one.ok and not one.baseline and one.schedule is not None]
        batch = []
        for record in sorted(found, key=lambda one: one.seconds)[:SPECIALIZED]:
            assert record.schedule is not None
            version = where_tiles_fit(record.schedule, self.snapshot.algorithm, free)
            if version is not None and version.digest not in measured:
                batch.append(Proposal(Trace(), version))
        if batch and self.settings.search_seconds_left() > 0:
            with self.journal.turn(self.settings.patience()) as others:
                if others is not None:
                    self.measure(measurer, batch, "specialize")

    def choose(self, few: int, many: int) -> list[Proposal]:
        """A batch to measure: the most promising of many proposals."""
        if not self.ranks:
            return self.strategy.propose(few)
        proposals = self.strategy.propose(max(many, few), self.predict)
        chosen = [proposals[place] for place in sorted(self.pruner.select(proposals, few))]
        self.learner.forget_others([one.schedule for one in chosen])
        return chosen

    @property
    def ranks(self) -> bool:
        """Whether there is a cost model that has learned something."""
        return self.settings.cost_model is not False and self.learner.ready

    def predict(self, proposals: Sequence[Proposal]) -> list[float]:
        """Seconds that the cost model expects."""
        return self.learner.predict([one.schedule for one in proposals])

    def still_new(self, batch: Sequence[Proposal], others: Sequence[TrialRecord]) -> list[Proposal]:
        """Those of a batch that no other tuner with this log has tried meanwhile; what they learned is learned here."""
        if not others:
            return list(batch)
        self.learn_from(others)
        measured = self.journal.measured()
        return [one for one in batch if one.schedule.digest not in measured][
            : max(0, self.settings.trials - self.journal.count)
        ]

    def measure(self, measurer: Measurer, batch: Sequence[Proposal], source: str) -> None:
        """Measure a batch; each result is recorded as soon as it is known, and learned from at the end."""
        with self.thinking:
            predicted = self.predict(batch) if self.ranks else None
        candidates = [Candidate(proposal.schedule) for proposal in batch]
        records = []
        for place, measurement in enumerate(measurer.measure(candidates, self.journal.best())):
            record = TrialRecord(
                self.journal.identity,
                source,
                batch[place].schedule,
                batch[place].trace,
                measurement.times,
                measurement.failure.value if measurement.failure is not None else "",
                measurement.message,
                measurement.compile_seconds,
                self.settings.elapsed(),
                self.settings.seed,
                predicted=predicted[place] if predicted is not None else None,
                paces=measurement.paces,
                affinity=affinity(),
            )
            self.journal.add(record)
            records.append(record)
            self.new_trials += 1
            self.show("search")
        self.learn_from(records)

    def learn_from(self, records: Sequence[TrialRecord]) -> None:
        """Tell strategy and cost model what was measured."""
        measured = [
            (Proposal(record.trace or Trace(), record.schedule), record.seconds if record.ok else None)
            for record in records
            if record.schedule is not None
        ]
        with self.thinking:
            self.strategy.observe([Observation(one.trace, one.schedule.digest, seconds) for one, seconds in measured])
            if self.settings.cost_model is not False:
                self.pruner.observe(measured)

    # The end -------------------------------------------------------------------------------------------------------

    def result(self) -> Result:
        overhead = Overhead(self.settings.elapsed(), self.thinking.seconds)
        return Result(
            self.snapshot,
            str(self.work.target),
            tuple(self.journal.trials),
            self.journal.race,
            overhead,
            self.journal.minimal,
        )

    def show(self, phase: str) -> None:
        """Tell the reporter how it stands."""
        baselines = {r.baseline: r.seconds for r in self.journal.trials if r.baseline and r.ok}
        best = self.journal.best()
        name = min(baselines, key=baselines.__getitem__, default="")
        elapsed = self.settings.elapsed()
        rate = self.new_trials / elapsed if elapsed > 0 else 0.0
        left: float | None = None
        if rate:
            left = (self.settings.trials - self.journal.count) / rate
        if self.settings.timeout is not None:
            budget = max(0.0, self.settings.timeout - elapsed)
            left = budget if left is None else min(left, budget)
        failures = sum(1 for r in self.journal.trials if not r.ok and not r.baseline)
        self.reporter.update(
            Status(
                phase,
                self.journal.count,
                self.settings.trials,
                best,
                name,
                baselines[name] / best if best is not None and name else None,
                failures,
                elapsed,
                rate,
                left,
            )
        )
