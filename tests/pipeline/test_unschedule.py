"""Taking a schedule out of a serialized pipeline leaves it as it was before it was scheduled."""

from __future__ import annotations

import re
from typing import Any

import halide as hl
import pytest

from autosearch.pipeline.decode import deep_recursion
from autosearch.pipeline.flatbuffer import Node, read_pipeline
from autosearch.pipeline.snapshot import take
from autosearch.pipeline.unschedule import is_scheduled, unschedule
from autosearch.schedule.apply import apply
from autosearch.schedule.directives import AlignBounds, Bound
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, random_proposal, snapshot_of
from tests.samples import histogram, sharpen


def _content(data: bytes) -> str:
    """Everything in a serialized pipeline but places in source files, with suffixes of names dropped."""

    def plain(value: Any) -> Any:
        if isinstance(value, Node):
            return (value.kind, *((name, plain(field)) for name, field in value if name != "source_location"))
        return [plain(one) for one in value] if isinstance(value, list) else value

    again = hl.serialize_pipeline(hl.deserialize_pipeline(data, hl.deserialize_parameters(data)))
    with deep_recursion():
        return re.sub(r"\$\d+", "", str(plain(read_pipeline(again))))


@pytest.mark.parametrize("seed", range(3))
def test_a_random_schedule_vanishes(sample: str, seed: int) -> None:
    snapshot = snapshot_of(sample)
    pipeline = snapshot.fresh()
    schedule = random_proposal(sample, seed).schedule
    unbounded = tuple(step for step in schedule if not isinstance(step.directive, (AlignBounds, Bound)))  # to stay
    apply(Schedule(unbounded), pipeline, snapshot.algorithm)
    scheduled = hl.serialize_pipeline(pipeline)
    assert is_scheduled(read_pipeline(scheduled))
    assert not is_scheduled(read_pipeline(unschedule(scheduled)))
    assert _content(unschedule(scheduled)) == _content(snapshot.data)


def test_every_kind_of_directive_vanishes() -> None:
    def build(scheduled: bool) -> bytes:
        out = histogram()
        pipeline = hl.Pipeline([out])
        funcs = {pipeline.get_func(i).name().split("$")[0]: pipeline.get_func(i) for i in range(4)}
        if scheduled:
            x, y, xi = hl.Var("x"), hl.Var("y"), hl.Var("xi")
            out.split(x, x, xi, 8).vectorize(xi).parallel(y).never_partition_all()
            hist = funcs["hist"]
            hist.compute_root().store_in(hl.MemoryType.Stack).align_storage(hist.args()[0], 64)
            rx, ry = hist.rvars(0)
            hist.update().reorder(ry, rx).atomic().parallel(rx)
            funcs["cdf"].compute_at(out, y).hoist_storage_root()
            out.specialize(hl.Expr(True)).unroll(xi)
        return hl.serialize_pipeline(pipeline)

    assert is_scheduled(read_pipeline(build(True)))
    assert _content(unschedule(build(True))) == _content(build(False))


def test_a_pipeline_that_carries_a_schedule_is_left_untouched() -> None:
    out = sharpen()
    x, y, _ = out.args()
    out.vectorize(x, 8).parallel(y)
    before = hl.serialize_pipeline(hl.Pipeline([out]))
    snapshot = take(out, TARGET)
    assert snapshot.given == before
    assert hl.serialize_pipeline(hl.Pipeline([out])) == before
    assert not is_scheduled(read_pipeline(snapshot.data))


def test_wrappers_are_cut_off() -> None:
    out = sharpen()
    pipeline = hl.Pipeline([out])
    gray = next(f for f in (pipeline.get_func(i) for i in range(9)) if f.name().startswith("gray"))
    gray.in_().compute_root()
    gray.compute_root()
    snapshot = take(out, TARGET)
    assert snapshot.given is not None
    assert [f.name for f in snapshot.algorithm.funcs] == [f.name for f in snapshot_of("sharpen").algorithm.funcs]
    assert snapshot.fingerprint == snapshot_of("sharpen").fingerprint
