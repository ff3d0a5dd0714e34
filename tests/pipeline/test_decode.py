"""The intermediate representation, against what was written in the samples."""

from __future__ import annotations

import halide as hl

from autosearch.pipeline.ir import Type
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET, snapshot_of


def test_every_func_with_its_stages() -> None:
    algorithm = snapshot_of("histogram").algorithm
    assert [func.name for func in algorithm.funcs] == ["image_im", "hist", "cdf", "out"]
    assert [len(func.stages) for func in algorithm.funcs] == [1, 2, 2, 1]
    assert algorithm.outputs == ("out",)
    assert algorithm.func("hist").types == (Type("uint", 32),)


def test_reduction_domains_with_bounds_from_parameters() -> None:
    snapshot = snapshot_of("histogram")
    update = snapshot.algorithm.func("hist").stages[1]
    assert [rvar.name for rvar in update.rvars] == ["rx", "ry"]
    assert snapshot.flow.domains[update.key] == {"rx": (0, 95), "ry": (0, 63)}
    assert not update.pure_vars and update.loop_vars == ("rx", "ry")
    assert not any(rvar.parallel_safe for rvar in update.rvars)


def test_scans_lookups_and_casts() -> None:
    algorithm = snapshot_of("histogram").algorithm
    scan = algorithm.func("cdf").stages[1]
    assert {node.value for node in scan.values[0].walk() if node.op == "func"} == {"cdf", "hist"}
    out = algorithm.func("out").stages[0]
    assert out.values[0].type == Type("uint", 8)
    edges = {edge.producer: edge for edge in snapshot_of("histogram").flow.edges[out.key]}
    assert not edges["cdf"].is_affine
    assert edges["cdf"].box({"x": (0, 9), "y": (0, 9)}) == ((0, 255),)  # a uint8 bounds the lookup


def test_tuples_outputs_scalars_and_predicates() -> None:
    snapshot = snapshot_of("tuples")
    algorithm = snapshot.algorithm
    assert set(algorithm.outputs) == {"left", "right"}
    assert algorithm.func("both").types == (Type("int", 32), Type("float", 32))
    assert len(algorithm.func("both").stages[1].values) == 2
    assert algorithm.func("row_sum").stages[1].predicate is not None
    gain = next(one for one in algorithm.inputs if one.name == "gain")
    assert gain.is_scalar and snapshot.sizes.scalars["gain"] == 1.5
    elements = {node.index for node in algorithm.func("right").stages[0].values[0].walk() if node.op == "func"}
    assert elements == {1}


def test_accesses_are_affine_maps() -> None:
    flow = snapshot_of("blur").flow
    key = snapshot_of("blur").algorithm.func("blur_y").stages[0].key
    (edge,) = flow.edges[key]
    assert edge.is_affine and edge.loads == 3
    assert {access.index[1].constant for access in edge.accesses if access.index[1]} == {0, 1, 2}
    assert edge.box({"x": (10, 17), "y": (5, 5)}) == ((10, 17), (5, 7))


def test_clamped_and_divided_accesses_have_boxes_too() -> None:
    snapshot = snapshot_of("pyramid")
    up = snapshot.algorithm.func("up").stages[0]
    edges = {edge.producer: edge for edge in snapshot.flow.edges[up.key]}
    assert edges["down"].box({"x": (10, 17), "y": (4, 7)}) == ((5, 9), (2, 3))
    padded = snapshot.algorithm.func("repeat_edge").stages[0]
    (edge,) = snapshot.flow.edges[padded.key]
    assert edge.box({"_0": (-5, 200), "_1": (3, 4)})[0] == (0, 95)


def test_a_func_that_halide_named_itself() -> None:
    def build() -> hl.Func:
        x = hl.Var()
        anonymous = hl.Func()
        out = hl.Func("out")
        anonymous[x] = x * 2
        out[x] = anonymous[x] + anonymous[x + 1]
        out.set_estimates([(0, 32)])
        return out

    first, second = (take(build, TARGET) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert first.algorithm == second.algorithm
    assert first.algorithm.halide_names != second.algorithm.halide_names


def test_constant_images_are_part_of_the_algorithm() -> None:
    import numpy as np

    def build(value: int) -> hl.Func:
        table = hl.Buffer(np.full(16, value, np.uint8))
        x = hl.Var("x")
        out = hl.Func("out")
        out[x] = table[x]
        out.set_estimates([(0, 16)])
        return out

    one, same, other = (take(build(value), TARGET) for value in (1, 1, 2))
    assert one.algorithm.images[0].box == ((0, 15),)
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_extern_stages_are_read_as_such() -> None:
    x, y = hl.Var("x"), hl.Var("y")
    before, out = hl.Func("before"), hl.Func("out")
    before[x, y] = x + y
    middle = hl.Func("middle")
    middle.define_extern("some_function", [hl.ExternFuncArgument(before)], [hl.Int(32)], [x, y])
    out[x, y] = middle[x, y]
    out.set_estimates([(0, 16), (0, 16)])
    before.set_estimates([(0, 16), (0, 16)])
    algorithm = take(out, TARGET).algorithm
    assert algorithm.func("middle").extern == "some_function"
    assert [key.func for key in algorithm.consumers["before"]] == ["middle"]
