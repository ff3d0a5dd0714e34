"""A schedule in the pieces in which its source is written: up to each directive that makes a Func, then the rest.

What follows refers to the Func that it makes and to loops that weren't there before.
"""

from __future__ import annotations

from dataclasses import dataclass

from autosearch.export.identifiers import Identifiers
from autosearch.pipeline.snapshot import Snapshot
from autosearch.schedule.directives import STRUCTURAL
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures


@dataclass(frozen=True)
class Block:
    """Directives and the names in them."""

    schedule: Schedule
    names: Identifiers


def blocks(snapshot: Snapshot, schedule: Schedule) -> list[Block]:
    """The pieces of a schedule, each with names that are clear of those before."""
    structures = Structures(snapshot)
    result: list[Block] = []
    start = 0
    for end in _ends(schedule):
        algorithm = structures.derive(Schedule(schedule.steps[:start]).structure).algorithm
        piece = Schedule(schedule.steps[start:end])
        result.append(Block(piece, Identifiers(algorithm, piece, result[-1].names if result else None)))
        start = end
    return result


def _ends(schedule: Schedule) -> list[int]:
    places = [place + 1 for place, step in enumerate(schedule.steps) if isinstance(step.directive, STRUCTURAL)]
    return [*places, len(schedule)] if len(schedule) not in places else places
