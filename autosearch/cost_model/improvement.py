"""How much faster than the fastest schedule another may be, given how far the model can be trusted to tell.

What two schedules have in common is foretold equally well or badly for both: a difference is in doubt only as far as stages
differ. A model that has hardly seen anything like the other's stages may be wrong about much of their time, and it is there
that something is to be learned and gained; where only what takes no time differs, it is right, and nothing is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from autosearch.cost_model.base import CostModel, Rows

DOUBT, LEAST, MOST = 0.17, 0.002, 0.3
"""Standard deviation of what is saved, as part of the fastest schedule's time: for the time of the stages that differ; at
least, and at most. `python -m benchmarks.doubt LOG...` prints it for logs of searches, in which timings are off as well."""

Stages = Counter[bytes]
"""How many stages of a schedule have the same features."""


def stages_of(rows: Rows) -> Stages:
    """The stages of a schedule, by their features."""
    return Counter(row.tobytes() for row in rows)


def stage_seconds(model: CostModel, schedules: Sequence[Rows]) -> dict[bytes, float]:
    """What a model says of each kind of stage in some schedules, each as if it were alone."""
    kinds = {row.tobytes(): row[np.newaxis] for rows in schedules for row in rows}
    return dict(zip(kinds, map(float, model.predict(list(kinds.values()))), strict=True))


class Difference(NamedTuple):
    """What sets a schedule apart from a measured one that it is close to, as parts of what that one takes by the model."""

    saved: float
    """By how much it is faster."""
    differing: float
    """The time of the stages that differ, both schedules' counted."""


def difference(stages: Stages, near: Stages, seconds: Mapping[bytes, float]) -> Difference:
    """The difference of a schedule and the one it is close to. `seconds`: of each kind of stage."""

    def total(counts: Stages) -> float:
        return sum(count * seconds[row] for row, count in counts.items())

    whole = total(near)
    return Difference(1.0 - total(stages) / whole, (total(stages - near) + total(near - stages)) / whole)


def deviation(differing: float) -> float:
    """How far what is saved may be from what the model says, where stages of so much time differ."""
    return min(MOST, max(LEAST, DOUBT * differing))


def expected_improvement(found: Difference, slower: float = 1.0) -> float:
    """The part of the fastest schedule's time that another is expected to save, where it saves any (Mockus 1975).

    `slower`: how many times as long as the fastest schedule the one took that it is close to.
    """
    saved = 1.0 - slower * (1.0 - found.saved)
    doubt = slower * deviation(found.differing)
    ratio = saved / doubt
    density = math.exp(-ratio * ratio / 2) / math.sqrt(2 * math.pi)
    return saved * (1 + math.erf(ratio / math.sqrt(2))) / 2 + doubt * density
