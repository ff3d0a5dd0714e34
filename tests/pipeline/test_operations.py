"""What a stage computes, counted."""

from __future__ import annotations

import halide as hl
import pytest

from autosearch.pipeline.ir import Stage
from autosearch.pipeline.operations import body_size, code_size, moves_on, multiplies_narrow, narrowing, operations
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET


def _stage(index: str) -> Stage:
    """`f(x) = 2 * image(index) + 1`."""
    image, x = hl.ImageParam(hl.Int(32), 1, "image"), hl.Var("x")
    at = {
        "x": x, "clamped": hl.clamp(x, 0, 9), "looked up": hl.clamp(image[x], 0, 9), "wider": 2 * x + 1, "half": (x + 1) / 2
    }[index]  # fmt: skip
    f = hl.Func("f")
    f[x] = 2 * image[at] + 1
    image.set_estimates([(0, 32)])
    f.set_estimates([(0, 10)])
    return take(f, TARGET).algorithm.func("f").stages[0]


def test_operations_and_loads_make_a_body() -> None:
    stage = _stage("x")
    assert operations(stage) == {"add": 1, "mul": 1, "load": 1}
    assert body_size(stage) == code_size(stage) == 3


@pytest.mark.parametrize("index", ["clamped", "looked up"])
def test_loads_from_anywhere_make_long_code(index: str) -> None:
    assert code_size(_stage(index)) >= body_size(_stage(index)) + 8  # a load for each lane, at least


@pytest.mark.parametrize(
    ("kind", "times"), [(hl.Int(8), 4), (hl.UInt(16), 2), (hl.UInt(32), 1), (hl.Int(64), 1), (hl.Float(32), 1)]
)
def test_how_much_narrower_the_factors_are_than_their_product(kind: hl.Type, times: int) -> None:
    """Wider ones count as none that are narrower."""
    image, x, f = hl.ImageParam(kind, 1, "image"), hl.Var("x"), hl.Func("f")
    f[x] = hl.cast(hl.Int(32), image[x]) * hl.cast(hl.Int(32), image[x + 1])
    f.set_estimates([(0, 10)])
    stage = take(f, TARGET).algorithm.func("f").stages[0]
    assert narrowing(stage) == times and multiplies_narrow(stage) == (times > 1)


def test_every_other_element_is_no_gather() -> None:
    assert code_size(_stage("wider")) == body_size(_stage("wider"))


@pytest.mark.parametrize("index", ["x", "clamped", "looked up", "wider", "half"])
def test_a_coordinate_moves_on_unless_it_is_clamped_or_looked_up(index: str) -> None:
    loads = [node for node in _stage(index).values[0].walk() if node.op == "image" or node.op == "func"]
    assert moves_on(loads[0].args[0]) == (index not in ("clamped", "looked up"))
