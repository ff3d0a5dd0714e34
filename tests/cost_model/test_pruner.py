"""The pruner: which of many schedules are worth measuring."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

import pytest

from autosearch.choices import STYLE, Proposal, Trace
from autosearch.cost_model.learner import LEAST_DATA, Learner
from autosearch.cost_model.neighbours import Neighbours, placement
from autosearch.cost_model.pruner import DOUBTFUL, STALE, Pruner
from autosearch.machine import Machine
from autosearch.schedule.directives import PLACING
from autosearch.schedule.schedule import Schedule
from tests.conftest import random_proposal, space_of
from tests.cost_model.learned import gray_at_root, made_up_seconds

DRAWN = [random_proposal("sharpen", seed) for seed in range(160)]
KNOWN, NEW = DRAWN[:80], DRAWN[80:]
SCHEDULES = [one.schedule for one in NEW]


def _pruner(explore: float = 0.15, seed: int = 0) -> Pruner:
    return Pruner(Learner(space_of("sharpen").ground, Machine(), seed), seed, explore)


def _seconds(pruner: Pruner, schedule: Schedule) -> float:
    return made_up_seconds(pruner.learner, schedule)


def _trained(explore: float = 0.15, seed: int = 0) -> Pruner:
    pruner = _pruner(explore, seed)
    pruner.observe([(one, _seconds(pruner, one.schedule)) for one in KNOWN])
    return pruner


def test_it_picks_fast_schedules() -> None:
    pruner = _trained(explore=0.0)
    times = [_seconds(pruner, schedule) for schedule in SCHEDULES]
    chosen = [times[place] for place in pruner.select(NEW, 10)]
    assert sum(seconds in sorted(times)[:20] for seconds in chosen) >= 7
    assert mean(chosen) < 0.7 * mean(times)


def _near(pruner: Pruner, proposals: Sequence[Proposal]) -> set[int]:
    """The places of those that have a Func elsewhere, or one decision taken otherwise, than one of the fastest known."""
    known = Neighbours()
    for one in KNOWN:
        known.observe(one, _seconds(pruner, one.schedule))
    elsewhere = {placement(proposals[place].schedule) for place in known.elsewhere(proposals)}
    near = {place for place, one in enumerate(proposals) if placement(one.schedule) in elsewhere}
    return near | set(known.decided_otherwise(proposals))


def test_without_exploration_it_takes_the_best_predicted_and_neighbours_of_the_fastest() -> None:
    pruner = _trained(explore=0.0)
    predicted = pruner.learner.predict(SCHEDULES)
    near = _near(pruner, NEW)
    assert 8 < len(near) < len(NEW) - 30
    ranked = [place for place in sorted(range(len(NEW)), key=predicted.__getitem__) if place not in near]
    for _ in range(20):
        others = [place for place in pruner.select(NEW, 8) if place not in near]
        assert set(others) <= set(ranked[:12])  # a few of those are too much alike


def test_a_share_is_drawn_at_random() -> None:
    pruner = _trained(explore=0.25)
    best = set(_trained(explore=0.0).select(NEW, 8))
    batches = [pruner.select(NEW, 8) for _ in range(100)]
    assert all(len(set(batch)) == 8 for batch in batches)
    others = [place for batch in batches for place in batch if place not in best]
    assert 0.15 < len(others) / 800 < 0.4  # some are picked for what they decide otherwise
    assert len(set(others)) > 60  # anything may be drawn


def _places(schedule: Schedule) -> dict[str, list[object]]:
    """By Func: where it is computed and stored."""
    return {
        key.func: [directive for directive in directives if isinstance(directive, PLACING)]
        for key, directives in schedule.by_stage.items()
    }


def _moved(one: Schedule, other: Schedule) -> int:
    """How many Funcs are elsewhere."""
    a, b = _places(one), _places(other)
    return sum(a.get(func, []) != b.get(func, []) for func in {*a, *b})


def _plain(steps: list[Any]) -> Proposal:
    return Proposal(Trace(), Schedule.from_json(steps))


def test_a_share_goes_to_the_neighbours_of_the_fastest() -> None:
    """Placements not tried yet that differ in one Func, whatever the model says; each until it is measured."""
    root = [["gray", "compute_root"], ["smooth", "compute_root"]]
    fastest = _plain([*root, ["repeat_edge", "compute_root"]])
    levels = [["gray", "y"], ["gray", "x"], ["gray", "yo"], ["gray", "xo"]]
    tried = {placement(one.schedule) for one in KNOWN}
    neighbours = (_plain([*root, ["repeat_edge", "compute_at", level]]) for level in levels)
    neighbour = next(one for one in neighbours if placement(one.schedule) not in tried)
    known = Neighbours()
    known.observe(fastest, 1e-12)
    near = {placement(NEW[place].schedule) for place in known.elsewhere(NEW)}
    far = [one for one in NEW if placement(one.schedule) not in near]
    assert len(far) > 20 and _moved(neighbour.schedule, fastest.schedule) == 1
    pruner = _trained(explore=0.0)
    pruner.observe([(fastest, 1e-12)])
    before = mean(len(far) in pruner.select([*far, neighbour], 4) for _ in range(300))
    pruner.observe([(one, 1.0) for one in KNOWN[:STALE]])  # nothing better for long: then more
    after = mean(len(far) in pruner.select([*far, neighbour], 4) for _ in range(300))
    assert 0.4 < before < 0.7 < after
    pruner.observe([(neighbour, 1.0)])
    assert sum(len(far) in pruner.select([*far, neighbour], 4) for _ in range(100)) == 0


def test_a_share_differs_from_the_fastest_in_one_decision() -> None:
    """Whatever the model says; until that answer is measured."""
    pruner = _trained(explore=0.0)
    fastest = min(KNOWN, key=lambda one: _seconds(pruner, one.schedule))
    key = next(key for key, _ in fastest.trace if key.endswith("/width"))
    slow = max(NEW, key=lambda one: pruner.learner.predict([one.schedule])[0])
    other = Proposal(Trace(((key, 1), *((k, answer) for k, answer in fastest.trace if k != key))), slow.schedule)
    proposals = [*(one for one in NEW if one is not slow), other]
    assert sum(len(proposals) - 1 in pruner.select(proposals, 4) for _ in range(100)) > 25
    pruner.observe([(other, 1.0)])
    assert sum(len(proposals) - 1 in pruner.select(proposals, 4) for _ in range(100)) == 0


def test_neighbours_of_both_kinds_are_no_more_than_asked_for() -> None:
    pruner = _trained(explore=0.0)
    root = [["gray", "compute_root"], ["smooth", "compute_root"]]
    trace = KNOWN[0].trace
    fastest = Proposal(trace, _plain([*root, ["repeat_edge", "compute_root"]]).schedule)
    pruner.observe([(fastest, 1e-12)])
    moved = [_plain([*root, ["repeat_edge", "compute_at", ["gray", level]]]) for level in ("y", "x")]
    keys = [key for key, _ in trace if key.endswith("/width")]
    otherwise = [
        Proposal(Trace(tuple((k, 1 if k == key else answer) for k, answer in trace)), one.schedule)
        for key, one in zip(keys, NEW, strict=False)
    ]
    for few in (1, 2, 3):
        assert {len(set(pruner.select([*moved, *otherwise, *NEW[40:]], few))) for _ in range(150)} == {few}


def test_where_nothing_better_is_found_other_styles_have_their_turn() -> None:
    pruner = _pruner(explore=0.0)
    known = sorted(((one, _seconds(pruner, one.schedule)) for one in KNOWN), key=lambda pair: -pair[1])
    pruner.observe(known)
    ranked = sorted(NEW, key=lambda one: pruner.learner.predict([one.schedule])[0])
    styled = [Proposal(Trace(((STYLE, "rows" if place < 40 else "tiles"),)), one.schedule) for place, one in enumerate(ranked)]
    near = _near(pruner, styled)

    def of_the_best() -> float:
        """Of all selected that aren't neighbours of the fastest, the share that is of the style of the best."""
        return mean(place < 40 for _ in range(50) for place in pruner.select(styled, 8) if place not in near)

    before = of_the_best()
    pruner.observe(known[:STALE])
    assert before > 0.78 and of_the_best() < 0.9 * before


def test_a_model_that_has_seen_little_leaves_more_to_chance() -> None:
    pruner = _pruner(explore=0.1)
    pruner.observe([(one, _seconds(pruner, one.schedule)) for one in KNOWN[:LEAST_DATA]])
    predicted = pruner.learner.predict(SCHEDULES)
    best = set(sorted(range(len(NEW)), key=predicted.__getitem__)[:40])
    strangers = [place not in best for _ in range(100) for place in pruner.select(NEW, 8)]
    assert 0.1 < sum(strangers) / len(strangers) < 0.4  # half of those drawn at random are among the best 40


def test_all_at_random_if_told_so() -> None:
    pruner = _trained(explore=1.0)
    assert len({place for _ in range(40) for place in pruner.select(NEW, 20)}) == len(NEW)


@pytest.mark.parametrize("pruner", [_pruner(), _trained()], ids=["untrained", "trained"])
def test_places_are_distinct_and_no_more_than_asked_for(pruner: Pruner) -> None:
    for few in (0, 1, 7, len(NEW), len(NEW) + 5):
        places = pruner.select(NEW, few)
        assert len(places) == len(set(places)) == min(few, len(NEW))
        assert set(places) <= set(range(len(NEW)))
    assert pruner.select([], 3) == []


def test_deterministic_by_seed() -> None:
    one, same, other = (_trained(seed=seed) for seed in (1, 1, 2))
    assert [one.select(NEW, 10) for _ in range(2)] == [same.select(NEW, 10) for _ in range(2)]
    assert one.select(NEW, 40) != other.select(NEW, 40)


def test_what_is_likely_to_fail_is_not_measured() -> None:
    """Here whatever computes `gray` at root fails: nothing of that kind is picked once it is known."""
    pruner = _pruner(explore=0.0)
    pruner.observe([(one, None if gray_at_root(one) else _seconds(pruner, one.schedule)) for one in KNOWN])
    chances = pruner.learner.feasible(SCHEDULES)
    doubtful = {place for place, chance in enumerate(chances) if chance < DOUBTFUL}
    assert doubtful and not doubtful & {place for _ in range(20) for place in pruner.select(NEW, 8)}
