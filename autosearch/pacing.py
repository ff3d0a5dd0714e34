"""How many proposals are looked at for a batch, so that thinking keeps to its share of the time."""

from __future__ import annotations

SHARE = 0.16
"""Part of the wall time, from the call on, that proposing and ranking may take."""
LEAST, MOST = 16, 512
"""Proposals for a batch: from fewer there is nothing to choose, of more than so many the best few hardly get better."""
FASTER = 4
"""So many times as many as for the batch before, at most: what one took says little of what so many more will."""


def how_many(many: int, thought: float, measured: float, thinking: float, elapsed: float) -> int:
    """Proposals to look at for the next batch.

    many, thought, measured: of the last batch how many these were, and the seconds that thinking and all else took.
    thinking, elapsed: seconds spent thinking since the call, and all.

    Baselines, which take no thought, leave time for it to the first batches, where little is known and trials count
    most; but for none is thought longer than it is measured.
    """
    left = (SHARE * (elapsed + measured) - thinking) / (1.0 - SHARE)
    wanted = many * min(left, measured) / max(thought, 1e-3)
    return int(max(LEAST, min(wanted, FASTER * many, MOST)))
