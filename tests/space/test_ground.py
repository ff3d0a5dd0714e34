"""What the rules know of an algorithm before the first question."""

from __future__ import annotations

import math

import halide as hl

from autosearch.machine import Machine
from autosearch.pipeline.operations import is_associative
from autosearch.pipeline.snapshot import take
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
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
