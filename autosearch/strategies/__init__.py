"""Search strategies: how the next schedules to measure are found. One file each, one interface (`Strategy`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from autosearch.choices import Space
from autosearch.errors import ArgumentError
from autosearch.strategies.base import Result, Strategy
from autosearch.strategies.bayesian import Bayesian
from autosearch.strategies.beam import Beam
from autosearch.strategies.genetic import Genetic
from autosearch.strategies.local import LocalSearch
from autosearch.strategies.portfolio import make_portfolio
from autosearch.strategies.random import Random
from autosearch.strategies.tree import TreeSearch

StrategyFactory = Callable[[Space, int], Strategy]
"""What makes a strategy from a space and a seed: a class of one's own, say."""

_SINGLE: dict[str, StrategyFactory] = {
    "random": Random,
    "genetic": Genetic,
    "tree": TreeSearch,
    "bayesian": Bayesian,
    "bayesian:nsgaii": partial(Bayesian, sampler="nsgaii"),
    "beam": Beam,
    "local": LocalSearch,
}


def _portfolio(space: Space, seed: int) -> Strategy:
    makers: dict[str, StrategyFactory] = {
        "genetic": Genetic,
        "tree": TreeSearch,
        "bayesian": partial(Bayesian, most=1),  # its sampler takes tens of times as long for a schedule as the others
        "beam": partial(Beam, spare=2),
        "local": LocalSearch,
    }
    return make_portfolio(makers, space, seed)


STRATEGIES: dict[str, StrategyFactory] = {**_SINGLE, "portfolio": _portfolio}
"""Strategies by name, made from a space and a seed."""


def make_strategy(strategy: str | StrategyFactory, space: Space, seed: int) -> Strategy:
    """The strategy of that name, or what `strategy` makes. Raises `ArgumentError` where there is none of that name."""
    if not isinstance(strategy, str):
        return strategy(space, seed)
    if strategy not in STRATEGIES:
        raise ArgumentError(f"there is no strategy {strategy!r}; choose one of {', '.join(STRATEGIES)}")
    return STRATEGIES[strategy](space, seed)


__all__ = ["STRATEGIES", "Genetic", "Random", "Result", "Strategy", "StrategyFactory", "make_strategy"]
