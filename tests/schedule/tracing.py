"""What a kernel really does, as Halide's tracing tells it: each store, load and allocation, counted as it runs."""

from __future__ import annotations

import os
import struct
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import halide as hl
import numpy as np

from autosearch.pipeline.bounds import extents
from autosearch.pipeline.snapshot import Snapshot, numpy_type
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET
from tests.schedule.oracle import canonical_names, scheduled

_HEADER = struct.Struct("<IiBBHiiii")  # size, id, type (code, bits, lanes), event, parent, element of tuple, dimensions
_LOAD, _STORE, _ALLOCATE = 0, 1, 2


@dataclass
class Trace:
    """By Func or input: how often it was evaluated, where it was read, what was allocated of it."""

    stores: Counter[str] = field(default_factory=Counter)
    loaded: dict[str, set[tuple[int, ...]]] = field(default_factory=dict)
    allocated: dict[str, list[int]] = field(default_factory=dict)
    """Elements of each allocation."""


def trace(snapshot: Snapshot, schedule: Schedule) -> Trace:
    """Compile and run a schedule on zeros at the sizes tuned for; all events of that run."""
    target = hl.Target(f"{TARGET}-trace_loads-trace_stores-trace_realizations")
    path = Path(_folder().name) / "events"
    pipeline = scheduled(snapshot, schedule)
    names = canonical_names(pipeline)
    call = pipeline.compile_to_callable(pipeline.infer_arguments(), target)
    by_name = {one.name: one for one in snapshot.algorithm.inputs}
    arguments: list[object] = []
    for argument in pipeline.infer_arguments():
        one = by_name[argument.name]
        if one.dimensions is None:
            arguments.append(1.0 if one.type.is_float else 1)
        else:
            shape = extents(snapshot.sizes.inputs[one.name])
            arguments.append(hl.Buffer(np.zeros(tuple(reversed(shape)), numpy_type(one.type))))
    for name in snapshot.algorithm.outputs:
        for kind in snapshot.algorithm.func(name).types:
            shape = extents(snapshot.sizes.outputs[name])
            arguments.append(hl.Buffer(np.zeros(tuple(reversed(shape)), numpy_type(kind))))
    start = path.stat().st_size if path.exists() else 0
    call(*arguments)
    with path.open("rb") as file:
        file.seek(start)
        return _read(file.read(), names)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """Where this process's events go: Halide's runtime asks once. It is gone when the process ends."""
    folder = tempfile.TemporaryDirectory()
    os.environ["HL_TRACE_FILE"] = str(Path(folder.name) / "events")
    return folder


def _read(data: bytes, names: dict[str, str]) -> Trace:
    found, at = Trace(), 0
    while at < len(data):
        size, _, _, bits, lanes, event, _, element, dimensions = _HEADER.unpack_from(data, at)
        if event <= _ALLOCATE and element == 0:
            place = at + _HEADER.size
            coordinates = struct.unpack_from(f"<{dimensions}i", data, place)
            place += 4 * dimensions + (lanes * ((bits + 7) // 8) if event != _ALLOCATE else 0)
            name = data[place : data.index(b"\0", place)].decode()
            name = names.get(name, name)
            if event == _STORE:
                found.stores[name] += lanes
            elif event == _LOAD:
                each = [coordinates[d * lanes : (d + 1) * lanes] for d in range(dimensions // lanes)]
                found.loaded.setdefault(name, set()).update(zip(*each, strict=True))
            else:
                found.allocated.setdefault(name, []).append(int(np.prod(coordinates[1::2])))
        at += size
    return found
