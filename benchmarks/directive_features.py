"""What a model can know that reads a schedule's directives alone, as TLP does (Zhai et al. 2023): the rival features.

One row a stage that has directives: how often each directive occurs, and the logarithms of the numbers in them.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import fields

import numpy as np

from autosearch.cost_model.base import Rows
from autosearch.schedule.directives import DIRECTIVES, Directive, Split
from autosearch.schedule.schedule import Schedule

_METHODS = tuple(sorted(DIRECTIVES))
_MOST_SPLITS = 6
_WIDTH = 2 * len(_METHODS) + _MOST_SPLITS + 2


def directive_rows(schedule: Schedule) -> Rows:
    """An array (stages with directives, at least 1; features)."""
    rows = [_row(index.index, directives) for index, directives in schedule.by_stage.items()]
    return np.asarray(rows or [[0.0] * _WIDTH], dtype=np.float32)


def _row(stage: int, directives: tuple[Directive, ...]) -> list[float]:
    counts = Counter(one.method for one in directives)
    numbers: dict[str, float] = defaultdict(float)
    for one in directives:
        numbers[one.method] += sum(math.log2(1 + abs(v)) for f in fields(one) if type(v := getattr(one, f.name)) is int)
    factors = [math.log2(one.factor) for one in directives if isinstance(one, Split)][:_MOST_SPLITS]
    factors += [-1.0] * (_MOST_SPLITS - len(factors))
    return [
        float(stage), float(len(directives)), *factors,
        *(float(counts[method]) for method in _METHODS), *(numbers[method] for method in _METHODS),
    ]  # fmt: skip
