"""Every strategy there is passes the suite that `autosearch.testing` offers for those of others."""

from __future__ import annotations

import pytest

from autosearch.errors import ArgumentError
from autosearch.strategies import STRATEGIES, make_strategy
from autosearch.strategies.base import Result
from autosearch.testing import StrategySuite
from autosearch.testing.synthetic import Single
from tests.conftest import random_proposal, snapshot_of, space_of
from tests.schedule.oracle import lower, scheduled


class TestRandom(StrategySuite):
    strategy = "random"
    gains = None


class TestGenetic(StrategySuite):
    strategy = "genetic"


class TestTree(StrategySuite):
    strategy = "tree"


class TestBayesian(StrategySuite):
    strategy = "bayesian"


class TestBayesianNsgaii(StrategySuite):
    strategy = "bayesian:nsgaii"
    gains = 0.8  # a generation is 16 schedules


class TestBeam(StrategySuite):
    strategy = "beam"


class TestLocal(StrategySuite):
    strategy = "local"


class TestPortfolio(StrategySuite):
    strategy = "portfolio"


def test_every_strategy_is_tested() -> None:
    assert {suite.strategy for suite in StrategySuite.__subclasses__()} >= set(STRATEGIES)


@pytest.mark.parametrize("name", STRATEGIES)
def test_real_schedules_are_legal(name: str) -> None:
    strategy = make_strategy(name, space_of("blur"), 1)
    seeds = [random_proposal("blur", seed) for seed in range(10)]
    strategy.observe([Result(p.trace, p.schedule.digest, 1 + k) for k, p in enumerate(seeds)])
    for proposal in strategy.propose(5):
        lower(scheduled(snapshot_of("blur"), proposal.schedule))


@pytest.mark.parametrize("name", STRATEGIES)
def test_names_that_are_unknown_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"no strategy '{name}x'; choose one of .*{name}"):
        make_strategy(f"{name}x", Single(), 0)
