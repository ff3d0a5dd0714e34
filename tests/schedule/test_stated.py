"""What an algorithm states of bounds is in the schedules that leave it: they work on the bare algorithm too."""

from __future__ import annotations

import halide as hl
import pytest

from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.stated import self_contained
from tests.conftest import TARGET
from tests.made import trial

UNROLLED = Schedule.from_json([["out", "unroll", "c"]])


def colours(stated: bool) -> hl.Pipeline:
    """With its bounds stated, or bare."""
    x, c = hl.Var("x"), hl.Var("c")
    inner, out = hl.Func("inner"), hl.Func("out")
    inner[x, c] = hl.f32(x + c)
    out[x, c] = inner[x, c] + inner[x + 1, c]
    out.set_estimates([(0, 64), (0, 3)])
    if stated:
        inner.bound_extent(c, 3)
        out.bound(c, 0, 3).align_bounds(x, 8, 2)
    return hl.Pipeline([out])


@pytest.fixture(scope="module")
def with_bounds() -> Snapshot:
    return take(colours(True), TARGET)


def test_all_that_is_stated_comes_first(with_bounds: Snapshot) -> None:
    whole = self_contained(UNROLLED, with_bounds.algorithm)
    assert whole.to_json() == [
        ["inner", "bound_extent", "c", 3],
        ["out", "bound", "c", 0, 3],
        ["out", "align_bounds", "x", 8, 2],
        ["out", "unroll", "c"],
    ]
    assert self_contained(whole, with_bounds.algorithm) == whole


def test_nothing_is_stated_of_a_bare_algorithm() -> None:
    assert self_contained(UNROLLED, take(colours(False), TARGET).algorithm) == UNROLLED


def test_a_result_works_on_the_bare_algorithm(with_bounds: Snapshot) -> None:
    record = trial("blur", UNROLLED, 1e-3)
    result = Result(with_bounds, str(TARGET), (record,), None)
    bare = colours(False)
    result.apply(bare)
    bare.compile_to_callable([], TARGET)  # refused where the extent of what is unrolled isn't known
    assert result.best == UNROLLED and ["out", "bound", "c", 0, 3] in result.schedule.to_json()
