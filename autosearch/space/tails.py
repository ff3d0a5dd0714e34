"""How a split may deal with its tail, and how large its factor may be: what Halide computes, reads and writes beyond."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import hull
from autosearch.pipeline.ir import Stage
from autosearch.schedule.directives import Tail
from autosearch.schedule.nest import LoopNest, Placement, Position
from autosearch.space.ground import Ground
from autosearch.space.placement import moved_dimensions


@dataclass(frozen=True)
class _Room:
    """How large a factor may be, by what the tail computes beyond the region needed."""

    round_up: int
    shift: int
    exact: bool
    """The extent is the same in every production."""
    output: bool


@dataclass(frozen=True)
class StageTails:
    """What is legal for the splits of a stage that is about to be placed in a nest."""

    rules: TailRules
    stage: Stage
    placement: Placement
    box: Box
    """What each production needs of the Func."""
    extents: Mapping[str, int]
    """Of the stage's variables."""
    rooms: dict[str, _Room] = field(default_factory=dict)
    """Those asked for so far, by variable."""

    def legal(self, variable: str, factor: int) -> list[Tail]:
        """The tails for a split by `factor`, the likeliest first; the last one is always a guard."""
        tails = []
        if not self.stage.is_rvar(variable):
            room = self._room(variable)
            divides = self.extents[variable] % factor == 0
            if self.stage.index == 0 and factor <= room.shift:
                tails.append(Tail.SHIFT_INWARDS)
            if factor <= room.round_up or (divides and room.exact and not room.output):
                first = self.stage.index or self.placement.compute is not None
                tails.insert(0 if first else len(tails), Tail.ROUND_UP)
        return [*tails, Tail.GUARD_WITH_IF]

    @cached_property
    def nesting(self) -> tuple[dict[str, float], frozenset[str]]:
        """For each variable the largest factor of a split whose inner loop may be split again, and those exact.

        Infinite where a guarded one may be.

        Under a guarded split that isn't safe: where a Func's bounds are not simple, Halide 21 loses the guard of
        nested splits and writes beyond the allocation. Outputs and reduction variables have simple bounds. A split that
        divides needs no guard where the extent is always the same.
        """
        nested = dict.fromkeys(self.extents, math.inf)
        exact = set()
        for name in nested if not self.rules.is_output(self.stage) else ():
            if self.stage.is_rvar(name):
                continue
            room = self._room(name)
            nested[name] = max(room.round_up, room.shift if self.stage.index == 0 else 0)
            if room.exact:
                exact.add(name)
        return nested, frozenset(exact)

    def _room(self, variable: str) -> _Room:
        if variable not in self.rooms:
            extent = self.extents[variable]
            self.rooms[variable] = self.rules.room(self.stage, self.placement, self.box, variable, extent)
        return self.rooms[variable]


class TailRules:
    """What is legal for the splits of stages in a nest that grows: what is in it when a question is asked, counts."""

    def __init__(self, nest: LoopNest, ground: Ground) -> None:
        self._nest = nest
        self._ground = ground
        self._clamped: dict[tuple[str, int | None], bool] = {}
        self._still: dict[str, bool] = {}

    def of(self, stage: Stage, placement: Placement, box: Box, extents: Mapping[str, int]) -> StageTails:
        """Those of a stage that computes `box` in each production, with the extents of its variables."""
        return StageTails(self, stage, placement, box, extents)

    def is_output(self, stage: Stage) -> bool:
        """Whether a stage is of an output."""
        return stage.func in self._ground.algorithm.outputs

    def room(self, stage: Stage, placement: Placement, box: Box, variable: str, extent: int) -> _Room:
        """How large a factor may be for a variable of that extent."""
        func = self._ground.algorithm.func(stage.func)
        place = func.args.index(variable)
        whole = self._nest.required(func.name, None) or self._ground.regions.funcs[func.name]
        low, high = hull(whole, self._ground.regions.funcs[func.name])[place]
        first, last = self._ground.allowed[func.name][place]
        whole_anyway = box[place] == (low, high)
        added = moved_dimensions(self._nest, func.name, placement).get(place)
        moves = added is not None or (bool(self._nest.sliding_consumers(func.name)) and not whole_anyway)
        slides = moves and (added is None or added < int(box[place][1] - box[place][0]) + 1)
        clamped = self.is_clamped(func.name, place)
        varies = not whole_anyway and (clamped or self._has_partial_tiles(func.name, place, placement))
        free = self._ground.is_free(func, place) and (placement.compute is None or whole_anyway)
        loose = max(0, int(high - last))
        shortest = 1 if varies or slides or free else extent - loose
        exact = not varies and not moves and not free and not loose
        channel = variable in self._ground.channels[func.name]  # what it is read from may be stated not to begin earlier
        stated = place in self._nest.stated.get(func.name, {})
        output = self.is_output(stage) and variable not in self._ground.constant_vars(stage)
        # Shifted inwards, the pure definition would reset what updates have made of rows that are there already; and of what is
        # read at fractions fewer rows are added at times than a tile has: Halide 21 then loses others.
        never = moves and (bool(func.updates) or self._ground.flow.is_read_at_fractions(func, place))
        roomy = self._ground.has_room(func.name)
        return _Room(
            # Rounding up an output would demand that its size be a multiple; what is stated holds for tails as well.
            # Where new rows start is hard to tell for Halide: rounding up from there may read far beyond.
            1 if output or stated or loose or (moves and (never or not roomy)) else int(last - high) + 1,
            0 if never else shortest + (0 if channel else int(low - first)),
            exact,
            output,
        )

    def is_clamped(self, name: str, place: int | None = None) -> bool:
        """Whether what is needed of a Func shrinks at the borders, because an index that reads it is clamped there.

        Of one of its dimensions, where `place` is given.
        """
        if (name, place) not in self._clamped:
            self._clamped[name, place] = self._is_clamped(name, place)
        return self._clamped[name, place]

    def stands_still(self, name: str) -> bool:
        """Whether what is needed of a Func doesn't move on with loops at the borders, or not that Halide could tell.

        Where it is read at a coordinate that is clamped or computed from data; not at a fraction of one, as in `f(x / 2)`.
        """
        if name not in self._still:
            self._still[name] = any(
                self._ground.stands_still(key, name) or (self._is_in_loops(key.func) and self.stands_still(key.func))
                for key in self._ground.algorithm.consumers[name]
            )
        return self._still[name]

    def _is_in_loops(self, name: str) -> bool:
        placement = self._nest.placements[name]
        return placement.inline or placement.compute is not None

    def _is_clamped(self, name: str, place: int | None) -> bool:
        for key in self._ground.algorithm.consumers[name]:
            edges = (one for one in self._ground.flow.edges[key] if one.producer == name and not one.is_affine)
            accesses = (access for edge in edges for access in edge.accesses)
            if any(place is None or access.index[place] is None for access in accesses):
                return True
            if self._is_in_loops(key.func) and self.is_clamped(key.func):
                return True
        return False

    def _has_partial_tiles(self, name: str, place: int, placement: Placement) -> bool:
        """Whether some iterations around may need less along a dimension of a Func, because a split is guarded or a loop fused.

        One that divides counts too where Halide can't know that: it then takes the shortest for possible.
        """
        around = self._nest.around(placement.compute)
        for key in dict.fromkeys(position.stage for position in around):
            nest = self._nest.stages[key]
            inside = self._nest.placements[key.func].compute is not None
            constant = self._ground.constant_vars(nest.stage, inside)
            partial: set[int] = set()
            for derivation in nest.loops.derivations:
                sources = nest.loops.sources(derivation.old)
                if derivation.fuse:
                    partial |= sources  # Halide's bounds of what fused loops were are loose: rounding up reads too far
                elif derivation.tail is Tail.GUARD_WITH_IF:
                    divides = nest.extents[derivation.old] % derivation.factor == 0
                    if not divides or any(nest.loops.variables[one] not in constant for one in sources):
                        partial |= sources
            if partial and any(
                position.stage == key
                and partial & nest.loops.sources(nest.loops.order[position.depth - 1])
                and self._changes(name, place, position)
                for position in around
            ):
                return True
        return False

    def _changes(self, name: str, place: int, position: Position) -> bool:
        """Whether the iterations of a loop need different coordinates of a dimension of a Func."""
        inner, outer = (self._nest.required(name, one) for one in (position, self._nest.outside(position)))
        return inner is None or outer is None or inner[place] != outer[place]
