"""A pipeline kept in a log: whole when it comes back, and refused where it is damaged or reaches outside of Halide."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import halide as hl
import pytest

from autosearch.errors import AutoSearchError, PipelineError
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.pipeline.stored import restore, store
from tests.conftest import TARGET, snapshot_of


def _round_trip(snapshot: Snapshot, **changes: Any) -> Snapshot:
    content = {**(store(snapshot) or {}), **changes}
    return restore(json.loads(json.dumps(content)), snapshot.sizes.to_json(), snapshot.fingerprint)


def test_what_comes_back_is_the_same(sample: str) -> None:
    snapshot = snapshot_of(sample)
    back = _round_trip(snapshot)
    assert back.algorithm == snapshot.algorithm and back.sizes == snapshot.sizes
    assert back.parameters == snapshot.parameters and back.output_strides == snapshot.output_strides
    assert back.given is None and back.data == snapshot.data


def test_a_given_schedule_and_constraints_come_back() -> None:
    image = hl.ImageParam(hl.UInt(8), 2, "image")
    image.dim(0).set_stride(2)
    gain = hl.Param(hl.Int(32), "gain", 3)
    x, y = hl.Var("x"), hl.Var("y")
    out = hl.Func("out")
    out[x, y] = hl.i32(image[x, y]) * gain
    out.parallel(y)
    image.set_estimates([(0, 32), (0, 16)])
    out.set_estimates([(0, 32), (0, 16)])
    snapshot = take(out, TARGET)
    back = _round_trip(snapshot)
    assert back.given == snapshot.given is not None
    assert back.parameters.get("image", "stride_constraint") == snapshot.parameters.get("image", "stride_constraint")
    assert back.sizes.scalars == {"gain": 3}


def test_foreign_functions_are_neither_stored_nor_taken_from_a_file() -> None:
    x = hl.Var("x")
    stage, out = hl.Func("stage"), hl.Func("out")
    stage.define_extern("system", [hl.ExternFuncArgument(hl.Expr(1))], hl.Int(32), 1)
    out[x] = stage[x]
    out.set_estimates([(0, 8)])
    snapshot = take(out, TARGET)
    assert store(snapshot) is None
    harmless = store(snapshot_of("blur")) or {}
    content = {**harmless, "data": base64.b85encode(zlib.compress(snapshot.data)).decode()}
    with pytest.raises(PipelineError, match="calls 'system', which is not of Halide: pass the pipeline itself"):
        restore(content, snapshot.sizes.to_json(), snapshot.fingerprint)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "no base 85 \\"},
        {"data": 3},
        {"data": (store(snapshot_of("blur")) or {})["data"][:200]},
        {"data": (store(snapshot_of("matmul")) or {})["data"]},
        {"expressions": (store(snapshot_of("tuples")) or {})["data"]},
        {"inputs": {"declared": []}},
        {"inputs": {"declared": [["image", "uint", 16, 2, 0]], "properties": [["image", "colour", 0]]}},
        {"inputs": 7},
        {"given": "00000"},
    ],
)
def test_damage_is_told(changes: dict[str, Any]) -> None:
    with pytest.raises(AutoSearchError):
        _round_trip(snapshot_of("blur"), **changes)


@pytest.mark.parametrize(
    "sizes", [None, {}, {"outputs": {}, "inputs": {}, "scalars": {}}, {"outputs": {"blur_y": [[5, 1]]}, "inputs": {}}]
)
def test_sizes_that_do_not_fit_are_refused(sizes: Any) -> None:
    snapshot = snapshot_of("blur")
    with pytest.raises(AutoSearchError):
        restore(store(snapshot) or {}, sizes, snapshot.fingerprint)
