"""What Halide itself says of a scheduled pipeline: its loop nest, and its lowered statement."""

from __future__ import annotations

import math
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import halide as hl

from autosearch.pipeline.bounds import extents
from autosearch.pipeline.names import canonical_funcs
from autosearch.pipeline.snapshot import Snapshot, func_order
from autosearch.schedule.apply import apply
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET

LOOPS = ("for", "parallel", "vectorized", "unrolled")
_LOOP = re.compile(r"^ *(\w+) (\S+?)(?: in (?:\[(-?\d+), (-?\d+)\]|(\d+)))?:$")
_ALLOCATION = re.compile(r"allocate ([^\s.\[]+)\S*?\[\w+ \* ([^\]]*)\]")


@dataclass(frozen=True)
class Line:
    """A line of a printed loop nest: a loop, or a `produce`, `consume` or `store` with the Func's name."""

    word: str
    name: str = ""
    extent: int | None = None

    @property
    def is_loop(self) -> bool:
        return self.word in LOOPS


def scheduled(snapshot: Snapshot, schedule: Schedule, exact: bool = False) -> hl.Pipeline:
    """A fresh pipeline with `schedule` applied; `exact` bounds its outputs to the sizes tuned for."""
    pipeline = snapshot.fresh()
    apply(schedule, pipeline, snapshot.algorithm)
    if exact:
        for output, name in zip(pipeline.outputs(), snapshot.algorithm.outputs, strict=True):
            box = snapshot.sizes.outputs[name]
            for arg, (low, _), extent in zip(output.args(), box, extents(box), strict=True):
                output.bound(arg, int(low), extent)
    return pipeline


def lower(pipeline: hl.Pipeline) -> None:
    """Have Halide check and lower the pipeline; raises what it has to object to."""
    pipeline.compile_to_module(pipeline.infer_arguments(), "lowered", TARGET)


def loop_nest(pipeline: hl.Pipeline) -> list[Line]:
    """What `print_loop_nest` prints, read."""
    return parse(printed_loop_nest(pipeline), canonical_names(pipeline))


def printed_loop_nest(pipeline: hl.Pipeline) -> str:
    """What `print_loop_nest` prints."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            pipeline.print_loop_nest()
        finally:
            os.dup2(before, 2)
            os.close(before)
        file.seek(0)
        return file.read().decode()


def canonical_names(pipeline: hl.Pipeline) -> dict[str, str]:
    """Canonical names of Funcs, by their full names and by what is printed of these."""
    full = canonical_funcs(func_order(pipeline))
    return {name.split("$")[0]: canonical for name, canonical in full.items()} | full


def parse(text: str, canonical: Mapping[str, str] | None = None) -> list[Line]:
    """The lines of a printed loop nest, Halide's or ours; loops by the last part of their names, without suffixes."""
    lines = []
    for line in text.splitlines():
        found = _LOOP.match(line)
        if found:
            word, name, low, high, count = found.groups()
            extent = int(count) if count else int(high) - int(low) + 1 if low else None
            # The name of a loop along which storage slides ends in a dot; it has warm-up iterations before the others.
            sliding = name.endswith(".")
            if word in LOOPS:
                name = name.rstrip(".").split(".")[-1].split("$")[0]
            lines.append(Line(word, (canonical or {}).get(name, name), None if sliding else extent))
    return lines


def allocations(pipeline: hl.Pipeline) -> dict[str, int]:
    """Elements of each Func's allocation in the lowered statement, the largest where there are several; constant ones."""
    found: dict[str, int] = {}
    canonical = canonical_names(pipeline)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lowered.stmt"
        target = hl.Target(f"{TARGET}-no_asserts-no_bounds_query-no_runtime")
        pipeline.compile_to_lowered_stmt(str(path), pipeline.infer_arguments(), hl.StmtOutputFormat.Text, target)
        for name, size in _ALLOCATION.findall(path.read_text()):
            sides = size.split(" * ")
            if all(side.isdigit() for side in sides):
                name = canonical[name]
                found[name] = max(found.get(name, 0), math.prod(int(side) for side in sides))
    return found
