"""Takes the schedule out of a serialized pipeline, so that its algorithm can be scheduled anew.

Halide can't undo a schedule, but the serialized form holds it as data. Offsets in FlatBuffers are relative and point
forward, so new tables are appended and the old fields pointed at them. What a schedule can't be told from stays:
`bound()` of a Func (an algorithm may need it), estimates, and Funcs that `rfactor` made. Wrappers made by `in_()` and
clones are cut off from their consumers and vanish.
"""

from __future__ import annotations

import struct
from typing import Any

from autosearch.errors import PipelineError
from autosearch.pipeline.decode import deep_recursion, root_dim_types
from autosearch.pipeline.flatbuffer import Node, layout, read_pipeline

_INLINED = {"stage_index": -1}


def unschedule(data: bytes, root: Node | None = None) -> bytes:
    """The serialized pipeline `data` as it would be if no directive had ever been applied to it.

    `root`: what `read_pipeline` makes of `data`, where that was done already.
    Raises `PipelineError` where `data` is not a pipeline serialized by Halide 21.
    """
    if root is None:
        with deep_recursion():
            root = read_pipeline(data)
    try:
        return _patched(data, root)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError, struct.error) as error:
        raise PipelineError(f"the serialized pipeline is inconsistent ({type(error).__name__}: {error})") from None


def without_bounds(data: bytes) -> bytes:
    """The serialized pipeline `data` without what it states of bounds (`bound`, `bound_extent`, `align_bounds`)."""
    with deep_recursion():
        root = read_pipeline(data)
    patch = _Patch(data)
    for func in root.funcs:
        patch.empty(func.func_schedule, "bounds")
    return bytes(patch.data)


def _patched(data: bytes, root: Node) -> bytes:
    patch = _Patch(data)
    for func in root.funcs:
        schedule = func.func_schedule
        for level in ("compute_level", "store_level", "hoist_storage_level"):
            patch.point(schedule, level, patch.append("LoopLevel", _INLINED))
        patch.zero(schedule, "memory_type", "memoized", "async")
        patch.undefine(schedule, "ring_buffer", "memoize_eviction_key")
        patch.empty(schedule, "wrappers")
        patch.point(schedule, "storage_dims", patch.append_vector("StorageDim", [{"var": name} for name in func.args]))
        for definition in [func.init_def, *func.updates]:
            if definition is not None:
                _unschedule_stage(patch, definition, func.args)
    return bytes(patch.data)


def is_scheduled(root: Node) -> bool:
    """Whether any directive was applied to the decoded pipeline `root` (estimates and bounds don't count)."""
    for func in root.funcs:
        schedule = func.func_schedule
        if schedule.compute_level.var_name or schedule.store_level.var_name or schedule.hoist_storage_level.var_name:
            return True
        if schedule.memory_type or schedule.memoized or schedule.field("async") or schedule.wrappers:
            return True
        if [dim.var for dim in schedule.storage_dims] != list(func.args):
            return True
        if any(dim.alignment or dim.fold_factor or dim.bound for dim in schedule.storage_dims):
            return True
        for definition in [func.init_def, *func.updates]:
            if definition is None:
                continue
            stage = definition.stage_schedule
            if stage.touched or stage.splits or stage.prefetches or definition.specializations:
                return True
    return False


def _unschedule_stage(patch: _Patch, definition: Node, pure: list[str]) -> None:
    stage = definition.stage_schedule
    patch.empty(definition, "specializations")
    kinds = root_dim_types(stage)
    rvars = [rvar.var for rvar in stage.rvars]
    loops = [name for name in kinds if name in pure or name in rvars]
    dims: list[dict[str, Any]] = [{"var": name, "dim_type": kinds[name]} for name in rvars]
    dims += [{"var": name, "dim_type": 0} for name in pure if name in loops]
    dims.append({"var": "__outermost", "dim_type": 0})
    patch.point(stage, "dims", patch.append_vector("Dim", dims))
    patch.empty(stage, "splits", "prefetches", "fused_pairs")
    patch.zero(stage, "touched", "allow_race_conditions", "atomic", "override_atomic_associativity_test")
    never = {"fuse_level": {**_INLINED, "locked": True}}
    patch.point(stage, "fuse_level", patch.append("FuseLoopLevel", never))


class _Patch:
    """A copy of the bytes to which tables are appended and whose fields are redirected."""

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        self.data.extend(b"\0" * (-len(data) % 8))

    def point(self, node: Node, field: str, target: int) -> None:
        """Make the offset field of `node` refer to `target`."""
        where = node.slots[field]
        if where:
            struct.pack_into("<I", self.data, where, target - where)

    def zero(self, node: Node, *fields: str) -> None:
        """Set one-byte scalar fields to 0."""
        for field in fields:
            if node.slots[field]:
                self.data[node.slots[field]] = 0

    def empty(self, node: Node, *fields: str) -> None:
        """Set the length of vector fields to 0."""
        for field in fields:
            where = node.slots[field]
            if where:
                struct.pack_into("<I", self.data, where + struct.unpack_from("<I", self.data, where)[0], 0)

    def undefine(self, node: Node, *fields: str) -> None:
        """Make expression fields undefined, by way of the tag of their union."""
        for field in fields:
            slot = _slot(node.kind, field)
            vtable = node.at - struct.unpack_from("<i", self.data, node.at)[0]
            entry, size = 4 + 2 * slot, struct.unpack_from("<H", self.data, vtable)[0]
            offset = struct.unpack_from("<H", self.data, vtable + entry)[0] if entry < size else 0
            if offset:
                self.data[node.at + offset] = _UNDEFINED

    def append(self, kind: str, fields: dict[str, Any]) -> int:
        """Append a table, and behind it the strings and tables (given as dicts) that it refers to; return its position."""
        vtable = len(self.data)
        kinds: list[tuple[str, Any]] = []  # one entry a slot: the type to write, and the value
        for field, type_name, *_ in layout().tables[kind]:
            if type_name in layout().unions:
                kinds += [("tag", _UNDEFINED), (_UNDEFINED_TABLE, {})]
            else:
                absent: Any = "" if type_name == "string" else [] if type_name.startswith("[") else None
                kinds.append((type_name, fields.get(field, absent)))
        offsets = [0] * len(kinds)
        size = 4
        for slot, (_, value) in enumerate(kinds):
            if value is not None:
                offsets[slot] = size
                size += 4
        self.data += struct.pack(f"<{2 + len(kinds)}H", 4 + 2 * len(kinds), size, *offsets)
        self.align()
        start = len(self.data)
        self.data += struct.pack("<i", start - vtable) + b"\0" * (size - 4)
        for offset, (type_name, value) in zip(offsets, kinds, strict=True):
            if value is None:
                continue
            where = start + offset
            if type_name == "string":
                target = self.string(value)
            elif type_name.startswith("["):
                target = self.append_vector(type_name.strip("[]"), value)
            elif type_name in layout().tables:
                target = self.append(type_name, value)
            else:
                struct.pack_into("<i", self.data, where, int(value))
                continue
            struct.pack_into("<I", self.data, where, target - where)
        return start

    def append_vector(self, kind: str, elements: list[dict[str, Any]]) -> int:
        """Append a vector of tables and return its position."""
        self.align()
        start = len(self.data)
        self.data += struct.pack("<I", len(elements)) + b"\0" * (4 * len(elements))
        for place, fields in enumerate(elements):
            where = start + 4 + 4 * place
            struct.pack_into("<I", self.data, where, self.append(kind, fields) - where)
        return start

    def string(self, text: str) -> int:
        self.align()
        start = len(self.data)
        content = text.encode()
        self.data += struct.pack("<I", len(content)) + content + b"\0"
        self.align()
        return start

    def align(self) -> None:
        self.data += b"\0" * (-len(self.data) % 4)


_UNDEFINED_TABLE = "UndefinedExpr"
_UNDEFINED = layout().unions["Expr"].index(_UNDEFINED_TABLE) + 1


def _slot(kind: str, field: str) -> int:
    slot = 0
    for name, type_name, *_ in layout().tables[kind]:
        if name == field:
            return slot
        slot += 2 if type_name.strip("[]") in layout().unions else 1
    raise KeyError(field)
