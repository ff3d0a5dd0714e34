"""What the rules that shape a stage's loops know about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from autosearch.pipeline.ir import Stage
from autosearch.space.style import Style

WORTH_THREADS = 50_000
"""Operations from which on waking other threads pays."""
SHORT = 4
"""Extents up to this are channels, not worth a tile of their own."""


@dataclass(frozen=True)
class StageFacts:
    """What the rules need to know about a stage at the place where it is computed."""

    stage: Stage
    channels: tuple[str, ...]
    """Short dimensions that lie together, innermost first."""
    extents: dict[str, int]
    """Of each loop variable."""
    lanes: int
    """Elements of the stage's widest type in a native vector."""
    constant: frozenset[str]
    """Variables whose extent is a compile-time constant."""
    vectorizable: tuple[str, ...]
    """Variables that may be vectorized, the likeliest first."""
    dense: str
    """The Func's dimension that is innermost in memory."""
    parallelizable: frozenset[str]
    """Variables whose iterations are independent."""
    ordered: bool
    """Reduction loops must stay in their order (the update isn't known to be associative and commutative)."""
    at_root: bool
    in_serial: bool
    """None of the loops around it is parallel."""
    gathered: tuple[str, ...]
    """Dimensions whose coordinate depends on data where the Func, or what reads it, is read."""
    sharing: tuple[str, ...]
    """Variables whose iterations are made of the same, which would be computed or loaded anew for each."""
    body: int
    """Operations and loads of one evaluation."""
    slides: bool
    """It is stored further out than it is computed: most productions add little."""
    may_be_empty: bool
    """Some production may need nothing of it, as one that slides, or is computed from such a one."""
    nested: Mapping[str, float]
    """For each variable the largest factor of an outermost split that may be split again, dividing or not; infinite where
    that one may be guarded."""
    exact: frozenset[str]
    """Variables whose extent is the same wherever the stage is computed: a split that divides it leaves no tail."""
    style: Style
    cores: int
    accumulators: int
    """Native vectors that a register tile should not exceed."""
    dots: bool
    """It adds up products of narrow integers, in any order: there are instructions for pairs or fours of them."""
    transposed: str
    """Variable along which what it reads lies side by side in memory, where it transposes that."""
    scanned: frozenset[str]
    """Reduction variables that say where it writes in another dimension than the dense one."""
    apart: bool
    """It reads elements apart along its row, `f(2 * x)`."""
    lookups: float
    """Loads that each lane does by itself, for each operation or load."""
    indices: int
    """Indices of such that a native vector holds."""
    reads_reduction: bool
    """It reads a reduction, which could accumulate for one register tile of this stage at a time."""

    @cached_property
    def is_much(self) -> bool:
        """Whether it is worth waking other threads for."""
        return math.prod(self.extents.values()) * self.body >= WORTH_THREADS

    @cached_property
    def spreads(self) -> bool:
        """Whether its loops may be the parallel ones: it is computed at root, or is much that one core would do alone."""
        return self.at_root or (self.in_serial and not self.slides and self.is_much)

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The variables as an expert would order them, innermost first.

        Along those whose coordinate data will say, all is needed at each of the others: they are just outside of the dense
        one.
        """
        names = [*self.channels, *self.stage.loop_vars]
        if self.dense in names:
            place = names.index(self.dense) + 1
            names[place:place] = [name for name in self.gathered if name in names and name != self.dense]
        return tuple(dict.fromkeys(names))

    @cached_property
    def long(self) -> tuple[str, ...]:
        """The pure variables that aren't short, in that order."""
        return tuple(name for name in self.order if name in self.stage.pure_vars and not self.is_short(name))

    def is_short(self, name: str) -> bool:
        """Whether a variable is one of few channels, that stay together."""
        return self.extents[name] <= SHORT
