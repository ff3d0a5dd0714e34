"""Schedules that make Funcs of their own: deriving what remains, searching it, printing it."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import halide as hl
import numpy as np
import pytest

from autosearch.choices import RandomChooser, Replay, draw
from autosearch.errors import ScheduleError
from autosearch.export.python import python_module
from autosearch.machine import Machine
from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.records.record import TrialRecord
from autosearch.result import Result
from autosearch.schedule.apply import apply
from autosearch.schedule.directives import CloneIn, ComputeRoot, RFactor, Split
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from autosearch.space.cpu import CpuSpace
from autosearch.space.imitate import imitate
from tests.conftest import TARGET
from tests.made import identity_of

WIDTH, HEIGHT = 100, 90
UPDATE = StageKey("hist", 1)
STRIPS = Schedule.of_steps([(UPDATE, Split("ry", "ryo", "ryi", 16)), (UPDATE, RFactor("ryo", "u", "hist_intm"))])


def histogram() -> hl.Func:
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    x, y, i = hl.Var("x"), hl.Var("y"), hl.Var("i")
    r = hl.RDom([(0, image.width()), (0, image.height())], "r")
    half, hist, out = hl.Func("half"), hl.Func("hist"), hl.Func("out")
    half[x, y] = image[x, y] / 2
    hist[i] = hl.u32(0)
    hist[hl.i32(half[r.x, r.y])] += hl.u32(1)
    out[x, y] = hist[hl.i32(half[x, y])]
    image.set_estimates([(0, WIDTH), (0, HEIGHT)])
    out.set_estimates([(0, WIDTH), (0, HEIGHT)])
    return out


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return take(histogram, TARGET)


@pytest.fixture(scope="module")
def space(snapshot: Snapshot) -> CpuSpace:
    inputs = dict(snapshot.sizes.inputs)
    return CpuSpace(snapshot.flow, snapshot.regions, inputs, Machine(), Structures(snapshot).derive)


def factored(space: CpuSpace, count: int) -> list[Schedule]:
    """Random schedules that make Funcs, half of them by `clone_in` too."""
    chooser = RandomChooser(random.Random(5))
    drawn = [draw(space, chooser).schedule for _ in range(200)]
    made = [schedule for schedule in drawn if len(schedule.structure)]
    cloned = [any(isinstance(step.directive, CloneIn) for step in schedule) for schedule in made]
    half = count // 2
    return [one for one, yes in zip(made, cloned, strict=True) if yes][:half] + [
        one for one, yes in zip(made, cloned, strict=True) if not yes
    ][: count - half]


def test_derived_algorithm_has_the_new_func_and_no_schedule(snapshot: Snapshot) -> None:
    derived = Structures(snapshot).derive(STRIPS)
    assert [func.name for func in derived.algorithm.funcs] == ["image_im", "half", "hist_intm", "hist", "out"]
    new = derived.algorithm.func("hist_intm")
    assert new.args == ("i", "u") and [rvar.name for rvar in new.stages[1].rvars] == ["rx", "ryi"]
    assert [rvar.name for rvar in derived.algorithm.stage(UPDATE).rvars] == ["ryo"]
    assert derived.regions.funcs["hist_intm"] == ((0, 127), (0, 5))  # six strips of at most 16 rows
    assert derived.fingerprint != snapshot.fingerprint
    for name in ("half", "out"):  # what was worked out about them is still there
        assert derived.algorithm.func(name) is snapshot.algorithm.func(name)


def test_a_clone_is_called_in_place_of_the_func(snapshot: Snapshot) -> None:
    cloned = Schedule.of_steps([(StageKey("half"), CloneIn("hist", "half_of_hist"))])
    derived = Structures(snapshot).derive(cloned)
    assert [func.name for func in derived.algorithm.funcs] == ["image_im", "half", "half_of_hist", "hist", "out"]
    assert derived.algorithm.consumers["half_of_hist"] == (UPDATE,)
    assert derived.algorithm.consumers["half"] == (StageKey("out"),)
    assert derived.algorithm.func("half_of_hist").stages[0].values == snapshot.algorithm.func("half").stages[0].values


def test_a_func_whose_consumer_has_a_clone_is_gone(snapshot: Snapshot) -> None:
    derived = Structures(snapshot).derive(Schedule.of_steps([(StageKey("hist"), CloneIn("out", "counts"))]))
    assert [func.name for func in derived.algorithm.funcs] == ["image_im", "half", "counts", "out"]
    assert len(derived.algorithm.func("counts").stages) == 2


@pytest.mark.parametrize("consumer", ["nobody", "half"])
def test_a_clone_for_who_does_not_call_the_func(snapshot: Snapshot, consumer: str) -> None:
    cloned = Schedule.of_steps([(StageKey("half"), CloneIn(consumer, "half_of_it"))])
    try:
        derived = Structures(snapshot).derive(cloned)
    except ScheduleError:
        return
    assert derived.algorithm.funcs == snapshot.algorithm.funcs


def test_what_halide_refuses_is_refused_each_time(snapshot: Snapshot) -> None:
    structures = Structures(snapshot)
    wrong = Schedule.of_steps([(UPDATE, RFactor("rz", "u", "hist_intm"))])
    for _ in range(2):
        with pytest.raises(ScheduleError, match="rz"):
            structures.derive(wrong)
    again = Schedule.of_steps([(UPDATE, RFactor("ry", "u", "hist"))])
    with pytest.raises(ScheduleError, match="already"):
        structures.derive(again)


def test_factored_schedules_give_the_right_output(snapshot: Snapshot, space: CpuSpace) -> None:
    image = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    half = image // 2
    expected = np.bincount(half.ravel(), minlength=128).astype(np.uint32)[half]
    for schedule in factored(space, 6):
        pipeline = snapshot.fresh()
        apply(schedule, pipeline, snapshot.algorithm)
        kernel = pipeline.compile_to_callable(pipeline.infer_arguments(), TARGET)
        output = np.zeros((HEIGHT, WIDTH), dtype=np.uint32)
        kernel(image, output)
        assert (output == expected).all(), str(schedule)


def test_imitation_finds_the_same_schedule(space: CpuSpace) -> None:
    for schedule in factored(space, 10):
        imitation = imitate(space, schedule)
        assert imitation.exact, imitation.differences
        assert imitation.schedule.structure == schedule.structure


def test_json_round_trip(space: CpuSpace) -> None:
    for schedule in factored(space, 5):
        assert Schedule.from_json(schedule.to_json()) == schedule


def test_exported_python_gives_the_same_code(snapshot: Snapshot, space: CpuSpace, tmp_path: Path) -> None:
    for schedule in factored(space, 3):
        record = TrialRecord(identity_of(snapshot), "random", schedule, None, (1e-3,))
        source = python_module(Result(snapshot, str(TARGET), (record,), None), tmp_path / "a.py")
        names: dict[str, Any] = {}
        exec(compile(source, "a.py", "exec"), names)
        ours, theirs = snapshot.fresh(), snapshot.fresh()
        apply(schedule, ours, snapshot.algorithm)
        names["apply_schedule"](theirs)
        assert lowered(ours, tmp_path / "ours.stmt") == lowered(theirs, tmp_path / "theirs.stmt")


def lowered(pipeline: hl.Pipeline, path: Path) -> str:
    """The lowered statement, without the numbers that make names unique."""
    pipeline.compile_to_lowered_stmt(str(path), pipeline.infer_arguments(), hl.StmtOutputFormat.Text, TARGET)
    return re.sub(r"(_+|\bt)\d+", "", path.read_text().replace("$", "_"))


def test_clones_are_seldom_computed_whole(space: CpuSpace) -> None:
    whole = total = 0
    for seed in range(250):
        chooser = Replay({"style": "stages"}, RandomChooser(random.Random(seed)))
        schedule = draw(space, chooser).schedule
        for step in schedule:
            if isinstance(step.directive, CloneIn):
                total += 1
                whole += ComputeRoot() in schedule.of(StageKey(step.directive.func))
    assert total >= 20 and whole < total / 2
