"""How Adams2019's own cost model ranks schedules that it made, against ours, to which the pipeline is unseen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import halide as hl
import numpy as np

from autosearch.cost_model.batch import Featurizer
from autosearch.cost_model.model import StageTimeModel
from autosearch.errors import ScheduleError
from autosearch.learning import rank_correlation
from autosearch.machine import this_machine
from autosearch.pipeline.snapshot import take
from autosearch.schedule.structure import Structures
from benchmarks.adams_record import Priced
from benchmarks.pipelines import load


@dataclass(frozen=True)
class Compared:
    """Two rankings of the same schedules of one pipeline."""

    name: str
    schedules: int
    theirs: float
    """Rank correlation (Spearman) of what Adams2019 predicts with the times."""
    ours: float
    their_first: float
    """How many times as long as the fastest the one takes that is predicted to be it."""
    our_first: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(priced: Mapping[str, Sequence[Priced]], priors: Mapping[str, StageTimeModel]) -> Iterator[Compared]:
    """Each pipeline of which there are schedules and, in `priors`, a model of the others."""
    target = hl.get_host_target()
    for name in sorted(priced.keys() & priors.keys()):
        snapshot = take(load(name).pipeline, target)
        featurizer = Featurizer(Structures(snapshot).derive, this_machine(target))
        attempts = zip(priced[name], featurizer.attempt([one.schedule for one in priced[name]]), strict=True)
        known = [(one, rows) for one, rows in attempts if not isinstance(rows, ScheduleError)]
        costs, seconds = np.array([(one.cost, one.seconds) for one, _ in known]).T
        predicted = priors[name].predict([rows for _, rows in known])
        first = [float(seconds[np.argmin(one)] / seconds.min()) for one in (costs, predicted)]
        theirs, ours = (rank_correlation(one, seconds.tolist()) for one in (costs, predicted))
        yield Compared(name, len(seconds), theirs, ours, *first)


def table(found: Sequence[Compared]) -> str:
    """A row a pipeline: rank correlations, and what the schedule takes that is predicted to be the fastest."""
    lines = ["schedules that Adams2019 made, ranked by its own cost model and by one of ours that hasn't seen the pipeline"]
    lines.append(f"{'pipeline':24}{'schedules':>10}{'Adams2019':>11}{'its first':>11}{'model':>8}{'its first':>11}")
    rows = [(one.name, f"{one.schedules}", one.theirs, one.their_first, one.ours, one.our_first) for one in found]
    middle = [float(np.median([row[place] for row in rows])) for place in range(2, 6)]
    rows.append(("median", "", middle[0], middle[1], middle[2], middle[3]))
    lines += [f"{a:24}{b:>10}{c:11.2f}{d:10.2f}x{e:8.2f}{f:10.2f}x" for a, b, c, d, e, f in rows]
    return "\n".join(lines)
