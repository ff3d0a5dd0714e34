"""Digests of Funcs' definitions as the exported C++ header takes them: of everything that tells one from another.

Both sides write a definition out as text: arguments and values, range and predicate of the reduction domain, each
expression parents first, with the exact bits of floats and a digest of constant images. Here it is read from Halide's
serialized form, in the header (`check.h.txt`) from Halide's own objects.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

import numpy as np

from autosearch.export.signature import digest_of, plain_name
from autosearch.pipeline.decode import deep_recursion
from autosearch.pipeline.flatbuffer import Node, read_pipeline
from autosearch.pipeline.snapshot import Snapshot

_TYPED = frozenset(["IntImm", "UIntImm", "FloatImm", "Cast", "Reinterpret", "Variable", "Call"])


def definition_digests(snapshot: Snapshot) -> list[str]:
    """One digest a Func, producers first, as 16 hexadecimal digits."""
    with deep_recursion():
        root = read_pipeline(snapshot.data)
        funcs = {func.name: func for func in root.funcs}
        images = {image.name: _image(image) for image in root.buffers if image.defined}
        return [digest_of(_text(funcs[name], images)) for name in snapshot.algorithm.halide_names]


def _text(func: Node, images: Mapping[str, str]) -> str:
    lines = [plain_name(func.name), str(len(func.args)), *(_type(one) for one in func.output_types)]
    if func.extern_function_name:
        return "\n".join([*lines, func.extern_function_name])
    lines += func.args
    for definition in (func.init_def, *func.updates):
        for expr in (*definition.args, *definition.values):
            lines.append("".join(_words(expr, images)))
        for rvar in definition.stage_schedule.rvars:
            lines.append("".join((rvar.var, *_words(rvar.min, images), *_words(rvar.extent, images))))
        lines.append("".join(_words(definition.predicate, images)))
    return "\n".join(lines)


def _words(expr: Node, images: Mapping[str, str]) -> Iterator[str]:
    """An expression, parents first, a blank before each word."""
    kind = expr.kind
    yield f" {kind}"
    if kind in _TYPED:
        yield _type(expr.type)
    if kind in ("IntImm", "UIntImm", "StringImm"):
        yield f" {expr.value}"
    elif kind == "FloatImm":
        yield f" {struct.unpack('<Q', struct.pack('<d', expr.value))[0]}"
    elif kind in ("Variable", "Let"):
        yield f" {expr.name}"
    elif kind == "Call":
        yield f" {expr.name} {expr.value_index}"
        yield images.get(expr.image_name, "")
    for _, value in expr:
        if isinstance(value, Node) and value.kind not in ("Type", "ReductionDomain"):
            yield from _words(value, images)
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, Node):
                    yield from _words(one, images)


def _type(node: Node) -> str:
    return f" {node.code}:{node.bits}"


def _image(buffer: Node) -> str:
    """Where a constant image lies, and a digest of its values, the first dimension innermost."""
    extents = [dim.extent for dim in buffer.dims]
    size = (buffer.type.bits + 7) // 8
    strides = [dim.stride * size for dim in buffer.dims]
    values = np.ndarray(extents, f"V{size}", bytes(buffer.data), 0, strides)
    box = "".join(f" {dim.min} {dim.extent}" for dim in buffer.dims)
    return f"{box} {digest_of(values.tobytes('F'))}"
