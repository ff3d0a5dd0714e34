"""What the rules know of an algorithm before the first question."""

from __future__ import annotations

import math
import random

import halide as hl

from autosearch.choices import RandomChooser, draw
from autosearch.machine import Machine
from autosearch.pipeline.operations import is_associative
from autosearch.pipeline.snapshot import take
from autosearch.schedule.apply import apply
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from autosearch.space.cpu import CpuSpace
from autosearch.space.ground import Ground
from tests.conftest import TARGET, snapshot_of, space_of

STRIPS = Schedule.from_json(
    [
        ["product.update(0)", "split", "kx", "ko", "ki", 24, "GuardWithIf"],
        ["product.update(0)", "rfactor", "ko", "u", "parts"],
    ]
)


def test_a_scatter_goes_back_to_any_element() -> None:
    assert space_of("histogram").ground(Schedule()).revisited["hist"] == 256
    assert space_of("matmul").ground(Schedule()).revisited["product"] == math.inf


def test_what_is_there_anyway_costs_its_readers_a_load() -> None:
    """A reduction is stored whoever reads it; a sine would be computed again with what reads it."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y, k = hl.Var("x"), hl.Var("y"), hl.RDom([(0, 64)], "k")
    total, copied, sine, half = (hl.Func(name) for name in ("total", "copied", "sine", "half"))
    total[x, y] += image[x, y + k]
    copied[x, y] = total[y, x]
    sine[x, y] = hl.sin(copied[x, y])
    half[x, y] = sine[x, y] / 2
    half.set_estimates([(0, 64), (0, 64)])
    snapshot = take(half, TARGET)
    effort = Ground(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine()).effort
    assert effort["copied"].work == 1.0 and effort["total"].rounds == 64
    assert effort["half"].work > effort["sine"].work > 10


def test_reductions_are_those_that_could_accumulate_in_registers() -> None:
    assert space_of("matmul").ground(Schedule()).reductions == {"product"}
    assert space_of("histogram").ground(Schedule()).reductions == frozenset()


def test_the_merge_of_a_few_strips_is_no_reduction_worth_the_name() -> None:
    """Each strip's own accumulation still is, although `rfactor` wraps it in lets."""
    snapshot = snapshot_of("matmul")
    derived = Structures(snapshot).derive(STRIPS)
    ground = Ground(derived.flow, derived.regions, dict(snapshot.sizes.inputs), Machine())
    assert is_associative(derived.algorithm.func("parts").stages[1])
    assert ground.reductions == {"parts", "product"}  # two strips of 24: the merge is a twenty-fourth of the work
    assert _reductions(192) == {"parts"}


def _reductions(length: int) -> frozenset[str]:
    """Of a sum over `length` elements for each of some others, in two strips."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, k = hl.Var("x"), hl.RDom([(0, length)], "k")
    product = hl.Func("product")
    product[x] += image[k, x]
    product.set_estimates([(0, 64)])
    snapshot = take(product, TARGET)
    steps = Schedule.from_json(
        [["product.update(0)", "split", "kx", "ko", "ki", length // 2, "GuardWithIf"], *STRIPS.to_json()[1:]]
    )
    derived = Structures(snapshot).derive(steps)
    return Ground(derived.flow, derived.regions, dict(snapshot.sizes.inputs), Machine()).reductions


def elimination() -> hl.Func:
    """A step of Gauss's elimination on five rows, one small system a pixel."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, i = hl.vars("x i")
    rows, step, out = hl.Func("rows"), hl.Func("step"), hl.Func("out")
    rows[x, i] = image[x, i] + 1.0
    step[x, i] = rows[x, i] - rows[x, 1] * 0.5
    out[x] = step[x, 0] + step[x, 1] + step[x, 2] + step[x, 3] + step[x, 4]
    image.set_estimates([(0, 512), (0, 5)])
    out.set_estimates([(0, 512)])
    return out


def test_what_is_read_at_a_variable_and_at_a_constant_is_of_one_extent_at_root_alone() -> None:
    snapshot = take(elimination, TARGET)
    ground = Ground(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
    rows, step = (snapshot.algorithm.func(name).stages[0] for name in ("rows", "step"))
    assert ground.constant_vars(rows) == ground.constant_vars(step) == {"i"}
    assert ground.constant_vars(step, inside=True) == {"i"} and ground.constant_vars(rows, inside=True) == set()


def test_no_schedule_relies_on_an_extent_that_changes_from_loop_to_loop() -> None:
    snapshot, generator = take(elimination, TARGET), random.Random(0)
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
    for _ in range(100):
        pipeline = snapshot.fresh()
        apply(draw(space, RandomChooser(generator)).schedule, pipeline, snapshot.algorithm)
        pipeline.compile_to_module(pipeline.infer_arguments(), "kernel", TARGET)  # raises where Halide refuses it
