"""How a schedule is changed into another: what mutation and local search both take for likely."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping

from autosearch.choices import Option, func_of, kind_of

PLACEMENT_KINDS = ("place", "store")
"""Kinds of decisions that say where a Func is computed and stored."""
VECTOR_KINDS = ("width", "unroll")
"""Kinds of decisions that are made for a vector: a register tile of scalars is another one."""
REDRAWN_MOVED = 0.5
"""Share of Funcs given another place whose loops are decided anew: a tile that suited the old place may not suit it."""
REDRAWN_HOST = 0.25
"""Share of Funcs moved out of another's loops where those, too, are decided anew: they may have been made to compute it."""

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
TRIES: Mapping[str, int] = {"clone": 4, "rfactor": 4, "in": 4}
"""How many times a change that makes a Func is worth trying, where others are once: what becomes of that Func is decided anew
each time, and one bad place for it says little."""


def to_forget(answers: Mapping[str, Option], changed: Collection[str], generator: random.Random) -> set[str]:
    """The questions to be answered anew because some, `changed`, are: loops made for other placements or other vectors."""
    moved: set[str] = set()
    hosts: set[str] = set()
    for key in sorted(changed):  # a set's order differs between processes
        if kind_of(key) != "place":
            continue
        if generator.random() < REDRAWN_MOVED:
            moved.add(func_of(key))
        place = answers.get(key)
        if isinstance(place, str) and "/" in place and generator.random() < REDRAWN_HOST:
            hosts.add(func_of(place))  # a level is named as questions are, its stage first
    return {
        key
        for key in answers
        if key not in changed
        and kind_of(key) not in TRIES
        and (
            func_of(key) in moved
            or (func_of(key) in hosts and kind_of(key) not in PLACEMENT_KINDS)
            or (kind_of(key) in VECTOR_KINDS and key.split("/", 1)[0] + "/vector" in changed)
        )
    }
