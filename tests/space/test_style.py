"""The style of a schedule tilts what is drawn, and nothing else."""

from __future__ import annotations

import random
from collections import Counter
from statistics import mean, variance

from autosearch.choices import INLINING, RandomChooser, Replay, draw
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import ComputeRoot, StoreAt
from autosearch.space.style import Inlining, Style
from tests.conftest import space_of


def _directives(style: Style, count: int = 60) -> Counter[type]:
    """How often each directive occurs in random schedules of a style."""
    found: Counter[type] = Counter()
    for seed in range(count):
        chooser = Replay({"style": style.value}, RandomChooser(random.Random(seed)))
        found.update(type(step.directive) for step in draw(space_of("sharpen"), chooser).schedule)
    return found


def test_rows_slide_and_stages_are_computed_whole() -> None:
    rows, stages, free = (_directives(style) for style in (Style.ROWS, Style.STAGES, Style.FREE))
    assert rows[StoreAt] > 2 * max(1, free[StoreAt])
    assert stages[ComputeRoot] > 1.5 * free[ComputeRoot]


def test_register_tiles_hold_what_a_reduction_accumulates() -> None:
    """In that style most products are computed for a tile of a few vectors, unrolled whole, the reduction around it."""
    held = 0
    for seed in range(40):
        chooser = Replay({"style": "registers"}, RandomChooser(random.Random(seed), sharpness=2))
        nest = space_of("matmul").nest(draw(space_of("matmul"), chooser).schedule)
        update = nest.stages[StageKey("product", 1)]
        loops = [(kind, extent) for kind, extent in zip(update.loops.kinds, update.loop_extents, strict=True)]
        serial = [extent for kind, extent in loops if kind == "serial" and extent > 1]
        held += nest.placements["product"].compute is not None and serial == [48]
    assert held >= 20


def test_register_tiles_find_what_they_read_packed_or_where_it_lies() -> None:
    """Whatever is inlined elsewhere: what packing pays, its own cost doesn't tell."""
    for inlining in Inlining:
        packed = 0
        for seed in range(60):
            answers = {"style": "registers", INLINING: inlining.value}
            proposal = draw(space_of("matmul"), Replay(answers, RandomChooser(random.Random(seed))))
            places = {key: str(answer) for key, answer in proposal.trace if key.endswith("_im/place")}
            packed += any(place.startswith("out.") for place in places.values())
        assert 15 <= packed <= 50


def test_what_is_cheap_to_compute_again_is_inlined_together() -> None:
    """A pyramid's Funcs are inlined here and not there where each is decided freely, and all alike where they are not."""

    def inlined(which: Inlining) -> list[int]:
        found = []
        for seed in range(30):
            chooser = Replay({INLINING: which.value}, RandomChooser(random.Random(seed), sharpness=2))
            nest = space_of("pyramid").nest(draw(space_of("pyramid"), chooser).schedule)
            found.append(sum(placement.inline for placement in nest.placements.values()))
        return found

    freely, cheap, most, dear = (inlined(one) for one in Inlining)
    assert mean(dear) >= mean(most) > mean(cheap) and mean(most) > mean(freely)
    assert variance(most) < variance(freely)


def test_a_style_forbids_nothing() -> None:
    """The answers of one style's schedule are legal under any other, and make the same schedule."""
    proposal = draw(space_of("sharpen"), Replay({"style": "rows"}, RandomChooser(random.Random(3))))
    for style in Style:
        other = Replay({**proposal.trace.by_key, "style": style.value}, RandomChooser(random.Random(9)))
        assert draw(space_of("sharpen"), other).schedule == proposal.schedule
        assert other.exact
