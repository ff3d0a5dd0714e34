"""How far a Func may be computed beyond need: until an input ends, unless its index is clamped."""

from __future__ import annotations

from autosearch.space.slack import allowed_regions
from tests.conftest import snapshot_of


def _allowed(sample: str, **inputs: tuple[tuple[int, int], ...]) -> dict[str, tuple[tuple[float, float], ...]]:
    snapshot = snapshot_of(sample)
    return allowed_regions(snapshot.flow, snapshot.regions, {**snapshot.sizes.inputs, **inputs})


def test_nothing_to_spare() -> None:
    allowed, needed = _allowed("blur"), snapshot_of("blur").regions.funcs
    assert allowed == {name: needed[name] for name in ("image_im", "blur_x", "blur_y")}


def test_as_far_as_the_input_goes() -> None:
    allowed = _allowed("blur", image=((-5, 107), (0, 70)))  # needed: 0 to 97, 0 to 65
    assert allowed["image_im"] == ((-5, 107), (0, 70))
    assert allowed["blur_x"] == ((-5, 105), (0, 70))
    assert allowed["blur_y"] == ((0, 95), (0, 63))  # an output is given


def test_a_clamped_index_stays_inside() -> None:
    allowed = _allowed("sharpen")
    assert allowed["gray"] == ((-1 - 4096, 96 + 4096), (-1 - 4096, 64 + 4096))
    assert allowed["image_im"] == ((0, 95), (0, 63), (0, 2))


def test_updates_count_as_well() -> None:
    allowed, needed = _allowed("matmul"), snapshot_of("matmul").regions.funcs
    assert allowed["product"] == needed["product"] == ((0, 63), (0, 39))
