"""Bayesian optimisation by Optuna, whose samplers answer the space's questions as they come (define-by-run).

Optuna wants a parameter's range to be the same in every trial, while a question's options may depend on earlier
answers. Each question is therefore a number between 0 and 1, which the options share by their weights.
By default TPE (Bergstra et al. 2011; multivariate, Falkner et al. 2018) answers; failures are told as infeasible
trials, which it takes to be worse than all others (after Watanabe and Hutter 2022).
"""

from __future__ import annotations

import math
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from autosearch.choices import Chooser, FirstChooser, Option, Proposal, RandomChooser, Replay, Space, Trace, draw
from autosearch.errors import InfeasibleError
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.unseen import Unseen

if TYPE_CHECKING:  # it takes a second to import
    import optuna

STARTUP = 16
"""Schedules drawn at random before the sampler takes over."""
MOST = 8
"""Schedules of a batch that the sampler is asked for, since it takes a while; the others are variations of these."""
REMEMBERED, FASTEST, LATEST = 96, 24, 24
"""Beyond so many trials a new study begins, with the fastest and the latest of them, so that the sampler stays quick."""
ASKED = 8
"""Questions of a schedule that are put to the sampler besides those that every trial was asked, which it answers in one go:
each of these takes it as long as all those, and large pipelines have hundreds. The others are answered as a fast trial was."""
KNOWN = 0.2
"""Only questions that this share of the trials was asked are put to it: it could say little of others."""
SHARPNESS = 2.0
"""How closely what is drawn at random keeps to what an expert would try."""
FAILED = 10.0
"""To samplers that know nothing of feasibility, a failure is so many times as slow as the slowest."""
STRAY = 0.2
"""Where what the sampler suggests is known already, this share of its answers is drawn at random, and ever more."""
VARIED = (0.05, 0.15, 0.3)
"""Shares of answers that variations of suggested schedules have drawn at random."""
PATIENCE = 12
"""Suggestions in a row that are known before all is drawn at random."""


def _tpe(seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, constant_liar=False)


def _nsgaii(seed: int) -> optuna.samplers.BaseSampler:
    import optuna

    return optuna.samplers.NSGAIISampler(seed=seed, population_size=STARTUP)


def _add(study: optuna.Study, params: dict[str, float], value: float, failed: bool) -> None:
    """Tell of a trial that was never asked for."""
    import optuna

    unit = optuna.distributions.FloatDistribution(0.0, 1.0)
    study.add_trial(
        optuna.trial.create_trial(
            params=params,
            distributions=dict.fromkeys(params, unit),
            value=value,
            constraints={"failed": float(failed)},
        )
    )


def _ask_and_tell(study: optuna.Study, params: dict[str, float], value: float, failed: bool) -> None:
    """Ask for just this trial, and tell what came of it."""
    study.enqueue_trial(params)
    trial = study.ask()
    _ = trial.relative_params  # asking for them is what makes it one of a generation
    for key in params:
        trial.suggest_float(key, 0.0, 1.0)
    trial.set_constraint("failed", float(failed))
    study.tell(trial, value)


@dataclass(frozen=True)
class _Sampler:
    make: Callable[[int], optuna.samplers.BaseSampler]
    """From a seed."""
    tell: Callable[[optuna.Study, dict[str, float], float, bool], None]
    """How a study learns of numbers, what they led to, and whether that failed."""


SAMPLERS: Mapping[str, _Sampler] = {"tpe": _Sampler(_tpe, _add), "nsgaii": _Sampler(_nsgaii, _ask_and_tell)}
"""Optuna's samplers by name. What NSGA-II didn't ask for belongs to no generation of its own, and teaches it nothing."""


class Bayesian:
    """Asks Optuna for answers and tells it what came of them."""

    def __init__(self, space: Space, seed: int = 0, sampler: str = "tpe", most: int = MOST) -> None:
        """`sampler`: one of `SAMPLERS`. `most`: schedules of a batch that it is asked for at most."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        self._seed = seed
        self._sampler = SAMPLERS[sampler]
        self._most = most
        self._fresh = RandomChooser(random.Random(seed), SHARPNESS)
        self._unseen = Unseen()
        self._met: set[str] = set()
        self._places: dict[str, dict[str, float]] = {}
        """The numbers that lead to each schedule that the study knows, by digest."""
        self._in_vain = 0
        """Suggestions in a row that were known already: the next ones stray further."""
        self._begin([])

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`. Optuna has a model of its own and needs no other."""
        self._met, self._in_vain = set(), 0
        found = self._unseen.collect(min(n, self._most), self._ask, patience=PATIENCE)
        for make in (self._vary(found), self._draw):
            found += self._unseen.collect(n - len(found), make, besides=found)
        return found

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
        told = [result for result in results if len(result.trace)]
        if len(self._results) + len(told) > REMEMBERED:
            self._begin(_worth_remembering(self._results + told))
        else:
            self._tell(told)

    def _begin(self, results: Sequence[Result]) -> None:
        """A new study that knows of these results."""
        import optuna

        self._study = optuna.create_study(sampler=self._sampler.make(self._seed))
        self._seed += 1
        self._results: list[Result] = []
        """What the study knows."""
        self._counts: Counter[str] = Counter()
        """How many of these hold an answer to each question."""
        self._places = {one.digest: self._places[one.digest] for one in results if one.digest in self._places}
        self._tell(results)

    def _tell(self, results: Sequence[Result]) -> None:
        """Tell of results, whoever proposed them, as the numbers that lead to them."""
        for result in results:
            if result.digest not in self._places:
                places = _Places(result.trace)
                try:
                    draw(self._space, places)
                except InfeasibleError:
                    continue
                self._places[result.digest] = places.found
            found = self._places[result.digest]
            self._results.append(result)
            self._counts.update(found.keys())
            seconds = result.seconds
            if seconds is None:
                seconds = FAILED * max((one.seconds for one in self._results if one.seconds is not None), default=1.0)
            self._sampler.tell(self._study, found, math.log(seconds), result.seconds is None)

    def _ask(self) -> Proposal:
        """What the sampler suggests, or something like it."""
        from optuna.trial import TrialState

        trial = self._study.ask()
        generator = self._fresh.generator
        known = [key for key, count in self._counts.items() if count >= KNOWN * len(self._results)]
        others = [key for key in known if key not in trial.relative_params]
        asked = {*trial.relative_params, *generator.sample(others, min(ASKED, len(others)))}
        base = Replay(generator.choice(self._fast()).by_key, self._fresh)
        stray = 1.0 - (1.0 - STRAY) ** self._in_vain
        try:
            proposal = draw(self._space, _Suggest(trial, asked, base, self._fresh, stray))
        finally:
            self._study.tell(trial, state=TrialState.FAIL)  # it is told what became of it once that is measured
        digest = proposal.schedule.digest
        self._in_vain = self._in_vain + 1 if digest in self._met or digest in self._unseen.measured else 0
        self._met.add(digest)
        return proposal

    def _fast(self) -> list[Trace]:
        """The fastest tenth of what the study knows."""
        done = sorted((one for one in self._results if one.seconds is not None), key=lambda one: one.seconds or 0.0)
        return [one.trace for one in done[: max(1, len(done) // 10)]] or [Trace()]

    def _draw(self) -> Proposal:
        return draw(self._space, self._fresh)

    def _vary(self, suggested: Sequence[Proposal]) -> Callable[[], Proposal]:
        """What makes schedules like these, with a few answers drawn at random."""
        parents = [one.trace.by_key for one in suggested]
        generator = self._fresh.generator

        def make() -> Proposal:
            share = generator.choice(VARIED)
            answers = {key: answer for key, answer in generator.choice(parents).items() if generator.random() >= share}
            return draw(self._space, Replay(answers, self._fresh))

        return make if parents else self._draw


class _Suggest:
    """Answers some questions as an Optuna trial suggests, a share of all at random, and others as another trial did."""

    def __init__(
        self, trial: optuna.trial.Trial, asked: Container[str], base: Chooser, fresh: Chooser, stray: float
    ) -> None:
        self._trial = trial
        self._asked = asked
        self._base = base
        self._fresh = fresh
        self._stray = stray
        self._random = random.Random(trial.number)

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        """See `Chooser.choose`."""
        if self._random.random() < self._stray:
            return self._fresh.choose(key, options, weights)
        if key not in self._asked:
            return self._base.choose(key, options, weights)
        ends = _ends(options, weights)
        place = bisect_left(ends, self._trial.suggest_float(key, 0.0, 1.0))
        return options[min(place, len(options) - 1)]


class _Places:
    """Answers as a trace does, and notes the number that stands for each answer."""

    def __init__(self, trace: Trace) -> None:
        self._replay = Replay(trace.by_key, FirstChooser())
        self.found: dict[str, float] = {}

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        """See `Chooser.choose`."""
        answer = self._replay.choose(key, options, weights)
        ends = [0.0, *_ends(options, weights)]
        place = options.index(answer)
        self.found[key] = (ends[place] + ends[place + 1]) / 2
        return answer


def _ends(options: Sequence[Option], weights: Sequence[float] | None) -> list[float]:
    """Where the share of each option ends, between 0 and 1."""
    shares = weights if weights is not None else [1.0] * len(options)
    total = sum(shares)
    return [end / total for end in accumulate(shares)]


def _worth_remembering(results: Sequence[Result]) -> list[Result]:
    """The fastest and the latest of them."""
    fastest = sorted(results, key=lambda one: one.seconds if one.seconds is not None else math.inf)[:FASTEST]
    known = {one.digest for one in fastest}
    return fastest + [one for one in results if one.digest not in known][-LATEST:]
