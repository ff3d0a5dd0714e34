"""Every feature, on loop nests worked by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log2
from typing import Any

import halide as hl
import numpy as np
import pytest

from autosearch.cost_model.features import FEATURES, NAMES, featurize
from autosearch.machine import Machine
from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.snapshot import take
from autosearch.schedule.nest import build_nest
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, random_proposal, space_of

MACHINE = Machine(cores=2, vector_bytes=32, cache_bytes=(32 << 10, 512 << 10, 16 << 20))


def log(value: float) -> float:
    """As magnitudes are given."""
    return log2(1 + value)


def _features(sample: str, schedule: Schedule | list[list[Any]]) -> dict[str, dict[str, float]]:
    """Feature values by stage and name."""
    if isinstance(schedule, list):
        schedule = Schedule.from_json(schedule)
    nest = space_of(sample).nest(schedule)
    rows = featurize(nest, MACHINE)
    return {str(key): dict(zip(NAMES, row.tolist(), strict=True)) for key, row in zip(nest.stages, rows, strict=True)}


STRIPS: list[list[Any]] = [
    ["blur_y", "split", "x", "xo", "xi", 16, "ShiftInwards"],
    ["blur_y", "split", "y", "yo", "yi", 8, "ShiftInwards"],
    ["blur_y", "vectorize", "xi"],
    ["blur_y", "reorder", ["xi", "xo", "yi", "yo"]],
    ["blur_y", "parallel", "yo"],
    ["blur_x", "compute_at", ["blur_y", "yo"]],
    ["blur_x", "split", "x", "xo", "xi", 16, "ShiftInwards"],
    ["blur_x", "vectorize", "xi"],
]
"""96 x 64 of uint16 in 8 strips of 8 rows; the first stencil, 96 x 66 in all, computed as 10 rows for each strip."""

L1, L2, L3 = MACHINE.cache_bytes
BLUR_Y = {
    "productions": log(1), "points": log(96 * 64), "total_points": log(96 * 64), "minimum_points": log(96 * 64),
    "recompute": 0, "sliding": 1, "stage": 0, "dimensions": 2, "reductions": log(1),
    "adds": log(2), "adds_f": 0, "muls": 0, "muls_f": 0, "divs": log(1), "divs_f": 0, "calls": 0, "logic": 0,
    "casts": 0, "index": log(2), "loads": log(3),
    "total_work": log(6 * 6144), "vector_work": log(6 * 6144 / 16), "core_work": log(6 * 6144 / 16 / 2),
    "vector": 4, "native_vectors": 0, "unrolled": 0, "innermost": log2(6), "serial": log2(8 * 8 * 6), "loops": 4,
    "covered": 1, "guarded": 0, "tasks": 3, "own_tasks": 3, "launches": log(1), "balance": 1, "depth": 0,
    "element": 2, "stored": log(12288), "stored_l1": log2((12288 + 64) / L1), "stored_l2": log2((12288 + 64) / L2),
    "stored_l3": log2((12288 + 64) / L3), "allocations": log(1), "written": log(12288),
    "production_reads": log(96 * 66 * 2), "production_lines": log(66),
    "body_reads": log(16 * 3 * 2), "body_lines": log(3), "inner_reads": log(96 * 3 * 2), "inner_pieces": log(1),
    "inner_set": log2((96 * 3 * 2 + 96 * 2 + 64) / L1), "middle_set": log2((96 * 10 * 2 + 96 * 8 * 2 + 64) / L2),
    "task_reads": log(96 * 10 * 2), "task_set": log2((96 * 10 * 2 + 96 * 8 * 2 + 64) / L2),
    "root_reads": log(96 * 66 * 2), "read_traffic": log(16 * 3 * 2 * 8 * 8 * 6), "producer": log(96 * 10 * 2),
    "body_vectors": 0, "accumulated": 0, "intensity": log(6 * 16 / (16 * 3 * 2 + 1)),
    "summed": 0, "reduced": 0, "unrolled_reduced": 0, "body_results": 0, "guards": 0, "shifts": 2,
    "dense": log(3), "broadcast": 0, "strided": 0, "gathered": 0,
    "realization_points": log(96 * 64), "inlined": 0, "pointwise": 3, "transposed": 0, "broadcasts": 0, "sliced": 0,
    "scatters": 0, "vectors": log(6144 / 16), "scalars": 0, "innermost_pure": log2(6), "stored_row": log(96 * 2),
    "produced": log(12288), "produced_row": log(96 * 2), "task_writes": log(96 * 8 * 2), "whole": log(12288),
    "realization_reads": log(96 * 66 * 2), "task_lines": log(10), "root_lines": log(66),
    "production_set": log2((96 * 66 * 2 + 12288 + 64) / L2), "realization_set": log2((96 * 66 * 2 + 12288 + 64) / L2),
    "root_set": log2((96 * 66 * 2 + 12288 + 64) / L3),
}  # fmt: skip
BLUR_X = BLUR_Y | {
    "productions": log(8), "points": log(96 * 10), "total_points": log(8 * 96 * 10), "minimum_points": log(96 * 66),
    "recompute": log2(80 / 66), "total_work": log(6 * 7680), "vector_work": log(6 * 7680 / 16),
    "core_work": log(6 * 7680 / 16 / 2), "innermost": log2(6), "serial": log2(10 * 6), "loops": 3,
    "own_tasks": 0, "launches": 0, "depth": 1, "stored": log(1920), "stored_l1": log2((1920 + 64) / L1),
    "stored_l2": log2((1920 + 64) / L2), "stored_l3": log2((1920 + 64) / L3), "allocations": log(8),
    "written": log(2 * 7680), "production_reads": log(98 * 10 * 2), "production_lines": log(10),
    "body_reads": log(18 * 2), "body_lines": log(1), "inner_reads": log(98 * 2),
    "inner_set": log2((98 * 2 + 96 * 2 + 64) / L1), "middle_set": log2((98 * 10 * 2 + 96 * 10 * 2 + 64) / L2),
    "task_reads": log(98 * 10 * 2), "task_set": log2((98 * 10 * 2 + 96 * 10 * 2 + 64) / L2),
    "root_reads": log(98 * 66 * 2), "read_traffic": log(18 * 2 * 8 * 10 * 6), "producer": 0,
    "intensity": log(6 * 16 / (18 * 2 + 1)), "inlined": log(3), "shifts": 1,
    "realization_points": log(96 * 10), "vectors": log(7680 / 16), "produced": log(1920),
    "task_writes": log(96 * 10 * 2), "whole": log(96 * 66 * 2), "realization_reads": log(98 * 10 * 2),
    "production_set": log2((98 * 10 * 2 + 1920 + 64) / L2), "realization_set": log2((98 * 10 * 2 + 1920 + 64) / L2),
    "root_set": log2((98 * 66 * 2 + 96 * 66 * 2 + 64) / L3),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_strips_of_a_blur(name: str) -> None:
    found = _features("blur", STRIPS)
    assert found["blur_y"][name] == pytest.approx(BLUR_Y[name], abs=1e-5)
    assert found["blur_x"][name] == pytest.approx(BLUR_X[name], abs=1e-5)


def _product(*steps: list[Any]) -> dict[str, float]:
    return _features("matmul", [["product", "compute_root"], *steps])["product.update(0)"]


def test_a_reduction() -> None:
    """64 x 40 sums of 48 products of floats."""
    row = _product()
    assert row["stage"] == 1 and row["element"] == 4
    assert row["reductions"] == pytest.approx(log(48))
    assert row["points"] == pytest.approx(log(64 * 40 * 48))
    assert (row["adds_f"], row["muls_f"], row["adds"], row["muls"]) == (1, 1, 0, 0)
    assert row["loads"] == pytest.approx(log(3))
    assert row["vector"] == row["dense"] == row["broadcast"] == 0


def test_accumulators_stay_in_registers_while_only_reduction_loops_run() -> None:
    tile: list[list[Any]] = [
        ["product.update(0)", "split", "x", "xo", "xi", 16, "GuardWithIf"],
        ["product.update(0)", "split", "y", "yo", "yi", 4, "GuardWithIf"],
        ["product.update(0)", "reorder", ["xi", "yi", "kx", "xo", "yo"]],
        ["product.update(0)", "vectorize", "xi"],
        ["product.update(0)", "unroll", "yi"],
    ]
    row = _product(*tile)
    assert row["body_vectors"] == 3 and row["accumulated"] == pytest.approx(log2(48))  # 8 vectors of 8, 48 products
    read = 4 * (64 + 4 + 16)  # the tile itself, a column of a, a row of b
    assert row["intensity"] == pytest.approx(log(64 * 5 / (read + 1)))
    assert _product()["accumulated"] == pytest.approx(log2(48))  # the loop over k is innermost by default
    outside = [*tile[:2], ["product.update(0)", "reorder", ["xi", "yi", "xo", "kx", "yo"]], *tile[3:]]
    assert _product(*outside)["accumulated"] == 0


def test_results_of_a_body_are_what_it_does_not_add_up() -> None:
    """8 columns of 2 rows, for each 6 products in 3 steps of 2 that one instruction adds up."""
    steps: list[list[Any]] = [
        ["product.update(0)", "split", "x", "xo", "xi", 8, "ShiftInwards"],
        ["product.update(0)", "split", "y", "yo", "yi", 2, "GuardWithIf"],
        ["product.update(0)", "split", "kx", "ko", "ki", 6, "GuardWithIf"],
        ["product.update(0)", "split", "ki", "km", "kp", 2, "GuardWithIf"],
        ["product.update(0)", "reorder", ["kp", "xi", "km", "yi", "xo", "ko", "yo"]],
        ["product.update(0)", "atomic", False],
        *[["product.update(0)", "vectorize", loop] for loop in ("kp", "xi")],
        *[["product.update(0)", "unroll", loop] for loop in ("km", "yi")],
    ]
    row = _product(*steps)
    assert (row["reduced"], row["unrolled_reduced"]) == (1, pytest.approx(log2(3)))
    assert row["body_results"] == 1 and row["body_vectors"] == pytest.approx(log2(2 * 6))
    assert (row["guards"], row["shifts"], row["guarded"]) == (3, 1, 0)  # all divide


@pytest.mark.parametrize(("narrow", "most", "together"), [(hl.Int(8), 4, 4), (hl.Int(8), 2, 2), (hl.Int(16), 4, 2)])
def test_products_of_narrow_integers_are_added_up_by_one_instruction(narrow: hl.Type, most: int, together: int) -> None:
    """Eight sums of four products at a time."""
    snapshot = take(narrow_product(narrow), TARGET)
    schedule = Schedule.from_json([
        ["product", "compute_root"],
        ["product.update(0)", "split", "kx", "ko", "ki", 4, "GuardWithIf"],
        ["product.update(0)", "split", "x", "xo", "xi", 8, "GuardWithIf"],
        ["product.update(0)", "reorder", ["ki", "xi", "ko", "xo", "y"]],
        ["product.update(0)", "atomic", False],
        *[["product.update(0)", "vectorize", loop] for loop in ("ki", "xi")],
    ])  # fmt: skip
    nest = build_nest(snapshot.flow, snapshot.regions, schedule)
    rows = featurize(nest, replace(MACHINE, dot_products=most))
    row = dict(zip(NAMES, rows[list(nest.stages).index(StageKey("product", 1))].tolist(), strict=True))
    work = 2 ** row["total_work"] - 1
    assert row["summed"] == log2(together) and row["reduced"] == 2
    assert row["vector_work"] == pytest.approx(log(work / (8 * together)), abs=1e-5)


def narrow_product(kind: hl.Type) -> hl.Func:
    """Sums of 32 bits of products of narrower integers."""
    a, b = hl.ImageParam(kind, 2, "a"), hl.ImageParam(kind, 2, "b")
    x, y, k = hl.Var("x"), hl.Var("y"), hl.RDom([(0, 48)], "k")
    product, out = hl.Func("product"), hl.Func("out")
    product[x, y] = hl.i32(0)
    product[x, y] += hl.i32(a[k, y]) * hl.i32(b[x, k])
    out[x, y] = product[x, y]
    out.set_estimates([(0, 64), (0, 40)])
    return out


def test_pieces_of_memory() -> None:
    """A row of x and its column of b: in pieces of one element each, or one after the other."""
    steps: list[list[Any]] = [["b_im", "compute_root"], ["product.update(0)", "reorder", ["kx", "x", "y"]]]
    assert _product(*steps)["inner_pieces"] == pytest.approx(log(1 + 1 + 48))  # of the sum, of a, of b
    assert _product(*steps, ["b_im", "reorder_storage", ["_1", "_0"]])["inner_pieces"] == pytest.approx(log(1 + 1 + 1))


IN_MEMORY = (["a_im", "compute_root"], ["b_im", "compute_root"])


def _loads(variable: str, *steps: list[Any]) -> list[float]:
    row = _product(
        ["product.update(0)", "split", variable, "o", "i", 8, "GuardWithIf"],
        ["product.update(0)", "atomic", False],
        ["product.update(0)", "vectorize", "i"],
        *steps,
    )
    assert row["vector"] == 3 and row["native_vectors"] == row["gathered"] == 0
    return [row[name] for name in ("dense", "broadcast", "strided")]


@pytest.mark.parametrize(("variable", "loads"), [("x", (2, 1, 0)), ("y", (0, 1, 2)), ("kx", (1, 1, 1))])
def test_loads_by_how_they_go_with_the_vector(variable: str, loads: tuple[int, ...]) -> None:
    """The update reads product[x, y], a[k, y] and b[x, k]; the first dimension is the dense one."""
    assert _loads(variable, *IN_MEMORY) == pytest.approx([log(count) for count in loads])


@pytest.mark.parametrize("variable", ["x", "y", "kx"])
def test_loads_through_inlined_funcs_go_as_their_indices_say(variable: str) -> None:
    assert _loads(variable) == pytest.approx(_loads(variable, *IN_MEMORY))


def test_a_lookup_gathers() -> None:
    lookup = [
        ["out", "split", "x", "xo", "xi", 32, "GuardWithIf"],
        ["out", "vectorize", "xi"],
        ["hist", "compute_root"],
        ["cdf", "compute_root"],
    ]
    row = _features("histogram", lookup)["out"]
    assert row["gathered"] == 1 and row["native_vectors"] == 0
    assert row["casts"] > 0 and row["adds"] > 0 and row["divs"] > 0


def test_tails_and_unrolled_loops() -> None:
    def covered(tail: str) -> dict[str, float]:
        steps: list[list[Any]] = [
            ["blur_x", "compute_root"],
            ["blur_x", "split", "x", "xo", "xi", 40, tail],
            ["blur_x", "split", "y", "yo", "yi", 2, "GuardWithIf"],
            ["blur_x", "unroll", "yi"],
        ]
        return _features("blur", steps)["blur_x"]

    assert covered("RoundUp")["covered"] == pytest.approx(120 / 96)
    assert (covered("ShiftInwards")["covered"], covered("ShiftInwards")["guarded"]) == (1, 0)
    assert (covered("GuardWithIf")["covered"], covered("GuardWithIf")["guarded"]) == (1, 1)
    assert covered("RoundUp")["unrolled"] == 1


def test_what_slides_is_computed_once() -> None:
    row = _features("blur", [["blur_x", "compute_at", ["blur_y", "y"]], ["blur_x", "store_root"]])["blur_x"]
    assert row["sliding"] == pytest.approx(66 / (64 * 3)) and row["recompute"] == pytest.approx(0, abs=1e-5)
    assert row["allocations"] == log(1) and row["stored"] == pytest.approx(log(96 * 66 * 2))


def test_inlined_work_counts_for_each_use() -> None:
    inlined, at_root = (_features("blur", steps)["blur_y"] for steps in ([], [["blur_x", "compute_root"]]))
    counted = [[row[name] for name in ("adds", "loads", "divs")] for row in (at_root, inlined)]
    assert counted[0] == pytest.approx([log(2), log(3), log(1)])
    assert counted[1] == pytest.approx([log(2 + 3 * 2), log(9), log(1 + 3)])


def test_tasks_that_do_not_fill_the_cores() -> None:
    steps: list[list[Any]] = [["blur_y", "split", "y", "yo", "yi", 22, "GuardWithIf"], ["blur_y", "parallel", "yo"]]
    assert _features("blur", steps)["blur_y"]["balance"] == pytest.approx(3 / 4)
    assert _features("blur", [])["blur_y"]["balance"] == pytest.approx(1 / 2)


@pytest.mark.parametrize("seed", range(5))
def test_features_of_any_schedule_are_finite(sample: str, seed: int) -> None:
    nest = space_of(sample).nest(random_proposal(sample, seed).schedule)
    rows = featurize(nest, MACHINE)
    assert rows.shape == (len(nest.stages), len(FEATURES)) and rows.dtype == np.float32
    assert np.isfinite(rows).all()
    for place, name in enumerate(NAMES):
        if name in ("adds", "loads", "vector", "tasks", "points", "stored", "written", "dense", "covered"):
            assert (rows[:, place] >= 0).all(), name


def test_every_feature_is_documented_and_told_apart_by_name() -> None:
    assert len(set(NAMES)) == len(NAMES) == len(BLUR_Y)
    assert all(feature.unit and feature.meaning for feature in FEATURES)
    assert StageKey("blur_y") in space_of("blur").nest(Schedule()).stages
