"""How often an inlined Func is evaluated: calls with one index are one."""

from __future__ import annotations

import halide as hl
import pytest

from autosearch.machine import Machine
from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.snapshot import take
from autosearch.schedule.schedule import Schedule
from autosearch.space.calls import MOST_SITES, Calls
from autosearch.space.cpu import CpuSpace
from autosearch.space.ground import Ground
from tests.conftest import TARGET, snapshot_of, space_of


def _ground(func: hl.Func) -> Ground:
    snapshot = take(func, TARGET)
    return CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine()).ground(Schedule())


def _windows() -> hl.Func:
    """Two 3x3 windows, one after the other, and a square that names its operand twice."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    near, far, out = hl.Func("near"), hl.Func("far"), hl.Func("out")
    near[x, y] = sum(image[x + i, y + j] for i in range(3) for j in range(3))
    far[x, y] = sum(near[x + i, y + j] for i in range(3) for j in range(3))
    out[x, y] = far[x, y] * far[x, y]
    out.set_estimates([(0, 32), (0, 32)])
    return out


def test_equal_calls_count_once() -> None:
    ground = _ground(_windows())
    assert ground.calls[StageKey("out")]["far"].count == 1
    assert ground.calls[StageKey("far")]["near"].count == 9


def test_windows_of_windows_overlap() -> None:
    """3x3 pixels around each of 3x3 are 5x5: what inlining makes the compiler evaluate."""
    ground = _ground(_windows())
    far = ground.algorithm.func("far").stages[0]
    near = ground.through(ground.calls[StageKey("out")]["far"], far)["near"]
    assert near.count == 9
    image = ground.calls[StageKey("far")]["near"].inline(near, ("x", "y"))
    assert image.count == 25


def test_calls_of_two_places_are_joined() -> None:
    """`smooth` needs a cross of `gray`, `out` its centre: five evaluations, not six."""
    ground = space_of("sharpen").ground(Schedule())
    smooth = ground.algorithm.func("smooth").stages[0]
    inlined = ground.through(ground.calls[StageKey("out")]["smooth"], smooth)["gray"]
    assert (inlined | ground.calls[StageKey("out")]["gray"]).count == 5


def test_indices_that_are_not_affine_count_where_they_differ() -> None:
    """Each pixel asks for one bin; inlined in a window, for one at each of its places."""
    ground = space_of("histogram").ground(Schedule())
    lookup = ground.calls[StageKey("out")]["cdf"]
    assert lookup.count == 1
    window = Calls(3, frozenset(((frozenset({("x", 1)}), i), (frozenset({("y", 1)}), 0)) for i in range(3)))
    assert window.inline(lookup, snapshot_of("histogram").algorithm.func("out").args).count == 3


@pytest.mark.parametrize("side", [4, 40])
def test_too_many_to_keep_are_counted(side: int) -> None:
    sites = frozenset(((frozenset({("x", 1)}), 100 * i),) for i in range(side))
    inner = frozenset(((frozenset({("x", 1)}), j),) for j in range(side))
    calls = Calls(side, sites).inline(Calls(side, inner), ("x",))
    assert calls.count == side * side
    assert bool(calls.sites) == (side * side <= MOST_SITES)
    assert (calls | calls).count == (calls.count if calls.sites else 2 * calls.count)
