"""How likely the rules make the answers to their questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import halide as hl

from autosearch.choices import INLINING, STYLE, FirstChooser, Option
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.space.cpu import CpuSpace
from autosearch.space.style import Inlining, Style
from tests.conftest import TARGET

Weights = dict[Option, float]


class Weighing(FirstChooser):
    """Answers as told, else by the likeliest, and keeps the weights of all questions."""

    def __init__(self, told: Mapping[str, Option] | None = None) -> None:
        self.told = told or {}
        self.weights: dict[str, Weights] = {}

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        self.weights[key] = dict(zip(options, weights or [1.0] * len(options), strict=True))
        told = self.told.get(key)
        return told if told in options else likeliest(self.weights[key])


def likeliest(weights: Weights) -> Option:
    """The answer with the largest weight, the first of several."""
    return max(weights, key=lambda option: weights[option])


def weights_of(output: hl.Func, style: Style, told: Mapping[str, Option] | None = None) -> dict[str, Weights]:
    """The weights of the answers to all questions about a pipeline, by question."""
    chooser = Weighing({STYLE: style.value, INLINING: Inlining.FREELY.value, **(told or {})})
    snapshot = take(output, TARGET)
    CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine()).build(chooser)
    return chooser.weights
