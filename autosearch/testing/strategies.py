"""What every `Strategy` must do.

    class TestMine(StrategySuite):
        strategy = MyStrategy

Nothing is compiled or timed: strategies search synthetic spaces, and one real space for whether its schedules are whole.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Sequence
from statistics import median
from typing import ClassVar

import pytest

from autosearch.choices import FirstChooser, Proposal, Replay, Space, Trace, draw
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.space.cpu import CpuSpace
from autosearch.strategies import StrategyFactory, make_strategy
from autosearch.strategies.base import Predict, Result, Strategy
from autosearch.strategies.random import Random
from autosearch.testing.sample import blur
from autosearch.testing.synthetic import Placed, Single, Synthetic, measured, noisy_model, seconds_of

PREDICTIONS = {"without a model": None, "with a model": noisy_model()}


def search(strategy: Strategy, rounds: int, n: int, predict: Predict | None = None) -> list[Proposal]:
    """All that is proposed in so many rounds of `n`, each measured before the next."""
    found: list[Proposal] = []
    for _ in range(rounds):
        proposals = strategy.propose(n, predict)
        strategy.observe(measured(proposals))
        found += proposals
    return found


def digests(proposals: Sequence[Proposal]) -> list[str]:
    """Which schedules these are."""
    return [one.schedule.digest for one in proposals]


class StrategySuite:
    """Conformance tests of the protocol `Strategy`."""

    strategy: ClassVar[str | StrategyFactory]
    """A name, or what makes a strategy from a space and a seed."""
    gains: ClassVar[float | None] = 0.5
    """What it proposes in the end is to take at most this share of what random schedules do; None: it doesn't learn."""

    def make(self, space: Space, seed: int = 0) -> Strategy:
        """A new strategy for a space."""
        return make_strategy(type(self).strategy, space, seed)

    @pytest.fixture(params=list(PREDICTIONS))
    def predict(self, request: pytest.FixtureRequest) -> Predict | None:
        """None, and then a cost model that errs by half."""
        return PREDICTIONS[request.param]

    def test_the_same_by_seed(self, predict: Predict | None) -> None:
        runs = [digests(search(self.make(Synthetic(4), seed), 5, 8, predict)) for seed in (1, 1, 2)]
        assert runs[0] == runs[1] != runs[2]

    def test_the_same_in_every_process(self) -> None:
        """Nor does anything follow from the order of a set of words, which differs between processes."""
        cls = type(self)
        script = f"import sys, {cls.__module__} as m; m.{cls.__qualname__}().print_search()"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": "99"}
        other = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment
        )
        assert other.returncode == 0, other.stderr
        assert other.stdout.split() == self._searched()

    def print_search(self) -> None:
        """What another process is asked for."""
        print(*self._searched())

    def _searched(self) -> list[str]:
        space = Placed(4)
        strategy = self.make(space, 7)
        strategy.observe(measured(Random(space, 0).propose(80)))
        return digests(search(strategy, 2, 40))

    def test_all_different_and_none_twice(self, predict: Predict | None) -> None:
        found = digests(search(self.make(Synthetic(3)), 10, 10, predict))
        assert len(found) == len(set(found)) == 100

    def test_a_log_counts(self) -> None:
        """A search that is told what another has measured doesn't repeat it, and goes on as well as that would have."""
        space = Synthetic(3)
        before = search(self.make(space, 1), 6, 8)
        strategy = self.make(space, 2)
        strategy.observe(measured(before))
        after = search(strategy, 4, 8)
        assert not set(digests(before)) & set(digests(after))
        if self.gains is not None:
            assert _typical(after) < _typical(Random(space, 3).propose(200))

    def test_as_many_as_asked_for(self, predict: Predict | None) -> None:
        strategy = self.make(Synthetic(3))
        assert strategy.propose(0, predict) == []
        assert [len(strategy.propose(n, predict)) for n in (1, 5, 20)] == [1, 5, 20]

    def test_a_trace_makes_its_schedule(self, predict: Predict | None) -> None:
        space = Placed(3)
        for proposal in search(self.make(space, 3), 4, 12, predict):
            assert draw(space, Replay(proposal.trace.by_key, FirstChooser())) == proposal

    def test_schedules_of_a_real_space(self) -> None:
        """Each is its trace's, and has a loop nest."""
        target = "host"
        snapshot = take(blur, target)
        space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
        strategy = self.make(space, 1)
        strategy.observe(
            [Result(p.trace, p.schedule.digest, 1 + k) for k, p in enumerate(Random(space, 1).propose(10))]
        )
        found = strategy.propose(12)
        assert len(found) == 12
        for proposal in found:
            space.nest(proposal.schedule)
            assert draw(space, Replay(proposal.trace.by_key, FirstChooser())) == proposal

    def test_a_space_is_used_up_and_the_search_ends(self) -> None:
        space = Synthetic(1, kinds=("none", "vectorize"))
        strategy = self.make(space)
        seen: set[str] = set()
        for _ in range(200):
            proposals = search(strategy, 1, 4)
            if not proposals:
                break
            seen |= set(digests(proposals))
        assert strategy.propose(4) == []
        assert 0.8 * space.size <= len(seen) <= space.size

    def test_a_space_of_one_schedule(self, predict: Predict | None) -> None:
        strategy = self.make(Single())
        (only,) = strategy.propose(3, predict)
        strategy.observe([Result(only.trace, only.schedule.digest, 1.0)])
        assert strategy.propose(3, predict) == []

    def test_where_all_fails_it_goes_on(self, predict: Predict | None) -> None:
        strategy = self.make(Synthetic(3))
        failed: set[str] = set()
        for _ in range(5):
            proposals = strategy.propose(8, predict)
            assert len(proposals) == 8
            assert not failed & set(digests(proposals))
            failed |= set(digests(proposals))
            strategy.observe([Result(p.trace, p.schedule.digest, None) for p in proposals])

    def test_results_without_answers_are_borne(self) -> None:
        """A baseline's schedule need not be one of the space."""
        strategy = self.make(Synthetic(2))
        strategy.observe([Result(Trace(), "one", 0.01), Result(Trace(), "another", None)])
        assert len(search(strategy, 2, 5)) == 10

    def test_traces_of_another_space_are_borne(self, predict: Predict | None) -> None:
        """A log may hold questions and answers that the space hasn't got, after an update or with another template."""
        strange = [
            Trace((("g.0/turn", "left"), ("f0.0/tile0/x", 1000), ("f1.0/tile0/x", "wide"))),
            Trace((("g.0/turn", 3),)),
            Trace((("f0.0/vector", "unheard of"), ("f0.0/tile0/x", 8))),
        ]
        strategy = self.make(Synthetic(3))
        strategy.observe([Result(trace, f"strange {place}", 0.1) for place, trace in enumerate(strange * 4)])
        assert len(search(strategy, 2, 8, predict)) == 16

    def test_observing_nothing_changes_nothing(self) -> None:
        one, other = (self.make(Synthetic(3), 4) for _ in range(2))
        other.observe([])
        assert one.propose(6) == other.propose(6)

    def test_only_some_are_measured(self) -> None:
        """The tuner measures the promising ones; the others may be proposed again, or not."""
        strategy = self.make(Synthetic(4))
        known: set[str] = set()
        for _ in range(4):
            proposals = strategy.propose(12)
            assert len(proposals) == 12 and not known & set(digests(proposals))
            known |= set(digests(proposals[:4]))
            strategy.observe(measured(proposals[:4]))

    def test_it_learns_from_what_it_is_told(self, predict: Predict | None) -> None:
        """By the median of what it proposes after some hundred measurements."""
        if self.gains is None:
            pytest.skip("it isn't meant to")
        found = [one for seed in range(2) for one in search(self.make(Synthetic(5), seed), 12, 8, predict)[-24:]]
        assert _typical(found) < self.gains * _typical(Random(Synthetic(5), 0).propose(300))

    def test_it_learns_from_what_others_found(self) -> None:
        """Told of fast schedules only, it proposes faster ones than told of slow ones only."""
        if self.gains is None:
            pytest.skip("it isn't meant to")
        space = Synthetic(5)
        told = sorted(measured(Random(space, 9).propose(300)), key=lambda result: result.seconds or math.inf)

        def proposed(results: Sequence[Result]) -> float:
            strategies = [self.make(space, seed) for seed in range(2)]
            for strategy in strategies:
                strategy.observe(results)
            return _typical([one for strategy in strategies for one in strategy.propose(20)])

        assert proposed(told[:80]) < self.gains * proposed(told[-80:])


def _typical(proposals: Sequence[Proposal]) -> float:
    return median(seconds_of(one.schedule) for one in proposals)
