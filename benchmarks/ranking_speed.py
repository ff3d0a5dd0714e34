"""How many schedules a second are featurized and ranked on one core: what a search looks at between two measurements.

The schedules are what genetic search proposes, mostly mutations and crossings of a population; making them is not
counted, but loop nests, features and predictions are. Time is the process's own, so that others' load matters less.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import halide as hl

from autosearch.cost_model.batch import Featurizer
from autosearch.cost_model.features import featurize
from autosearch.cost_model.model import StageTimeModel
from autosearch.machine import this_machine
from autosearch.pipeline.snapshot import take
from autosearch.schedule.nest import build_nest
from autosearch.schedule.schedule import Schedule
from autosearch.spaces import make_space
from autosearch.strategies.base import Result
from autosearch.strategies.genetic import Genetic
from benchmarks.pipelines import load

WORKLOADS = (("harris", 512, 5000.0), ("local_laplacian", 512, 500.0))
"""Pipelines, how many schedules are ranked at once, and the bar: schedules a second."""
ADAMS = {"harris": "about 40,000", "local_laplacian": "5,000 to 8,000"}
"""What Adams2019's search in C++ evaluates in a second for pipelines of this size."""
_POPULATION = 40
_REPEATS = 5
"""The median counts: others' load comes and goes."""


@dataclass(frozen=True)
class Speed:
    """Of one pipeline."""

    name: str
    funcs: int
    schedules: int
    featurized: float
    """Schedules a second."""
    ranked: float
    """Schedules a second, features and predictions together."""
    one_by_one: float
    """The same, each schedule by itself."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.funcs} Funcs): {self.ranked:,.0f} schedules a second featurized and ranked, "
            f"{self.schedules} at a time ({self.featurized:,.0f} featurized); one by one {self.one_by_one:,.0f}; "
            f"Adams2019 {ADAMS[self.name]}"
        )


def speed(name: str, count: int, model: StageTimeModel, seed: int = 0) -> Speed:
    """How fast schedules of a pipeline are ranked by a fitted model: the second batch of two, as in a search.

    It is done several times over, each time by a featurizer that knows nothing yet; the median counts.
    """
    target = hl.get_host_target()
    snapshot, machine = take(load(name).pipeline, target), this_machine(target)
    space = make_space(snapshot, machine)
    genetic = Genetic(space, seed, first=_POPULATION // 2)
    featurizer = Featurizer(space.ground, machine)
    population = genetic.propose(_POPULATION)
    seconds = model.predict(featurizer.rows([one.schedule for one in population])).tolist()
    genetic.observe(
        [Result(one.trace, one.schedule.digest, time) for one, time in zip(population, seconds, strict=True)]
    )
    first, second = ([one.schedule for one in genetic.propose(many)] for many in (count // 4, count))
    taken = [_seconds(Featurizer(space.ground, machine), model, first, second) for _ in range(_REPEATS)]
    featurized, ranked = (median(one) for one in zip(*taken, strict=True))
    started = time.process_time()
    few = second[: count // 16]
    for schedule in few:
        ground = space.ground(schedule.structure)
        model.predict([featurize(build_nest(ground.flow, ground.regions, schedule.rest), machine)])
    alone = time.process_time() - started
    return Speed(
        name,
        len(snapshot.algorithm.funcs),
        count,
        count / featurized,
        count / ranked,
        len(few) / alone,
    )


def _seconds(
    featurizer: Featurizer, model: StageTimeModel, first: Sequence[Schedule], second: Sequence[Schedule]
) -> tuple[float, float]:
    """How long it takes to featurize the second batch, and that with predictions, where the first has been ranked."""
    model.predict(featurizer.rows(_fresh(first)))
    fresh = _fresh(second)
    started = time.process_time()
    rows = featurizer.rows(fresh)
    featurized = time.process_time()
    model.predict(rows)
    return featurized - started, time.process_time() - started


def _fresh(schedules: Sequence[Schedule]) -> list[Schedule]:
    """The same, of which nothing is remembered."""
    return [Schedule(one.steps) for one in schedules]
