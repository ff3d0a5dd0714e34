"""A version of an output's loops for where its tiles fit: made, applied, written down, and right at every size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autosearch.errors import ScheduleError
from autosearch.pipeline.snapshot import take
from autosearch.schedule.apply import apply
from autosearch.schedule.directives import Specialize, Split, Tail
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.shorthand import renamed
from autosearch.schedule.simplify import Omit, leave_out
from autosearch.schedule.source import CPP, PlainNames, chains
from autosearch.schedule.specialize import where_tiles_fit
from tests.conftest import TARGET, snapshot_of
from tests.export.twins import twin, whole
from tests.made import result_of

FREE = {"blur_y": frozenset({0, 1})}
GUARDED: list[list[Any]] = [
    ["blur_y", "split", "x", "xo", "xi", 16, "GuardWithIf"],
    ["blur_y", "split", "y", "yo", "yi", 4, "GuardWithIf"],
    ["blur_y", "split", "xi", "xi", "xii", 8, "RoundUp"],
    ["blur_y", "reorder", ["xii", "xi", "yi", "xo", "yo"]],
    ["blur_y", "vectorize", "xii"],
    ["blur_x", "compute_at", ["blur_y", "xo"]],
]


def _version(content: list[list[Any]], free: dict[str, frozenset[int]] = FREE) -> Schedule:
    found = where_tiles_fit(Schedule.from_json(content), snapshot_of("blur").algorithm, free)
    assert found is not None
    return found


def test_it_asks_for_a_tile_along_each_dimension_that_is_guarded() -> None:
    assert _version(GUARDED).steps[0].directive == Specialize(("x", "y"), (16, 4), Tail.SHIFT_INWARDS)
    only_x = _version(GUARDED, {"blur_y": frozenset({0})})
    assert only_x.steps[0].directive == Specialize(("x",), (16,), Tail.SHIFT_INWARDS)


def test_there_is_none_where_nothing_is_guarded_or_one_is_there() -> None:
    algorithm = snapshot_of("blur").algorithm
    shifted = [[*GUARDED[0][:-1], "ShiftInwards"], ["blur_y", "vectorize", "xi"]]
    for schedule in (Schedule(), Schedule.from_json(shifted), _version(GUARDED)):
        assert where_tiles_fit(schedule, algorithm, FREE) is None


@pytest.mark.parametrize("short", [False, True])
def test_it_is_written_as_two_chains_that_differ_in_tails(short: bool) -> None:
    schedule = _version(GUARDED)
    large, any_size, *_ = chains(renamed(schedule) if short else schedule, CPP, PlainNames(), "    ")
    assert ".specialize((x >= 16) && (y >= 4))" in large
    assert any_size == large.replace("\n    .specialize((x >= 16) && (y >= 4))", "").replace(
        "ShiftInwards", "GuardWithIf"
    )
    assert large.count("ShiftInwards") == 2


def test_it_is_right_below_at_and_above_a_tile() -> None:
    snapshot = take(snapshot_of("blur").fresh(), TARGET)
    pipeline = snapshot.fresh()
    apply(_version(GUARDED), pipeline, snapshot.algorithm)
    kernel = pipeline.compile_to_callable(pipeline.infer_arguments(), TARGET)
    for width, height in ((3, 2), (16, 4), (15, 5), (40, 3), (41, 9)):
        image = np.random.default_rng(0).integers(0, 1 << 16, (height + 2, width + 2)).astype(np.uint16)
        out = np.zeros((height, width), np.uint16)
        kernel(image, out)
        row = (image[:, :-2] + image[:, 1:-1] + image[:, 2:]) // 3
        assert np.array_equal(out, (row[:-2] + row[1:-1] + row[2:]) // 3)


@pytest.mark.parametrize(("dims", "extents"), [(["z"], [8]), (["x", "y"], [8]), ([], [])])
def test_what_makes_no_sense_is_refused(dims: list[str], extents: list[int]) -> None:
    schedule = Schedule.from_json([["blur_y", "specialize", dims, extents, "ShiftInwards"]])
    snapshot = snapshot_of("blur")
    with pytest.raises(ScheduleError, match="an extent for each of some dimensions"):
        apply(schedule, snapshot.fresh(), snapshot.algorithm)


def test_what_is_left_out_of_the_stage_is_left_out_of_both() -> None:
    schedule = _version(GUARDED)
    place = next(n for n, step in enumerate(schedule.steps) if isinstance(step.directive, Split))
    for omit in (Omit.INNER, Omit.OUTER):
        left = leave_out(schedule, {place: omit})
        assert left is not None and left.steps[0] == schedule.steps[0]
    without = leave_out(schedule, {0: Omit.WHOLE})
    assert without == Schedule.from_json(GUARDED)


def test_exported_python_makes_the_same_versions(tmp_path: Path) -> None:
    result = result_of("blur", _version(GUARDED))
    result.export(tmp_path / "blur.py")
    source: dict[str, Any] = {}
    exec((tmp_path / "blur.py").read_text(), source)
    ours = snapshot_of("blur").fresh()
    theirs = twin(ours)
    result.apply(ours)
    source["apply_schedule"](theirs)
    assert whole(ours) == whole(theirs) != whole(snapshot_of("blur").fresh())
