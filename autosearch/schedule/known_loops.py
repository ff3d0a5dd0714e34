"""The loops that directives make, told once: the same ones come with many placements, in many Funcs and structures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import Stage
from autosearch.schedule.directives import Directive
from autosearch.schedule.loop_arrays import Packed, pack
from autosearch.schedule.loops import LOOPING, StageLoops, stage_loops

_MOST = 20_000
"""Loops that are remembered."""


class KnownLoops:
    """The loops that directives make, told once for all stages with the same variables, of whatever algorithm."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], tuple[StageLoops, Packed] | None] = {}

    def of(self, stage: Stage, directives: tuple[Directive, ...]) -> tuple[StageLoops, Packed] | None:
        """The loops of a stage; None where directives, all of them such as make loops, don't fit or make too many."""
        name = (stage.loop_vars, len(stage.rvars), directives)
        try:
            return self._known[name]
        except KeyError:
            if len(self._known) > _MOST:
                self._known.clear()
            return self._known.setdefault(name, _loops(stage, directives))


def _loops(stage: Stage, directives: Sequence[Directive]) -> tuple[StageLoops, Packed] | None:
    try:
        loops = stage_loops(stage, directives)
    except ScheduleError:
        return None
    packed = pack(loops, stage)
    return None if packed is None else (loops, packed)


def apart(directives: Sequence[Directive]) -> tuple[tuple[Directive, ...], tuple[Directive, ...]]:
    """Those that make loops, and the others."""
    looping = tuple([one for one in directives if type(one) in LOOPING])
    return looping, tuple([one for one in directives if type(one) not in LOOPING])
