"""Picks which of many proposed schedules are worth compiling: the predicted best, different ones, some at random."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence

from autosearch.cost_model.features import featurize
from autosearch.cost_model.model import Rows, StageTimeModel
from autosearch.machine import Machine
from autosearch.schedule.directives import PLACING
from autosearch.schedule.nest import LoopNest
from autosearch.schedule.schedule import Schedule, Step

LEAST_DATA = 16
"""Measurements before the model is trusted to rank."""
ALIKE = 0.6
"""Of those that the model picks, the share that may compute and store all Funcs at the same levels."""
NEARBY = 0.15
"""Share of each batch that goes to what the model thinks best of the placements not tried yet that are those of the fastest
schedule but for one Func: what all of the fast ones have in common the model can't tell to be wrong."""
GROWTH = 1.15
"""The model is trained anew when the data has grown by this factor."""


_Placement = frozenset[Step]
"""Where all Funcs are computed and stored."""


class Pruner:
    """Learns from measurements which schedules are fast, and selects among new ones."""

    def __init__(
        self,
        nest_of: Callable[[Schedule], LoopNest],
        machine: Machine,
        seed: int = 0,
        explore: float = 0.1,
        prior: StageTimeModel | None = None,
    ) -> None:
        """`nest_of` gives the loop nest of a schedule; `prior` ranks until enough is measured, and is learned upon."""
        self._nest_of = nest_of
        self._machine = machine
        self._random = random.Random(seed)
        self._seed = seed
        self.explore = explore
        """Share of each batch that is drawn at random, whatever the model says."""
        self._known: dict[str, Rows] = {}
        self._rows: list[Rows] = []
        self._seconds: list[float] = []
        self._tried: set[_Placement] = set()
        self._fastest = (math.inf, frozenset[Step]())
        """Seconds and placement of the fastest schedule measured."""
        self._trained_on = 0
        self._prior = prior
        self._model = prior

    def features(self, schedule: Schedule) -> Rows:
        """The features of a schedule, one row a stage."""
        rows = self._known.get(schedule.digest)
        if rows is None:
            rows = featurize(self._nest_of(schedule), self._machine)
            self._known[schedule.digest] = rows
        return rows

    def observe(self, measured: Sequence[tuple[Schedule, float]]) -> None:
        """Learn from schedules and their times in seconds."""
        for schedule, seconds in measured:
            self._rows.append(self.features(schedule))
            self._seconds.append(seconds)
            placement = _placement(schedule)
            self._tried.add(placement)
            self._fastest = min(self._fastest, (seconds, placement), key=lambda one: one[0])
        count = len(self._rows)
        if count >= LEAST_DATA and count >= self._trained_on * GROWTH:
            self._model = StageTimeModel(seed=self._seed, prior=self._prior).fit(self._rows, self._seconds)
            self._trained_on = count

    @property
    def ready(self) -> bool:
        """Whether there is a model to rank with."""
        return self._model is not None

    def predict(self, schedules: Sequence[Schedule]) -> list[float]:
        """Predicted seconds of each schedule; raises `NotFittedError` when not `ready`."""
        model = self._model or StageTimeModel()
        return [float(seconds) for seconds in model.predict([self.features(schedule) for schedule in schedules])]

    def select(self, schedules: Sequence[Schedule], few: int) -> list[int]:
        """The places in `schedules` of the `few` to measure."""
        places = list(range(len(schedules)))
        if self._model is None or len(schedules) <= few:
            self._random.shuffle(places)
            return places[:few]
        predicted = self.predict(schedules)
        ranked = sorted(places, key=predicted.__getitem__)
        at_random = sum(self._random.random() < self.explore for _ in range(few))
        nearby = self._nearby(ranked, schedules, sum(self._random.random() < NEARBY for _ in range(few - at_random)))
        others = [place for place in ranked if place not in nearby]
        chosen = self._different([schedules[place] for place in others], few - at_random - len(nearby))
        picked = nearby + [others[number] for number in chosen]
        rest = [place for place in others if place not in picked]
        return picked + self._random.sample(rest, min(few - len(picked), len(rest)))

    def _nearby(self, ranked: Sequence[int], schedules: Sequence[Schedule], few: int) -> list[int]:
        """The first of those ranked whose placement is untried and the fastest one's but for one Func, each once."""
        tried = set(self._tried)
        chosen: list[int] = []
        for place in ranked:
            if len(chosen) == few:
                break
            placement = _placement(schedules[place])
            changed = {step.stage.func for step in placement ^ self._fastest[1]}
            if placement not in tried and len(changed) == 1:
                tried.add(placement)
                chosen.append(place)
        return chosen

    def _different(self, schedules: Sequence[Schedule], few: int) -> list[int]:
        """The places of the first `few` that the model can tell apart (the others hardly differ in what they do), most
        of them, but not all, with their Funcs computed and stored at the same levels where there are others."""
        seen: set[bytes] = set()
        alike: Counter[_Placement] = Counter()
        chosen: list[int] = []
        aside: list[int] = []
        for place, schedule in enumerate(schedules):
            if len(chosen) == few:
                break
            rows = self.features(schedule).tobytes()
            if rows in seen:
                continue
            seen.add(rows)
            placement = _placement(schedule)
            if alike[placement] < ALIKE * few:
                alike[placement] += 1
                chosen.append(place)
            else:
                aside.append(place)
        return chosen + aside[: few - len(chosen)]

    def forget(self, schedules: Sequence[Schedule]) -> None:
        """Drop cached features of schedules that were not chosen."""
        for schedule in schedules:
            self._known.pop(schedule.digest, None)


def _placement(schedule: Schedule) -> _Placement:
    return frozenset(step for step in schedule if isinstance(step.directive, PLACING))
