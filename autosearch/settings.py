"""What a call of `tune` asks for, once it has been found good, and how its time is divided."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from autosearch.cost_model.base import CostModel
from autosearch.cost_model.model import StageTimeModel
from autosearch.errors import ArgumentError
from autosearch.measure.protocol import Limits
from autosearch.strategies import STRATEGIES, StrategyFactory

RACE_SECONDS = 6.0
MOST_COMPILATION = 0.3
"""Part of a timeout that is kept for compiling the contenders of the race, where they take that long."""


def check_arguments(
    trials: int, strategy: str | StrategyFactory, timeout: float | None, tolerance: float | None
) -> None:
    """Raises `ArgumentError` where one makes no sense."""
    if not isinstance(trials, int) or isinstance(trials, bool) or trials < 1:
        raise ArgumentError(f"trials must be a whole number of at least 1, but is {trials!r}")
    if isinstance(strategy, str) and strategy not in STRATEGIES:
        raise ArgumentError(f"there is no strategy {strategy!r}; choose one of {', '.join(STRATEGIES)}")
    if timeout is not None and not timeout > 0:
        raise ArgumentError(f"timeout must be a positive number of seconds, but is {timeout!r}")
    if tolerance is not None and not 0 <= tolerance < 1:
        raise ArgumentError(f"tolerance must be a relative difference from 0 up to 1, but is {tolerance!r}")


def check_model(cost_model: bool | CostModel, prior: str | os.PathLike[str] | None) -> None:
    """Raises `ArgumentError` where it isn't one, or two are given."""
    if cost_model is True:
        return
    if cost_model is False:
        if prior is not None:
            raise ArgumentError("prior is for the cost model, which is to be left out: leave out prior too, or neither")
        return
    if isinstance(cost_model, type) or not all(hasattr(cost_model, method) for method in ("fit", "predict")):
        raise ArgumentError(f"cost_model must be True, False or an object with fit and predict, but is {cost_model!r}")
    if prior is not None:
        raise ArgumentError("prior is for the cost model that comes with AutoSearch: leave it out with one of your own")


@dataclass(frozen=True)
class Settings:
    """The arguments of `tune` that the whole run depends on, and its clock."""

    trials: int
    seed: int
    started: float
    timeout: float | None
    strategy: str | StrategyFactory
    cost_model: bool | CostModel
    cold: bool = False
    prior: StageTimeModel | None = None
    limits: Limits = field(default_factory=Limits)

    def elapsed(self) -> float:
        """Seconds since the call."""
        return time.monotonic() - self.started

    def search_seconds_left(self, compilation: float = 0.0) -> float:
        """Seconds until the race should start, whose contenders take so long to compile."""
        if self.timeout is None:
            return float("inf")
        return self.timeout - self.race_seconds() - compilation - 1.0 - self.elapsed()

    def compilation_seconds(self) -> float:
        """Seconds that compiling the contenders of the race may take."""
        return float("inf") if self.timeout is None else MOST_COMPILATION * self.timeout

    def patience(self) -> float:
        """Seconds that another tuner with the same log may be waited for."""
        return float("inf") if self.timeout is None else max(0.0, self.timeout - self.elapsed())

    def race_seconds(self) -> float:
        """Seconds that the race may take."""
        return RACE_SECONDS if self.timeout is None else min(RACE_SECONDS, 0.15 * self.timeout)
