"""The overall style of a schedule: how its decisions hang together.

Experts don't place one Func here and the next there: they slide rows down a strip, or fuse everything into tiles, or
compute whole images one after the other. The style is the first question. It makes nothing legal or illegal; it tilts
the weights of the answers that follow, so that those of one style come together. So does the second question, which is
what is inlined.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from autosearch.choices import INLINING, STYLE, Chooser

TILT = 12.0
"""How much likelier an answer is that suits the style."""


class Style(Enum):
    """A way to lay out a whole schedule."""

    FREE = "free"
    """Each decision by its own merits."""
    ROWS = "rows"
    """Strips of the output in parallel; producers as rows that slide down each strip."""
    TILES = "tiles"
    """Tiles of the output; producers computed for each tile."""
    STAGES = "stages"
    """Every Func computed whole before the next."""
    REGISTERS = "registers"
    """Tiles of a few vectors, in which a reduction accumulates without touching memory."""
    CHANNELS = "channels"
    """The channels of an element lie together, and are computed together."""


def choose_style(chooser: Chooser, reduces: bool, gathers: bool) -> Style:
    """Ask for the style.

    `reduces`: there are reductions that could accumulate in registers. `gathers`: there are channels, and which element
    they are read of depends on data.
    """
    weights = [0.2, 0.25, 0.25, 0.15, 0.35 if reduces else 0.01, 0.25 if gathers else 0.01]
    return Style(str(chooser.choose(STYLE, [style.value for style in Style], weights)))


class Inlining(Enum):
    """What is inlined, all over a schedule.

    In pipelines of many Funcs most cost little to compute again. Each decided by itself, they would be inlined here and not
    there, and hardly ever all of them.
    """

    FREELY = "freely"
    """Each Func or not, by its own merits."""
    CHEAP = "cheap"
    """What costs no more than at the best loop level."""
    MOST = "most"
    """What costs at most twice as much."""
    DEAR = "dear"
    """Even what costs four times as much: estimates err, most of all about what several Funcs read that are inlined too."""


def choose_inlining(chooser: Chooser) -> Inlining:
    """Ask what is inlined."""
    return Inlining(str(chooser.choose(INLINING, [one.value for one in Inlining], [0.2, 0.25, 0.3, 0.25])))


def tilted(weights: Sequence[float], suits: Sequence[bool]) -> list[float]:
    """The weights, with those of answers that suit the style raised."""
    return [weight * TILT if suit else weight for weight, suit in zip(weights, suits, strict=True)]
