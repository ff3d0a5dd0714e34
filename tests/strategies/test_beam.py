"""What is beam search's own: how much it draws."""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.choices import Chooser, Proposal
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import ComputeRoot
from autosearch.schedule.schedule import Schedule, Step
from autosearch.strategies.beam import MOST_DRAWN, PATIENCE, SPARE, WIDTH, Beam

FUNCS = 200


class _Reluctant:
    """Many Funcs, each of which is nearly always inlined: most draws are known."""

    def __init__(self) -> None:
        self.drawn = 0

    def build(self, chooser: Chooser) -> Schedule:
        self.drawn += 1
        placed = [
            name
            for name in (f"f{number}" for number in range(FUNCS))
            if chooser.choose(f"{name}/place", ["inline", "root"], [1.0, 0.02]) == "root"
        ]
        return Schedule(tuple(Step(StageKey(name), ComputeRoot()) for name in placed))


def test_known_schedules_count_among_those_drawn() -> None:
    def predict(proposals: Sequence[Proposal]) -> list[float]:
        return [1.0] * len(proposals)

    space = _Reluctant()
    count = 16
    assert Beam(space, 0).propose(count, predict)
    assert space.drawn <= MOST_DRAWN * SPARE * count + WIDTH + PATIENCE
