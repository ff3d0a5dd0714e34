"""What a scheduled pipeline states of bounds is part of its schedule, unless the algorithm can't do without."""

from __future__ import annotations

import halide as hl
import pytest

from autosearch.pipeline.snapshot import take
from autosearch.schedule.read import read_schedule
from tests.conftest import TARGET

STATED = ["out", "bound", "c", 0, 3]


def colours(scheduled: bool) -> hl.Pipeline:
    x, c = hl.Var("x"), hl.Var("c")
    out = hl.Func("out")
    out[x, c] = hl.f32(x + c)
    out.set_estimates([(0, 64), (0, 3)]).bound(c, 0, 3)
    if scheduled:
        out.reorder(c, x).unroll(c)
    return hl.Pipeline([out])


def looked_up() -> hl.Pipeline:
    """A table, read at what data say, whose extent nothing but its own bounds tells."""
    x = hl.Var("x")
    where = hl.ImageParam(hl.Int(32), 1, "where")
    table, out = hl.Func("table"), hl.Func("out")
    table[x] = hl.sqrt(hl.f32(x))
    out[x] = table[where[x]]
    out.set_estimates([(0, 64)])
    table.compute_root().bound(x, 0, 16)
    return hl.Pipeline([out])


def test_those_of_a_schedule_are_read_with_it() -> None:
    snapshot = take(colours(scheduled=True), TARGET)
    assert snapshot.algorithm.func("out").bounds == () and snapshot.given is not None
    assert read_schedule(snapshot.given, snapshot.algorithm).to_json() == [
        STATED,
        ["out", "reorder", ["c", "x"]],
        ["out", "unroll", "c"],
    ]
    with pytest.raises(hl.HalideError, match="constant extent"):  # what is tuned is the bare algorithm
        bare = snapshot.fresh()
        bare.outputs()[0].unroll(bare.outputs()[0].args()[1])
        bare.compile_to_callable([], TARGET)


def test_those_of_an_algorithm_stay() -> None:
    snapshot = take(colours(scheduled=False), TARGET)
    assert snapshot.given is None and len(snapshot.algorithm.func("out").bounds) == 1


def test_those_that_are_needed_stay() -> None:
    snapshot = take(looked_up(), TARGET)
    assert snapshot.given is not None and len(snapshot.algorithm.func("table").bounds) == 1
    assert read_schedule(snapshot.given, snapshot.algorithm).to_json() == [["table", "compute_root"]]
