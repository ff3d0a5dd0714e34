"""Tuning for several sizes at once: the schedule works at any, and the score is the geometric mean."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import autosearch
from autosearch import tuner
from autosearch.choices import RandomChooser, draw
from autosearch.machine import Machine
from autosearch.measure.statistics import geometric_mean
from autosearch.pipeline.snapshot import take
from autosearch.result import Result
from autosearch.schedule.apply import apply
from autosearch.schedule.directives import Split, Tail
from autosearch.schedule.specialize import where_tiles_fit
from autosearch.spaces import make_space
from tests.conftest import TARGET
from tests.samples import SAMPLES, blur

SIZES = [(40, 30), (200, 120)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """A run, and its log."""
    log = tmp_path_factory.mktemp("sizes") / "blur.jsonl"
    result = autosearch.tune(blur, trials=4, sizes=SIZES, log=log, strategy="random", cost_model=False, progress=False)
    return result, log


def test_times_are_geometric_means_over_the_sizes(run: tuple[Result, Path]) -> None:
    result, _ = run
    large, small = result.at_sizes
    assert (str(large), str(small)) == ("200 x 120", "40 x 30") and large.seconds > small.seconds
    assert result.race is not None
    place = [schedule for _, schedule in result.race.contenders].index(result.best)
    rows = [result.race.at_size(place, size) for size in (0, 1)]
    for whole, *each in zip(result.race.samples[place], *rows, strict=True):
        assert (whole is None) == (each[0] is None)
        assert whole is None or whole == pytest.approx(geometric_mean([one for one in each if one is not None]))
    assert "at 40 x 30: " in result.summary() and set(large.speedups) <= set(result.baselines)


def test_the_log_gives_it_back_with_and_without_the_pipeline(run: tuple[Result, Path]) -> None:
    result, log = run
    for again in (autosearch.replay(log), autosearch.replay(log, blur, sizes=list(reversed(SIZES)))):
        assert again.summary() == result.summary() and again.at_sizes == result.at_sizes


def test_the_winner_works_at_sizes_that_nobody_asked_for(run: tuple[Result, Path]) -> None:
    result, _ = run
    kernel = result.compile()
    for width, height in ((1, 1), (2, 5), (17, 3), (201, 121)):
        image = np.random.default_rng(0).integers(0, 1 << 16, (height + 2, width + 2)).astype(np.uint16)
        out = np.zeros((height, width), np.uint16)
        kernel(image, out)
        row = (image[:, :-2] + image[:, 1:-1] + image[:, 2:]) // 3
        assert np.array_equal(out, (row[:-2] + row[1:-1] + row[2:]) // 3)


def test_the_fastest_are_tried_in_a_version_for_where_tiles_fit(run: tuple[Result, Path]) -> None:
    result, _ = run
    snapshot, digests = result.snapshot, {one.schedule.digest for one in result.records if one.schedule is not None}
    drawn = sorted((one for one in result.records if one.ok and one.source == "random"), key=lambda one: one.seconds)
    fastest = [one.schedule for one in drawn[: tuner.SPECIALIZED] if one.schedule is not None]
    versions = [where_tiles_fit(one, snapshot.algorithm, snapshot.sizes.free) for one in fastest]
    assert any(versions) and all(one is None or one.digest in digests for one in versions)


def test_exports_say_the_sizes_and_that_it_works_at_any(run: tuple[Result, Path], tmp_path: Path) -> None:
    result, _ = run
    result.export(tmp_path / "blur.h")
    assert "blur_y of 200 x 120 and 40 x 30; it works at any size." in (tmp_path / "blur.h").read_text()


@pytest.mark.parametrize("name", list(SAMPLES))
def test_outputs_of_any_size_get_guards_alone(name: str) -> None:
    """Whatever is drawn: a shifted or rounded tail would write before or behind an output smaller than the tile."""
    snapshot = take(SAMPLES[name], TARGET, sizes=_sizes(name))
    space, chooser = make_space(snapshot, Machine()), RandomChooser(random.Random(0))
    free = {
        (output, snapshot.algorithm.func(output).args[place])
        for output, places in snapshot.sizes.free.items()
        for place in places
    }
    splits = [
        step.directive.tail
        for _ in range(20)
        for step in draw(space, chooser).schedule
        if isinstance(step.directive, Split) and (step.stage.func, step.directive.old) in free
    ]
    assert splits and set(splits) == {Tail.GUARD_WITH_IF}


@pytest.mark.parametrize("name", ["blur", "sharpen", "pyramid"])
def test_what_is_drawn_works_below_its_tiles(name: str) -> None:
    snapshot = take(SAMPLES[name], TARGET, sizes=_sizes(name))
    space, chooser = make_space(snapshot, Machine()), RandomChooser(random.Random(1))
    sizes = snapshot.sizes.small
    assert sizes is not None
    inputs = [np.ones([int(high - low) + 1 for low, high in reversed(box)], _kind(name)) for box in sizes.inputs.values()]
    outputs = [tuple(int(high - low) + 1 for low, high in reversed(box)) for box in sizes.outputs.values()]
    for _ in range(3):
        pipeline = snapshot.fresh()
        apply(draw(space, chooser).schedule, pipeline, snapshot.algorithm)
        kernel = pipeline.compile_to_callable(pipeline.infer_arguments(), TARGET)
        kernel(*inputs, *(np.zeros(shape, _kind(name)) for shape in outputs))  # it raises where bounds don't hold


def _kind(name: str) -> type:
    return np.uint16 if name == "blur" else np.float32


def _sizes(name: str) -> list[tuple[int, ...]]:
    return [(*one, 3) for one in SIZES] if name == "sharpen" else list(SIZES)
