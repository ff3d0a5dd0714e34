"""How far a Func may be computed beyond need: until an input ends, unless its index is clamped."""

from __future__ import annotations

from autosearch.pipeline.snapshot import take
from autosearch.schedule.structure import Structures
from autosearch.space.slack import allowed_regions
from tests.conftest import TARGET, snapshot_of
from tests.schedule.test_structure import HEIGHT, STRIPS, histogram


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


def test_where_strips_seem_to_need_more_than_there_is_it_ends_with_the_input() -> None:
    """Six strips of 16 rows are 96, of which Halide knows that it needs 90."""
    snapshot = take(histogram, TARGET)
    derived = Structures(snapshot).derive(STRIPS)
    allowed = allowed_regions(derived.flow, derived.regions, snapshot.sizes.inputs)
    for name in ("image_im", "half"):
        assert derived.regions.funcs[name][1] == (0, 95) and allowed[name][1] == (0, HEIGHT - 1)
        assert allowed[name][0] == derived.regions.funcs[name][0]
