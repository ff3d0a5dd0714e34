"""Which Funcs are made that the algorithm doesn't have."""

from __future__ import annotations

import halide as hl

from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.schedule.structure import Structures
from autosearch.space.cpu import CpuSpace
from autosearch.space.structure import CLONE, NONE, choose_structure
from tests.conftest import TARGET
from tests.space.asking import Weighing


def test_what_would_take_most_is_likeliest_cloned() -> None:
    """Where one consumer reads a window of it, which wants it stored, and another an element."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    dear, cheap, smooth, out = (hl.Func(name) for name in ("dear", "cheap", "smooth", "out"))
    cheap[x, y] = image[x, y] * 2
    dear[x, y] = hl.exp(hl.sin(image[x, y]))
    smooth[x, y] = dear[x - 1, y] + dear[x + 1, y] + cheap[x - 1, y] + cheap[x + 1, y]
    out[x, y] = smooth[x, y] + dear[x, y] + cheap[x, y]
    out.set_estimates([(1, 510), (0, 512)])
    snapshot, chooser = take(out, TARGET), Weighing({"dear/clone/smooth": NONE, "cheap/clone/smooth": NONE})
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine(), Structures(snapshot).derive)
    choose_structure(space.ground, chooser)
    dear_one, cheap_one = (chooser.weights[f"{name}/clone/smooth"][CLONE] for name in ("dear", "cheap"))
    assert dear_one > 4 * cheap_one > 0
