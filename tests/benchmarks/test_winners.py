"""Counting which primitives winners use."""

from __future__ import annotations

from pathlib import Path

from autosearch.schedule.schedule import Schedule
from benchmarks.winners import table, winners_of_log, winners_of_suite

LOG = Path(__file__).parents[2] / "records" / "bred" / "nl_means.jsonl.gz"


def test_the_fastest_of_a_log_counts_once() -> None:
    (winner,) = winners_of_log(LOG)
    assert len(winner) > 5
    assert "| `vectorize` | 1 |" in table([winner])


def test_a_suites_winners_are_found_wherever_they_stand() -> None:
    one = [["out", "parallel", "y"], ["f", "compute_root"], ["g", "compute_root"]]
    results = {"pipelines": [{"name": "a", "schedule": one}, {"name": "b", "schedule": one[:1]}], "machine": "m"}
    found = list(winners_of_suite(results))
    assert found == [Schedule.from_json(one), Schedule.from_json(one[:1])]
    text = table(found)
    assert "| `parallel` | 2 | 2 |" in text and "| `compute_root` | 1 | 2 |" in text and "| `fuse` | 0 | 0 |" in text
