"""Adams2019's own predictions, and rankings held against each other."""

from __future__ import annotations

import json
from gzip import compress
from pathlib import Path

import halide as hl

from autosearch.cost_model.prior import shipped_prior
from autosearch.measure.device import Work, source_of
from autosearch.pipeline.snapshot import take
from autosearch.schedule.read import read_schedule
from benchmarks.adams_ranking import compare, table
from benchmarks.adams_record import Priced, priced_draws, read_priced
from benchmarks.pipelines import load


def drawn(count: int) -> list[Priced]:
    """Schedules of box_blur that take, so it is said here, as long as is predicted."""
    target = hl.get_host_target()
    snapshot = take(load("box_blur").pipeline, target)
    found: dict[object, Priced] = {}
    for scheduled, cost in priced_draws(source_of(Work(snapshot, target)), 30.0):
        schedule = read_schedule(scheduled, snapshot.algorithm)
        found.setdefault(schedule, Priced(schedule, cost, cost))
        if len(found) == count:
            break
    return list(found.values())


def test_adams2019_says_what_its_schedules_cost_and_a_perfect_ranking_is_told(tmp_path: Path) -> None:
    priced = drawn(4)
    assert len({one.cost for one in priced}) > 1 and all(one.cost > 0 for one in priced)
    rows = [{"cost": one.cost, "seconds": one.seconds, "schedule": one.schedule.to_json()} for one in priced]
    path = tmp_path / "adams.json.gz"
    path.write_bytes(compress(json.dumps({"pipelines": {"box_blur": rows}}).encode()))
    assert read_priced(path) == {"box_blur": priced}
    prior = shipped_prior()
    assert prior is not None
    (found,) = compare(read_priced(path), {"box_blur": prior, "harris": prior})
    assert found.schedules == 4 and found.theirs > 0.99 and found.their_first == 1.0
    assert -1.0 <= found.ours <= 1.0 <= found.our_first
    assert "box_blur" in table([found])


def test_nothing_is_recorded(tmp_path: Path) -> None:
    assert read_priced(tmp_path / "none.json.gz") == {}
