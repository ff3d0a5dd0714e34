"""What every strategy must do, whatever it is: one suite for all that are registered."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

import pytest

from autosearch.choices import FirstChooser, Replay, draw
from autosearch.errors import ArgumentError
from autosearch.strategies import STRATEGIES, make_strategy
from autosearch.strategies.base import Result, Strategy
from tests.conftest import random_proposal, snapshot_of, space_of
from tests.schedule.oracle import lower, scheduled
from tests.strategies.toy import Single, Toy, measured, seconds_of

LEARNERS = [name for name in STRATEGIES if name != "random"]


@pytest.fixture(params=STRATEGIES)
def name(request: pytest.FixtureRequest) -> str:
    """Each strategy's name in turn."""
    return str(request.param)


def _run(strategy: Strategy, rounds: int, n: int) -> list[str]:
    """Digests of all that was proposed in so many rounds, each measured before the next."""
    digests = []
    for _ in range(rounds):
        proposals = strategy.propose(n)
        digests += [proposal.schedule.digest for proposal in proposals]
        strategy.observe(measured(proposals))
    return digests


def test_deterministic_by_seed(name: str) -> None:
    runs = [_run(make_strategy(name, Toy(4), seed), 6, 8) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_deterministic_in_every_process(name: str) -> None:
    script = f"""
from autosearch.strategies import make_strategy
from tests.strategies.test_conformance import _run
from tests.strategies.toy import Toy
print(*_run(make_strategy({name!r}, Toy(4), 7), 4, 8))
"""
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.split() == _run(make_strategy(name, Toy(4), 7), 4, 8)


def test_proposals_are_different_and_never_measured_before(name: str) -> None:
    digests = _run(make_strategy(name, Toy(3), 0), 12, 16)
    assert len(digests) == 12 * 16
    assert len(set(digests)) == len(digests)


def test_what_others_measured_is_not_proposed(name: str) -> None:
    space = Toy(1)
    others = _run(make_strategy("random", space, 5), 1, 10)
    told = {p.schedule.digest: p for p in make_strategy("random", space, 5).propose(10)}
    assert set(told) == set(others)
    strategy = make_strategy(name, space, 0)
    strategy.observe(measured(list(told.values())))
    assert not set(_run(strategy, 5, 4)) & set(others)


def test_no_more_than_asked_for(name: str) -> None:
    strategy = make_strategy(name, Toy(3), 0)
    assert strategy.propose(0) == []
    assert [len(strategy.propose(n)) for n in (1, 5, 20)] == [1, 5, 20]


def test_a_trace_makes_its_schedule(name: str) -> None:
    space = Toy(3)
    strategy = make_strategy(name, space, 3)
    for _ in range(4):
        proposals = strategy.propose(12)
        for proposal in proposals:
            assert draw(space, Replay(proposal.trace.by_key, FirstChooser())) == proposal
        strategy.observe(measured(proposals))


def test_the_space_is_used_up_and_then_the_search_ends(name: str) -> None:
    space = Toy(1, kinds=("none", "vectorize"))
    strategy = make_strategy(name, space, 0)
    seen: set[str] = set()
    for _ in range(200):
        proposals = strategy.propose(4)
        if not proposals:
            break
        seen |= {proposal.schedule.digest for proposal in proposals}
        strategy.observe(measured(proposals))
    assert strategy.propose(4) == []
    assert 0.8 * space.size <= len(seen) <= space.size


def test_a_space_of_one_schedule(name: str) -> None:
    strategy = make_strategy(name, Single(), 0)
    (only,) = strategy.propose(3)
    strategy.observe([Result(only.trace, only.schedule.digest, 1.0)])
    assert strategy.propose(3) == []


def test_failures_are_borne_and_not_tried_again(name: str) -> None:
    strategy = make_strategy(name, Toy(3), 0)
    failed: set[str] = set()
    for _ in range(5):
        proposals = strategy.propose(8)
        assert len(proposals) == 8
        assert not failed & {proposal.schedule.digest for proposal in proposals}
        failed |= {proposal.schedule.digest for proposal in proposals}
        strategy.observe([Result(p.trace, p.schedule.digest, None) for p in proposals])


def test_results_without_answers_are_borne(name: str) -> None:
    """A baseline's schedule need not be one of the space."""
    strategy = make_strategy(name, Toy(2), 0)
    empty = draw(Single(), FirstChooser())
    strategy.observe([Result(empty.trace, empty.schedule.digest, 0.01), Result(empty.trace, "another", None)])
    assert len(strategy.propose(5)) == 5


def test_observing_nothing_changes_nothing(name: str) -> None:
    one, other = (make_strategy(name, Toy(3), 4) for _ in range(2))
    other.observe([])
    assert one.propose(6) == other.propose(6)


@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_from_what_it_is_told(name: str) -> None:
    later: dict[str, list[float]] = {name: [], "random": []}
    for who, times in later.items():
        for seed in range(4):
            strategy = make_strategy(who, Toy(5), seed)
            _run(strategy, 12, 10)
            times += [seconds_of(proposal.schedule) for proposal in strategy.propose(20)]
    assert median(later[name]) < 0.5 * median(later["random"])


@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns_from_what_others_found(name: str) -> None:
    space = Toy(5)
    told = sorted(measured(make_strategy("random", space, 9).propose(300)), key=lambda result: result.seconds or 0)

    def proposed(results: list[Result]) -> float:
        strategies = [make_strategy(name, space, seed) for seed in range(4)]
        for strategy in strategies:
            strategy.observe(results)
        return median(seconds_of(p.schedule) for strategy in strategies for p in strategy.propose(20))

    assert proposed(told[:80]) < 0.5 * proposed(told[-80:])


def test_real_schedules_are_legal(name: str) -> None:
    space = space_of("blur")
    strategy = make_strategy(name, space, 1)
    seeds = [random_proposal("blur", seed) for seed in range(10)]
    strategy.observe([Result(p.trace, p.schedule.digest, 1 + k) for k, p in enumerate(seeds)])
    for proposal in strategy.propose(15):
        lower(scheduled(snapshot_of("blur"), proposal.schedule))


def test_names_that_are_unknown_are_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=f"no strategy '{name}x'; choose one of .*{name}"):
        make_strategy(f"{name}x", Single(), 0)
