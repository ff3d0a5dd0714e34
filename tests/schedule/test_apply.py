"""Applying schedules: Halide accepts every directive, and what it refuses is said with its reason."""

from __future__ import annotations

from typing import Any

import halide as hl
import pytest

from autosearch.errors import ScheduleError
from autosearch.pipeline.snapshot import take
from autosearch.schedule.apply import apply
from autosearch.schedule.directives import DIRECTIVES
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, snapshot_of
from tests.schedule.examples import EXAMPLES
from tests.schedule.oracle import Line, loop_nest, lower, scheduled


@pytest.mark.parametrize("method", DIRECTIVES)
def test_halide_accepts_every_directive_and_it_changes_the_pipeline(method: str) -> None:
    sample, content = EXAMPLES[method]
    snapshot = snapshot_of(sample)
    pipeline = scheduled(snapshot, Schedule.from_json(content))
    assert hl.serialize_pipeline(pipeline) != hl.serialize_pipeline(snapshot.fresh())
    lower(pipeline)


def test_the_empty_schedule_changes_nothing(sample: str) -> None:
    snapshot = snapshot_of(sample)
    applied = scheduled(snapshot, Schedule())
    assert hl.serialize_pipeline(applied) == hl.serialize_pipeline(snapshot.fresh())


def test_directives_are_applied_in_order() -> None:
    content: list[list[Any]] = [
        ["blur_y", "split", "x", "xo", "xi", 32, "GuardWithIf"],
        ["blur_y", "split", "xi", "x", "xi", 8, "RoundUp"],  # the name x is free again
        ["blur_y", "reorder", ["xi", "y", "x", "xo"]],
        ["blur_y", "vectorize", "xi"],
        ["blur_y", "parallel", "xo"],
    ]
    nest = loop_nest(scheduled(snapshot_of("blur"), Schedule.from_json(content), exact=True))
    assert [line for line in nest if line.is_loop] == [
        Line("parallel", "xo", 3), Line("for", "x", 4), Line("for", "y", 64), Line("vectorized", "xi", 8)
    ]  # fmt: skip


def test_reduction_variables_stay_such_when_split() -> None:
    content: list[list[Any]] = [
        ["product", "compute_root"],
        ["product.update(0)", "split", "kx", "ko", "ki", 8, "GuardWithIf"],
        ["product.update(0)", "fuse", "ko", "y", "both"],
        ["product.update(0)", "unroll", "ki"],
    ]
    nest = loop_nest(scheduled(snapshot_of("matmul"), Schedule.from_json(content), exact=True))
    assert [Line("for", "x", 64), Line("for", "both", 240), Line("unrolled", "ki", 8)] == [
        line for line in nest if line.is_loop
    ][2:5]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([["blurr", "compute_root"]], "no Func 'blurr'"),
        ([["blur_y", "parallel", "z"]], "blur_y.parallel: there is no loop 'z'"),
        ([["blur_x", "compute_at", ["blur_y", "z"]]], "blur_y has no loop 'z'"),
        ([["blur_x", "compute_at", ["blurr", "y"]]], "no Func 'blurr'"),
        ([["blur_x.update(0)", "parallel", "y"]], "can't take parallel"),
        ([["blur_y", "split", "x", "y", "xi", 8, "Auto"]], r"blur_y\.split: "),
        ([["blur_y", "reorder", ["x", "x"]]], r"blur_y\.reorder: "),
    ],
)
def test_what_is_refused_is_named(content: list[list[Any]], says: str) -> None:
    snapshot = snapshot_of("blur")
    with pytest.raises(ScheduleError, match=says):
        apply(Schedule.from_json(content), snapshot.fresh(), snapshot.algorithm)


def test_an_update_takes_no_directive_of_the_whole_func() -> None:
    snapshot = snapshot_of("matmul")
    schedule = Schedule.from_json([["product.update(0)", "compute_root"]])
    with pytest.raises(ScheduleError, match=r"product\.update\(0\) can't take compute_root"):
        apply(schedule, snapshot.fresh(), snapshot.algorithm)


def test_a_pipeline_with_other_funcs_is_refused() -> None:
    with pytest.raises(ScheduleError, match="has 3 Funcs, but the schedule is for 4"):
        apply(Schedule(), snapshot_of("blur").fresh(), snapshot_of("histogram").algorithm)


def test_funcs_that_share_a_name_are_told_apart() -> None:
    x = hl.Var("x")
    first, second, out = hl.Func("f"), hl.Func("f"), hl.Func("out")
    first[x] = x
    second[x] = first[x] + first[x + 1]
    out[x] = second[x] + second[x + 2]
    out.set_estimates([(0, 32)])
    snapshot = take(out, TARGET)
    inner, outer = (func.name for func in snapshot.algorithm.funcs[:2])
    content = [[outer, "compute_root"], [inner, "compute_at", [outer, "x"]]]
    nest = loop_nest(scheduled(snapshot, Schedule.from_json(content)))
    assert [line.word for line in nest] == ["produce", "for", "produce", "for", "consume", "consume", "produce", "for"]
