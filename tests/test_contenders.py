"""Who takes part in the race."""

from __future__ import annotations

from dataclasses import replace

from autosearch import contenders as module
from autosearch.contenders import contenders
from autosearch.schedule.schedule import Schedule
from tests.conftest import snapshot_of
from tests.made import ROOT, TILED, blur_records, trial

BLUR = snapshot_of("blur")


def test_baselines_that_ran_and_the_fastest_found_take_part() -> None:
    found = contenders(blur_records(), BLUR)
    assert [one.name for one in found] == ["root", "default", "found 1", "found 2"]
    assert [one.schedule for one in found] == [ROOT, Schedule(), TILED, Schedule(TILED.steps[:4])]


def test_a_baseline_found_again_takes_part_once() -> None:
    again = replace(trial("blur", ROOT, 1e-3), source="genetic")
    assert [one.name for one in contenders((*blur_records(), again), BLUR)].count("root") == 1
    assert ROOT not in [one.schedule for one in contenders((*blur_records(), again), BLUR) if one.name != "root"]


def test_no_more_than_so_many_of_those_found() -> None:
    many = [trial("blur", Schedule(TILED.steps[:n]), 1e-3 * (n + 1)) for n in range(1, len(TILED) + 1)]
    many += [trial("blur", Schedule((*TILED.steps[:2], *ROOT.steps)), 1e-4)]
    found = contenders(many, BLUR)
    assert len(found) == module.FINALISTS and found[0].schedule == many[-1].schedule
