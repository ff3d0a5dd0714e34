"""Constraints and values of inputs survive the way to another process."""

from __future__ import annotations

import pickle

import halide as hl

from autosearch.pipeline.flatbuffer import read_pipeline
from autosearch.pipeline.parameters import capture
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET


def _constrained() -> hl.Func:
    a, c = hl.ImageParam(hl.Float(32), 2, "a"), hl.ImageParam(hl.Float(32), 2, "c")
    scale, count = hl.Param(hl.Float(32), "scale", 0.1), hl.Param(hl.Int(32), "count")
    count.set_estimate(5)
    count.set_range(1, 9)
    c.dim(0).set_bounds(0, a.width() * 2)
    c.dim(1).set_stride(256)
    a.set_host_alignment(32)
    x, y, out = hl.Var("x"), hl.Var("y"), hl.Func("out")
    out[x, y] = a[x / 2, y] * scale + c[x, y] + hl.f32(count)
    out.set_estimates([(0, 32), (0, 16)])
    a.set_estimates([(0, 16), (0, 16)])
    return out


def test_everything_comes_back() -> None:
    snapshot = take(_constrained, TARGET)
    parameters = pickle.loads(pickle.dumps(snapshot.parameters))
    restored = parameters.restore()
    assert restored["a"].host_alignment() == 32
    assert "a.extent.0" in str(restored["c"].extent_constraint(0))
    assert str(restored["c"].stride_constraint(1)).endswith("256>")
    assert str(restored["count"].estimate()).endswith("5>")
    again = capture(restored)
    assert {(p.parameter, p.name, p.dimension) for p in again.properties} >= {
        (p.parameter, p.name, p.dimension) for p in parameters.properties if p.name != "scalar"
    }


def test_a_fresh_pipeline_keeps_constraints_between_inputs() -> None:
    snapshot = take(_constrained, TARGET)
    assert snapshot.sizes.inputs == {"a": ((0, 15), (0, 15)), "c": ((0, 31), (0, 15))}
    pipeline = snapshot.fresh()
    (name,) = read_pipeline(hl.serialize_pipeline(pipeline)).output_names
    assert name.split("$")[0] == "out"
    assert [argument.name for argument in pipeline.infer_arguments()] == ["a", "c", "count", "scale"]
