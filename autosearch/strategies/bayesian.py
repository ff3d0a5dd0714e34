"""Bayesian optimisation by Optuna, whose sampler (TPE) answers the space's questions as they come (define-by-run).

Optuna wants a parameter's range to be the same in every trial, while a question's options may depend on earlier
answers. Each question is therefore a number between 0 and 1, which the options share by their weights.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from autosearch.choices import FirstChooser, Option, Proposal, Replay, Space, Trace, draw
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.unseen import Unseen

if TYPE_CHECKING:  # it takes a second to import
    import optuna

STARTUP = 16
"""Schedules drawn at random before the sampler takes over."""
MOST = 24
"""Schedules in one batch: each takes the sampler a while."""


class Bayesian:
    """Asks Optuna for answers and tells it what came of them."""

    def __init__(self, space: Space, seed: int = 0) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space = space
        self._unseen = Unseen()
        self._study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP))
        self._asked: dict[str, optuna.trial.Trial] = {}
        """Asked for and not yet told of, by digest of the schedule."""

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`. Optuna has a model of its own and needs no other."""
        return self._unseen.collect(min(n, MOST), self._ask)

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`. What others measured is added as if it had been asked for."""
        from optuna.trial import TrialState

        self._unseen.observe(results)
        for result in results:
            trial = self._asked.pop(result.digest, None)
            if trial is None:
                self._add(result)
            elif result.seconds is not None:
                self._study.tell(trial, math.log(result.seconds))
            else:
                self._study.tell(trial, state=TrialState.FAIL)
        if results:
            for trial in self._asked.values():  # proposed, but not chosen to be measured
                self._study.tell(trial, state=TrialState.FAIL)
            self._asked = {}

    def _ask(self) -> Proposal:
        trial = self._study.ask()
        proposal = draw(self._space, _Suggest(trial))
        self._asked.setdefault(proposal.schedule.digest, trial)
        return proposal

    def _add(self, result: Result) -> None:
        """Tell of a schedule that Optuna didn't ask for, as the numbers that would have led to it."""
        import optuna

        if result.seconds is None or not len(result.trace):
            return
        places = _Places(result.trace)
        draw(self._space, places)
        unit = optuna.distributions.FloatDistribution(0.0, 1.0)
        self._study.add_trial(
            optuna.trial.create_trial(
                params=places.found, distributions=dict.fromkeys(places.found, unit), value=math.log(result.seconds)
            )
        )


class _Suggest:
    """Answers as an Optuna trial suggests."""

    def __init__(self, trial: optuna.trial.Trial) -> None:
        self._trial = trial

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        """See `Chooser.choose`."""
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
