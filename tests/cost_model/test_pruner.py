"""The pruner: which of many schedules are worth measuring."""

from __future__ import annotations

from statistics import mean

import pytest

from autosearch.cost_model.features import NAMES
from autosearch.cost_model.model import NotFittedError
from autosearch.cost_model.pruner import LEAST_DATA, PLACING, Pruner
from autosearch.machine import Machine
from autosearch.schedule.schedule import Schedule
from tests.conftest import random_proposal, space_of

SCHEDULES = [random_proposal("sharpen", seed).schedule for seed in range(160)]
KNOWN, NEW = SCHEDULES[:80], SCHEDULES[80:]


def _pruner(explore: float = 0.15, seed: int = 0) -> Pruner:
    return Pruner(space_of("sharpen").nest, Machine(), seed, explore)


def _seconds(pruner: Pruner, schedule: Schedule) -> float:
    """A made-up time: the work of all stages over vectors and cores, and what they read."""
    rows = pruner.features(schedule)
    core_work, traffic = rows[:, NAMES.index("core_work")], rows[:, NAMES.index("read_traffic")]
    return float((2.0**core_work + 0.3 * 2.0**traffic).sum()) * 1e-9


def _trained(explore: float = 0.15, seed: int = 0) -> Pruner:
    pruner = _pruner(explore, seed)
    pruner.observe([(schedule, _seconds(pruner, schedule)) for schedule in KNOWN])
    return pruner


def test_it_is_ready_once_it_has_seen_enough() -> None:
    pruner = _pruner()
    measured = [(schedule, _seconds(pruner, schedule)) for schedule in KNOWN[:LEAST_DATA]]
    pruner.observe(measured[:-1])
    assert not pruner.ready
    with pytest.raises(NotFittedError):
        pruner.predict(NEW)
    pruner.observe(measured[-1:])
    assert pruner.ready
    assert len(pruner.predict(NEW)) == len(NEW)


def test_it_picks_fast_schedules() -> None:
    pruner = _trained(explore=0.0)
    times = [_seconds(pruner, schedule) for schedule in NEW]
    chosen = [times[place] for place in pruner.select(NEW, 10)]
    assert sum(seconds in sorted(times)[:20] for seconds in chosen) >= 7
    assert mean(chosen) < 0.7 * mean(times)


def test_without_exploration_it_takes_the_best_predicted() -> None:
    pruner = _trained(explore=0.0)
    predicted = pruner.predict(NEW)
    assert pruner.select(NEW, 8) == sorted(range(len(NEW)), key=predicted.__getitem__)[:8]


def test_a_share_is_drawn_at_random() -> None:
    pruner = _trained(explore=0.25)
    predicted = pruner.predict(NEW)
    best = set(sorted(range(len(NEW)), key=predicted.__getitem__)[:8])
    batches = [pruner.select(NEW, 8) for _ in range(100)]
    assert all(len(set(batch)) == 8 for batch in batches)
    others = [place for batch in batches for place in batch if place not in best]
    assert 0.15 < len(others) / 800 < 0.3
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


def test_a_share_goes_to_the_neighbours_of_the_fastest() -> None:
    """Placements not tried yet that differ in one Func, whatever the model says; each until it is measured."""
    fastest = Schedule.from_json([["gray", "compute_root"], ["smooth", "compute_root"]])
    neighbour = Schedule.from_json([["gray", "compute_root"]])
    far = [schedule for schedule in NEW if _moved(schedule, fastest) != 1]
    assert len(far) > 20 and _moved(neighbour, fastest) == 1
    pruner = _trained(explore=0.0)
    pruner.observe([(fastest, 1e-12)])
    assert sum(len(far) in pruner.select([*far, neighbour], 4) for _ in range(100)) > 30
    pruner.observe([(neighbour, 1.0)])
    assert sum(len(far) in pruner.select([*far, neighbour], 4) for _ in range(100)) == 0


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


def test_features_forgotten_are_worked_out_again() -> None:
    pruner = _pruner()
    before = pruner.features(NEW[0])
    pruner.forget([NEW[0], NEW[1]])
    after = pruner.features(NEW[0])
    assert after is not before and (after == before).all()
    assert pruner.features(NEW[0]) is after
