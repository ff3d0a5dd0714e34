"""Genetic search: children resemble the best that was measured."""

from __future__ import annotations

from random import Random as Generator
from statistics import median

from autosearch.choices import Chooser, FirstChooser, RandomChooser, Replay, Trace, draw
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import Unroll
from autosearch.schedule.schedule import Schedule, Step
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.genetic import POPULATION, Genetic
from autosearch.strategies.random import Random
from autosearch.testing.synthetic import Synthetic, measured, seconds_of

SPACE = Synthetic(6)


def _distance(one: Trace, other: Trace) -> int:
    """In how many answers two traces differ."""
    keys = one.by_key.keys() | other.by_key.keys()
    return sum(one.by_key.get(key) != other.by_key.get(key) for key in keys)


def _child_distances(parents: list[Trace], strategy: Genetic) -> list[int]:
    return [min(_distance(p.trace, parent) for parent in parents) for p in strategy.propose(40)]


def test_children_differ_from_a_parent_in_few_answers() -> None:
    parents = Random(SPACE, 1).propose(4)
    strategy = Genetic(SPACE, 0, first=0)
    unrelated = _child_distances([p.trace for p in parents], strategy)
    strategy.observe(measured(parents))
    assert median(_child_distances([p.trace for p in parents], strategy)) <= 3 < median(unrelated)


class Placed:
    """A space of Funcs that are placed and stored somewhere."""

    def build(self, chooser: Chooser) -> Schedule:
        """See `autosearch.choices.Space`."""
        steps: list[Step] = []
        for number in range(6):
            for kind in ("place", "store"):
                answer = chooser.choose(f"f{number}/{kind}", [f"{kind}{level}" for level in range(8)])
                steps.append(Step(StageKey(f"f{number}"), Unroll(str(answer))))
        return Schedule(tuple(steps))


def test_some_children_gather_where_one_is() -> None:
    """From Funcs that are all apart, one step leads to several in one place."""
    space = Placed()
    apart = {f"f{number}/{kind}": f"{kind}{number}" for number in range(6) for kind in ("place", "store")}
    strategy = Genetic(space, 0, first=0)
    strategy.observe(measured([draw(space, Replay(apart, FirstChooser()))] * 2))
    gathered = 0
    for child in strategy.propose(200):
        answers = child.trace.by_key
        places = [(answers[f"f{number}/place"], answers[f"f{number}/store"]) for number in range(6)]
        gathered += max(places.count(one) for one in places) >= 4
    assert gathered >= 5


def test_some_children_move_one_func_only() -> None:
    space = Placed()
    parents = [draw(space, RandomChooser(Generator(seed))) for seed in range(2)]
    strategy = Genetic(space, 0, first=0)
    strategy.observe(measured(parents))
    moved = 0
    for child in strategy.propose(200):
        changed = [
            {key.split("/")[0] for key, answer in child.trace if answer != parent.trace.by_key[key]}
            for parent in parents
        ]
        moved += min(map(len, changed)) == 1
    assert moved >= 30


def test_only_the_best_have_children() -> None:
    proposals = Random(SPACE, 2).propose(POPULATION + 8)
    best, worst = proposals[:POPULATION], proposals[POPULATION:]
    strategy = Genetic(SPACE, 0, first=0)
    strategy.observe([Result(p.trace, p.schedule.digest, 10.0) for p in worst])
    strategy.observe([Result(p.trace, p.schedule.digest, 1.0) for p in best])
    children = [p.trace for p in strategy.propose(60)]
    near = [sum(min(_distance(c, p.trace) for p in group) <= 1 for c in children) for group in (worst, best)]
    assert near[0] < near[1] / 3


def test_crossing_exchanges_whole_funcs() -> None:
    """Of two parents that differ in all Funcs, most children hold each Func as one of them has it."""
    answers = [{f"f{k}.0/tile0/x": factor for k in range(6)} for factor in (4, 32)]
    parents = [draw(SPACE, Replay(one, FirstChooser())) for one in answers]
    strategy = Genetic(SPACE, 3, first=0)
    strategy.observe(measured(parents))
    mixed = 0
    for child in strategy.propose(200):
        factors = {answer for key, answer in child.trace if key.endswith("tile0/x")}
        mixed += factors == {4, 32}
    assert mixed >= 10


def test_a_model_that_is_right_leads_to_better_proposals() -> None:
    """Several generations are bred on what it predicts before anything is measured."""

    def best(predict: Predict | None) -> float:
        strategy = Genetic(SPACE, 5, first=0)
        return min(seconds_of(one.schedule) for one in strategy.propose(200, predict))

    guided = best(lambda proposals: [seconds_of(one.schedule) for one in proposals])
    assert guided < best(None) / 1.5


def test_a_model_changes_neither_count_nor_novelty() -> None:
    strategy = Genetic(SPACE, 5, first=0)
    known = strategy.propose(30)
    strategy.observe(measured(known))
    found = [one.schedule.digest for one in strategy.propose(50, lambda proposals: [1.0] * len(proposals))]
    assert len(set(found)) == len(found) == 50
    assert not {one.schedule.digest for one in known} & set(found)


def test_a_niche_far_behind_still_has_children() -> None:
    """Schedules that share a rare structure aren't crowded out by many better ones of another."""

    class Structured(Synthetic):
        def build(self, chooser: Chooser) -> Schedule:
            """A first question that shapes the rest."""
            way = chooser.choose("f0.1/rfactor", ["none", "strips"], [0.999, 0.001])
            rest = super().build(chooser)
            return Schedule((Step(StageKey("f0", 1), Unroll(str(way))), *rest.steps))

    space = Structured(4)
    strategy = Genetic(space, 1, first=0)
    common = Random(space, 3).propose(POPULATION + 20)
    rare = draw(space, Replay({"f0.1/rfactor": "strips"}, RandomChooser(Generator(0))))
    strategy.observe([Result(p.trace, p.schedule.digest, 1.0) for p in common])
    strategy.observe([Result(rare.trace, rare.schedule.digest, 50.0)])
    children = [p.trace.by_key["f0.1/rfactor"] for p in strategy.propose(100)]
    assert 5 <= children.count("strips") <= 50


def test_breeding_waits_for_measurements() -> None:
    """Until there are enough, proposals are drawn at random: the few seeds there are would crowd out the rest."""
    parents = Random(SPACE, 1).propose(4)
    patient, eager = Genetic(SPACE, 0, first=10), Genetic(SPACE, 0, first=0)
    for strategy in (patient, eager):
        strategy.observe(measured(parents))
    traces = [p.trace for p in parents]
    assert median(_child_distances(traces, patient)) > median(_child_distances(traces, eager))
    more = Random(SPACE, 4).propose(10)
    everyone = [p.trace for p in parents + more]
    drawn = median(_child_distances(everyone, patient))
    patient.observe(measured(more))
    assert median(_child_distances(everyone, patient)) < drawn
