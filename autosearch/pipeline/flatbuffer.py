"""Reads the FlatBuffers that Halide serializes pipelines to, by a layout kept as data.

The layout (`halide21_layout.json`) lists enums, unions and tables in slot order, as in Halide's `halide_ir.fbs`.
Only what is needed is here: a reader that turns a table into a `Node`, with the position of each field, so that
`unschedule` can patch the bytes in place. Format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from autosearch.errors import PipelineError

_SCALARS = {
    "bool": "<?",
    "byte": "<b",
    "ubyte": "<B",
    "int8": "<b",
    "uint8": "<B",
    "int": "<i",
    "int32": "<i",
    "int64": "<q",
    "uint64": "<Q",
    "float64": "<d",
}


@dataclass(frozen=True)
class Layout:
    """Which tables there are, and of which type each of their slots is."""

    root: str
    enums: dict[str, str]
    unions: dict[str, list[str]]
    tables: dict[str, list[list[str]]]


@cache
def layout() -> Layout:
    """The layout of Halide 21's serialized pipelines."""
    raw = json.loads(files("autosearch.pipeline").joinpath("halide21_layout.json").read_text())
    enums = {name: enum["type"] for name, enum in raw["enums"].items()}
    return Layout(raw["root"], enums, raw["unions"], raw["tables"])


@cache
def enum_names(name: str) -> dict[int, str]:
    """The names of an enum's values, by value: `enum_names("TailStrategy")[5] == "ShiftInwards"`."""
    raw = json.loads(files("autosearch.pipeline").joinpath("halide21_layout.json").read_text())
    return {value: key for key, value in raw["enums"][name]["values"].items()}


class Node:
    """One decoded table: fields as attributes, `kind` its table name, `at` its position, `slots` those of its fields.

    Absent scalars read as 0, absent strings as "", absent vectors as [], absent tables and undefined expressions as None.
    """

    __slots__ = ("_fields", "at", "kind", "slots")

    def __init__(self, kind: str, at: int, slots: dict[str, int], fields: dict[str, Any]) -> None:
        self.kind = kind
        self.at = at
        self.slots = slots
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        try:
            return self._fields[name]
        except KeyError:
            raise AttributeError(f"{self.kind} has no field {name}") from None

    def field(self, name: str) -> Any:
        """The field `name`, also where that is a word of Python's or an attribute of the node itself."""
        return self._fields[name]

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._fields.items())


def read_pipeline(data: bytes) -> Node:
    """Decode serialized bytes of a pipeline into nested nodes.

    Raises `PipelineError` where the bytes are not what Halide 21 writes.
    """
    try:
        reader = _Reader(data)
        root = reader.table(layout().root, reader.u32(0))
    except (struct.error, IndexError, UnicodeDecodeError, MemoryError, RecursionError, OverflowError) as error:
        raise PipelineError(f"not a pipeline serialized by Halide 21: its bytes can't be decoded ({error})") from None
    if not root.halide_version.startswith("21."):
        raise PipelineError(
            f"the pipeline was serialized by Halide {root.halide_version or '(unknown)'}; serialize it with Halide 21"
        )
    return root


class _Reader:
    """Follows offsets. `budget` bounds the work on bytes that lie about their sizes."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.layout = layout()
        self.budget = 64 * len(data) + 1024

    def u32(self, at: int) -> int:
        return int(struct.unpack_from("<I", self.data, at)[0])

    def indirect(self, at: int) -> int:
        target = at + self.u32(at)
        if target <= at or target >= len(self.data):
            raise IndexError("offset outside the buffer")
        return target

    def string(self, at: int) -> str:
        start = self.indirect(at)
        length = self.u32(start)
        if start + 4 + length > len(self.data):
            raise IndexError("string outside the buffer")
        self.spend(length)
        return self.data[start + 4 : start + 4 + length].decode()

    def spend(self, amount: int) -> None:
        self.budget -= amount + 1
        if self.budget < 0:
            raise MemoryError("too much content for its size")

    def vector(self, at: int, width: int) -> tuple[int, int]:
        start = self.indirect(at)
        length = self.u32(start)
        if start + 4 + length * width > len(self.data):
            raise IndexError("vector outside the buffer")
        self.spend(length)
        return start + 4, length

    def table(self, name: str, at: int) -> Node:
        self.spend(1)
        vtable = at - int(struct.unpack_from("<i", self.data, at)[0])
        if vtable < 0:
            raise IndexError("vtable outside the buffer")
        size = struct.unpack_from("<H", self.data, vtable)[0]

        def position(slot: int) -> int:
            entry = 4 + 2 * slot
            offset = struct.unpack_from("<H", self.data, vtable + entry)[0] if entry < size else 0
            return at + offset if offset else 0

        fields: dict[str, Any] = {}
        slots: dict[str, int] = {}
        slot = 0
        for field, kind, *_ in self.layout.tables[name]:
            element = kind.strip("[]")
            if element in self.layout.unions:
                tag, value = position(slot), position(slot + 1)
                slot += 2
                slots[field] = value
                if kind.startswith("["):
                    fields[field] = self.unions(element, tag, value)
                else:
                    fields[field] = self.union(element, self.data[tag] if tag else 0, value)
                continue
            where = position(slot)
            slot += 1
            slots[field] = where
            fields[field] = self.vector_of(element, where) if kind.startswith("[") else self.value(kind, where)
        return Node(name, at, slots, fields)

    def union(self, name: str, tag: int, at: int) -> Node | None:
        if not tag or not at:
            return None
        members = self.layout.unions[name]
        if tag > len(members):
            raise IndexError(f"unknown member {tag} of {name}")
        member = members[tag - 1]
        return None if member.startswith("Undefined") else self.table(member, self.indirect(at))

    def unions(self, name: str, tags_at: int, values_at: int) -> list[Node | None]:
        if not values_at or not tags_at:
            return []
        tags, count = self.vector(tags_at, 1)
        values, number = self.vector(values_at, 4)
        return [self.union(name, self.data[tags + i], values + 4 * i) for i in range(min(count, number))]

    def scalar(self, kind: str, at: int) -> Any:
        return struct.unpack_from(_SCALARS[self.layout.enums.get(kind, kind)], self.data, at)[0]

    def value(self, kind: str, at: int) -> Any:
        if kind == "string":
            return self.string(at) if at else ""
        if kind in _SCALARS or kind in self.layout.enums:
            return self.scalar(kind, at) if at else 0
        return self.table(kind, self.indirect(at)) if at else None

    def vector_of(self, kind: str, at: int) -> Any:
        if not at:
            return b"" if kind == "uint8" else []
        if kind in _SCALARS or kind in self.layout.enums:
            width = struct.calcsize(_SCALARS[self.layout.enums.get(kind, kind)])
            start, length = self.vector(at, width)
            if kind == "uint8":
                return self.data[start : start + length]
            return [self.scalar(kind, start + width * i) for i in range(length)]
        start, length = self.vector(at, 4)
        if kind == "string":
            return [self.string(start + 4 * i) for i in range(length)]
        return [self.table(kind, self.indirect(start + 4 * i)) for i in range(length)]
