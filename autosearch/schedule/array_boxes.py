"""Regions in many loop nests at once: a pair of ends for each dimension, arrays (schedules, levels) or numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from autosearch.pipeline.array_intervals import Array, Ends


def hull_of(box: list[Ends] | None, other: list[Ends]) -> list[Ends]:
    """The smallest boxes that hold both."""
    if box is None:
        return other
    return [(np.minimum(a, c), np.maximum(b, d)) for (a, b), (c, d) in zip(box, other, strict=True)]


def bounded(box: Sequence[Ends], otherwise: Sequence[Ends]) -> list[Ends]:
    """`box`, with what is not bounded replaced."""
    found: list[Ends] = []
    for (low, high), other in zip(box, otherwise, strict=True):
        bounded = np.isfinite(low) & np.isfinite(high)
        if np.all(bounded):
            found.append((low, high))
        else:
            found.append((np.where(bounded, low, other[0]), np.where(bounded, high, other[1])))
    return found


def nothing_elsewhere(box: list[Ends], here: np.ndarray[Any, np.dtype[np.bool_]], shape: tuple[int, int]) -> list[Ends]:
    """What is read in some of the nests, and nothing in the others."""
    found: list[Ends] = []
    for ends in box:
        sides = np.full(shape, np.inf), np.full(shape, -np.inf)
        for side, end in zip(sides, ends, strict=True):
            side[here] = end
        found.append(sides)
    return found


def widened(ends: Array, levels: int) -> Array:
    """The ends at so many levels, where the last that there is counts for all further ones."""
    lacking = levels - ends.shape[1]
    return ends if lacking <= 0 else np.concatenate([ends, np.repeat(ends[:, -1:], lacking, axis=1)], axis=1)
