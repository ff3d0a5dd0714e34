"""Who takes part in the race."""

from __future__ import annotations

from dataclasses import replace

from autosearch import contenders as module
from autosearch.contenders import LEAST_FINALISTS, compilation, contenders
from autosearch.measure.protocol import Candidate
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


def test_where_compiling_takes_long_fewer_race() -> None:
    baseline = replace(trial("blur", ROOT, 1.0), baseline="root", compile_seconds=4.0)
    slow, failed = trial("blur", TILED, 1.0), replace(trial("blur", TILED, 1.0), times=(), failure="illegal")
    many = [replace(slow, times=(1e-3 * n,), compile_seconds=2.0) for n in range(1, 20)]

    def nothing(candidate: Candidate) -> bool:
        return False

    assert compilation([baseline, failed, *many], 1e9, 1, nothing) == (module.FINALISTS, 4.0 + 2.0 * module.FINALISTS)
    assert compilation([baseline, failed, *many], 1e9, 2, nothing) == (module.FINALISTS, 2.0 + 1.0 * module.FINALISTS)
    assert compilation([baseline, failed, *many], 1.0, 1, nothing) == (LEAST_FINALISTS, 4.0 + 2.0 * LEAST_FINALISTS)
    assert compilation([baseline, failed], 1.0, 1, nothing) == (LEAST_FINALISTS, 4.0)
    held = {ROOT, TILED}.__contains__
    assert compilation([baseline, failed, *many], 1.0, 1, lambda one: held(one.schedule)) == (module.FINALISTS, 0.0)


def test_as_many_race_as_there_is_time_for() -> None:
    many = [trial("blur", Schedule(TILED.steps[:n]), 1e-3 * n) for n in range(1, len(TILED) + 1)]
    assert [one.name for one in contenders(many, BLUR, finalists=2)] == ["found 1", "found 2"]
