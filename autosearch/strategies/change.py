"""How a schedule is changed into another: what mutation and local search both take for likely."""

from __future__ import annotations

from collections.abc import Mapping

REDRAWN_MOVED = 0.5
"""Share of Funcs given another place whose loops are decided anew: a tile that suited the old place may not suit it."""

KIND_WEIGHTS: Mapping[str, float] = {
    "": 0.05,
    "place": 2.5,
    "store": 1.5,
    "memory": 0.2,
    "ahead": 0.2,
    "partition": 0.2,
    "vector": 0.4,
    "width": 1.0,
    "unroll": 1.0,
    "tiles": 0.8,
    "tile": 1.2,
    "order": 0.6,
    "parallel": 0.4,
    "parallel_loops": 0.3,
    "tail": 0.6,
    "bound": 0.2,
    "phases": 0.2,
}
"""How often a decision of each kind is changed; placement and tile sizes matter most."""
