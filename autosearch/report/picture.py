"""A loop nest as nested boxes, to be drawn by the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from autosearch.pipeline.bounds import extents
from autosearch.progress import format_bytes
from autosearch.schedule.describe import describe
from autosearch.schedule.nest import LoopNest

_LOOP = re.compile(r"^(for|parallel|vectorized|unrolled) (\S+) in (\d+)$")


@dataclass
class Box:
    """A loop, a Func produced, its storage, or a statement, and what is inside."""

    kind: str
    """for, parallel, vectorized, unrolled, produce, store or compute."""
    label: str
    note: str = ""
    inside: list[Box] = field(default_factory=list)


def boxes(nest: LoopNest) -> list[Box]:
    """The nest as a forest. What comes after a Func is produced stands beside it, not inside."""
    root = Box("root", "")
    open_boxes: list[tuple[int, Box]] = [(-1, root)]
    for line in describe(nest).splitlines():
        indent = len(line) - len(line.lstrip())
        while open_boxes[-1][0] >= indent:
            open_boxes.pop()
        box = _box(line.strip(), nest)
        parent = open_boxes[-1][1]
        if box is None:  # consume: what follows goes where the Func was produced
            open_boxes.append((indent, parent))
        else:
            parent.inside.append(box)
            open_boxes.append((indent, box))
    return root.inside


def _box(line: str, nest: LoopNest) -> Box | None:
    text = line.removesuffix(":")
    loop = _LOOP.match(text)
    if loop:
        return Box(loop[1], loop[2], loop[3])
    word, _, name = text.partition(" ")
    if word == "consume":
        return None
    if word in ("produce", "store"):
        return Box(word, name, _stored(name, nest) if word == "store" or _stored_here(name, nest) else "")
    return Box("compute", text)


def _stored_here(name: str, nest: LoopNest) -> bool:
    placement = nest.placements[name]
    return placement.store == placement.compute and name not in nest.algorithm.outputs


def _stored(name: str, nest: LoopNest) -> str:
    size = sum(kind.bytes for kind in nest.algorithm.func(name).types)
    for extent in extents(nest.stored_box(name)):
        size *= extent
    return format_bytes(size)
