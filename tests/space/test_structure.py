"""Which Funcs are made that the algorithm doesn't have."""

from __future__ import annotations

from collections.abc import Sequence

import halide as hl

from autosearch.choices import FirstChooser, Option
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.schedule.structure import Structures
from autosearch.space.cpu import CpuSpace
from autosearch.space.structure import CLONE, choose_structure
from tests.conftest import TARGET


class _Clones(FirstChooser):
    """Keeps how likely each clone is."""

    def __init__(self) -> None:
        self.chances: dict[str, float] = {}

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if "/clone/" in key and weights is not None:
            self.chances[key] = weights[list(options).index(CLONE)]
        return super().choose(key, options, weights)


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
    snapshot, chooser = take(out, TARGET), _Clones()
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine(), Structures(snapshot).derive)
    choose_structure(space.ground, chooser)
    assert set(chooser.chances) == {"dear/clone/smooth", "cheap/clone/smooth"}
    assert chooser.chances["dear/clone/smooth"] > 4 * chooser.chances["cheap/clone/smooth"] > 0
