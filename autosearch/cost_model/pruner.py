"""Picks which of many proposed schedules are worth compiling: the predicted best, different ones, some at random."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from autosearch.choices import STYLE, Option, Proposal
from autosearch.cost_model.base import CostModel, Rows
from autosearch.cost_model.batch import Derived, Featurizer
from autosearch.cost_model.feasibility import FeasibilityClassifier
from autosearch.cost_model.improvement import difference, expected_improvement, stage_seconds, stages_of
from autosearch.cost_model.model import StageTimeModel
from autosearch.cost_model.neighbours import Near, Neighbours, Places, placement
from autosearch.errors import ScheduleError
from autosearch.machine import Machine
from autosearch.schedule.schedule import Schedule

LEAST_DATA = 16
"""Measurements before the model is trusted to rank."""
EARLY, EARLY_EXPLORE = 64, 0.35
"""So many measurements the model hardly knows the pipeline: at least this share of each batch is drawn at random."""
ALIKE = 0.6
"""Of those that the model picks, the share that may compute and store all Funcs at the same levels."""
STALE, BETTER, OF_A_STYLE = 32, 0.98, 0.5
"""Where so many schedules in a row brought nothing as much faster, the share of those picked that may be of one style. A good
schedule found early is followed by many like it; what other styles are worth shows only after as many."""
ELSEWHERE, ELSEWHERE_STALE = 0.2, 0.35
"""Share of each batch that computes one Func elsewhere than one of the fastest schedules does, as nobody has tried: what is
expected to gain most, see `expected_improvement`. More where nothing better was found for long."""
OTHERWISE = 0.2
"""Share that differs from one of the fastest in one decision, as nobody has tried. Any, though rather where more is to be
gained: what the model thinks best of a decision it has taken already."""
LEAST_GAIN = 1e-4
"""Decisions from which less is expected are taken otherwise as often as those from which so much is."""
LEAST_FAILURES = 8
"""Failures, and at least as many that ran, before it is foretold what fails."""
DOUBTFUL = 0.25
"""Schedules that run with less than this probability aren't measured where there are others."""
GROWTH = 1.15
"""The model is trained anew when the data has grown by this factor."""


class Pruner:
    """Learns from measurements which schedules are fast, and selects among new ones."""

    def __init__(
        self,
        derive: Callable[[Schedule], Derived],
        machine: Machine,
        seed: int = 0,
        explore: float = 0.1,
        prior: StageTimeModel | None = None,
        model: CostModel | None = None,
    ) -> None:
        """`derive` gives what is left to schedule under a structure; `prior` ranks until enough is measured, and is
        learned upon.

        `model` is what learns, if not a `StageTimeModel`; then there is no prior.
        """
        self._featurizer = Featurizer(derive, machine)
        self._random = random.Random(seed)
        self._seed = seed
        self.explore = explore
        """Share of each batch that is drawn at random, whatever the model says."""
        self._known: dict[str, Rows] = {}
        self._rows: list[Rows] = []
        self._seconds: list[float] = []
        self._failed: list[Rows] = []
        self._feasibility: FeasibilityClassifier | None = None
        self._neighbours = Neighbours()
        self._best, self._in_vain = math.inf, 0
        """The fastest measured, and how many since then weren't clearly faster."""
        self._trained_on = self._judged_on = 0
        self._learner = model
        self._prior = prior if model is None else None
        self._model: CostModel | None = self._prior

    def features(self, schedule: Schedule) -> Rows:
        """The features of a schedule, one row a stage."""
        return self._features([schedule])[0]

    def _features(self, schedules: Sequence[Schedule]) -> list[Rows]:
        new = list({one.digest: one for one in schedules if one.digest not in self._known}.values())
        self._known.update(zip((one.digest for one in new), self._featurizer.rows(new), strict=True))
        return [self._known[one.digest] for one in schedules]

    def observe(self, measured: Sequence[tuple[Proposal, float | None]]) -> None:
        """Learn from schedules and their times in seconds; None where they failed."""
        found = self._featurizer.attempt([one.schedule for one, _ in measured])
        for (one, seconds), rows in zip(measured, found, strict=True):
            if isinstance(rows, ScheduleError):
                continue  # Halide's loops are other than ours
            if seconds is None:
                self._failed.append(rows)
                continue
            self._rows.append(rows)
            self._seconds.append(seconds)
            self._neighbours.observe(one, seconds)
            better = seconds < BETTER * self._best
            self._best, self._in_vain = (seconds, 0) if better else (self._best, self._in_vain + 1)
        count = len(self._rows)
        if count >= LEAST_DATA and count >= self._trained_on * GROWTH:
            model = self._learner or StageTimeModel(seed=self._seed, prior=self._prior)
            model.fit(self._rows, self._seconds)
            self._model = model
            self._trained_on = count
        self._judge()

    def _judge(self) -> None:
        """Learn what fails, once there is enough to learn from."""
        count = len(self._rows) + len(self._failed)
        if min(len(self._failed), len(self._rows)) >= LEAST_FAILURES and count >= self._judged_on * GROWTH:
            ran = [True] * len(self._rows) + [False] * len(self._failed)
            self._feasibility = FeasibilityClassifier(seed=self._seed).fit(self._rows + self._failed, ran)
            self._judged_on = count

    def feasible(self, schedules: Sequence[Schedule]) -> list[float]:
        """How likely each schedule is to run; 1 while too few have failed to tell."""
        if self._feasibility is None or not schedules:
            return [1.0] * len(schedules)
        return [float(one) for one in self._feasibility.predict_proba(self._features(schedules))[:, 1]]

    @property
    def ready(self) -> bool:
        """Whether there is a model to rank with."""
        return self._model is not None

    def predict(self, schedules: Sequence[Schedule]) -> list[float]:
        """Predicted seconds of each schedule; raises `NotFittedError` when not `ready`."""
        model = self._model or StageTimeModel()
        return [float(seconds) for seconds in model.predict(self._features(schedules))]

    def select(self, proposals: Sequence[Proposal], few: int) -> list[int]:
        """The places in `proposals` of the `few` to measure."""
        places = self._promising(proposals, few)
        if self._model is None or len(places) <= few:
            self._random.shuffle(places)
            return places[:few]
        predicted = self.predict([proposals[place].schedule for place in places])
        ranked = [place for _, place in sorted(zip(predicted, places, strict=True))]
        early = EARLY_EXPLORE if self.explore and len(self._seconds) < EARLY else 0.0
        at_random = self._share(few, max(self.explore, early))
        share = ELSEWHERE_STALE if self._in_vain >= STALE else ELSEWHERE
        gains = self._gains(proposals, ranked, self._neighbours.elsewhere)
        picked = sorted(gains, key=lambda place: -gains[place])[: self._share(few - at_random, share)]
        others = [place for place in ranked if place not in picked]
        many = min(self._share(few - at_random, OTHERWISE), few - at_random - len(picked))
        picked += self._drawn(self._gains(proposals, others, self._neighbours.decided_otherwise), many)
        others = [place for place in ranked if place not in picked]
        chosen = self._different([proposals[place] for place in others], few - at_random - len(picked))
        picked += [others[number] for number in chosen]
        rest = [place for place in others if place not in picked]
        return picked + self._random.sample(rest, min(few - len(picked), len(rest)))

    def _promising(self, proposals: Sequence[Proposal], few: int) -> list[int]:
        """All places, but for those of schedules that are likely to fail where there are enough others."""
        chances = self.feasible([one.schedule for one in proposals])
        likely = [place for place, chance in enumerate(chances) if chance >= DOUBTFUL]
        return likely if len(likely) >= few else list(range(len(proposals)))

    def _gains(
        self, proposals: Sequence[Proposal], places: Sequence[int], close: Callable[[Sequence[Proposal]], dict[int, Near]]
    ) -> dict[int, float]:
        """What may be gained on the fastest schedule by those at the places that are `close` to a fast one."""
        found = {places[number]: near for number, near in close([proposals[place] for place in places]).items()}
        if not found:
            return {}
        fast = self._neighbours.fastest
        schedules = [*(near.one.schedule for near in fast), *(proposals[place].schedule for place in found)]
        rows = self._features(schedules)
        seconds = stage_seconds(self._model or StageTimeModel(), rows)
        stages = [stages_of(own) for own in rows]
        of_fast = {near.where: own for near, own in zip(fast, stages, strict=False)}
        return {
            place: expected_improvement(difference(own, of_fast[near.where], seconds), near.seconds / fast[0].seconds)
            for (place, near), own in zip(found.items(), stages[len(fast) :], strict=True)
        }

    def _drawn(self, weights: Mapping[int, float], few: int) -> list[int]:
        """So few of the places, as if drawn one by one by their weights (Efraimidis, Spirakis 2006)."""
        lots = {place: math.log(1.0 - self._random.random()) / max(weight, LEAST_GAIN) for place, weight in weights.items()}
        return sorted(weights, key=lambda place: -lots[place])[:few]

    def _share(self, few: int, share: float) -> int:
        """How many of so few a share comes to this time."""
        return sum(self._random.random() < share for _ in range(few))

    def _different(self, proposals: Sequence[Proposal], few: int) -> list[int]:
        """The places of the first `few` that the model can tell apart (the others hardly differ in what they do): most of
        them, but not all, with their Funcs computed and stored at the same levels where there are others, and, where nothing
        better was found for long, no more than half of one style."""
        seen: set[bytes] = set()
        alike: Counter[Places] = Counter()
        styles: Counter[Option | None] = Counter()
        most = OF_A_STYLE * few if self._in_vain >= STALE else few
        chosen: list[int] = []
        aside: list[int] = []
        for place, proposal in enumerate(proposals):
            if len(chosen) == few:
                break
            rows = self.features(proposal.schedule).tobytes()
            if rows in seen:
                continue
            seen.add(rows)
            where, style = placement(proposal.schedule), proposal.trace.by_key.get(STYLE)
            if alike[where] < ALIKE * few and (style is None or styles[style] < most):
                alike[where] += 1
                styles[style] += 1
                chosen.append(place)
            else:
                aside.append(place)
        return chosen + aside[: few - len(chosen)]

    def forget_others(self, schedules: Sequence[Schedule]) -> None:
        """Drop the cached features of all schedules but these."""
        kept = {schedule.digest for schedule in schedules}
        self._known = {digest: rows for digest, rows in self._known.items() if digest in kept}
