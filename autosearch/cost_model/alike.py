"""Which rows of numbers are alike: what is proposed together has most of its stages in common."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autosearch.schedule.loop_arrays import Numbers

_DIRECTIONS = np.random.default_rng(0).standard_normal(4096)
_HASH = 2.0**-63


def different(tables: Iterable[np.ndarray[Any, Any]]) -> tuple[Numbers, Numbers]:
    """The places of the rows that differ in any table, each once, and for each row which of these it equals.

    Tables are of shape (rows,) or (rows, columns). They are told apart by a random projection, quicker than a
    comparison: rows that differ have the same one as good as never; equal ones may be rounded otherwise, and then are
    only done twice.
    """
    total: Any = 0.0
    at = 0
    for table in tables:
        width = 1 if table.ndim == 1 else table.shape[1]
        along = np.take(_DIRECTIONS, np.arange(at, at + width), mode="wrap")
        total = total + (table * along[0] if table.ndim == 1 else table.astype(np.float64, copy=False) @ along)
        at += width
    if not np.isfinite(total).all():  # infinite ends: they can't be told apart so
        return np.arange(len(total)), np.arange(len(total))
    _, first, which = np.unique(total, return_index=True, return_inverse=True)
    return first, which.ravel()


def scaled(hashes: Numbers) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Hashes of 64 bits as numbers from -1 to 1, so that they don't drown others in a sum."""
    return np.asarray(hashes * _HASH, dtype=np.float64)
