"""A snapshot as JSON, so that a log holds the pipeline that it is of, and back.

What comes back from a file is Halide's own bytes, which Halide trusts: they are checked here, and loaded first in a
process that may die of it. Pipelines that call functions outside of Halide are not stored, and not taken from a file.
"""

from __future__ import annotations

import base64
import binascii
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import halide as hl

from autosearch.errors import PipelineError
from autosearch.pipeline.decode import decode_algorithm, deep_recursion
from autosearch.pipeline.fingerprint import fingerprint
from autosearch.pipeline.flatbuffer import Node, enum_names, read_pipeline
from autosearch.pipeline.parameters import from_json
from autosearch.pipeline.sizes import Sizes
from autosearch.pipeline.snapshot import Snapshot, func_order, output_constraints
from autosearch.pipeline.source import rehearse
from autosearch.pipeline.unschedule import is_scheduled, unschedule

_MOST_BYTES = 1 << 28
_MATH = re.compile(
    r"^(?:a?(?:sin|cos|tan)h?|atan2|sqrt|exp|log|pow|floor|ceil|round|trunc|fast_inverse(?:_sqrt)?|"
    r"is_(?:nan|inf|finite))_f(?:16|32|64)$"
)
"""Functions outside of the pipeline that Halide brings along."""


def store(snapshot: Snapshot) -> dict[str, Any] | None:
    """The snapshot as JSON, its sizes aside; None where it calls functions outside of Halide."""
    if any(foreign_calls(read_pipeline(snapshot.data))):
        return None
    content = {
        "data": _pack(snapshot.data),
        "inputs": snapshot.parameters.to_json(),
        "expressions": _pack(snapshot.parameters.expressions),
    }
    return content if snapshot.given is None else {**content, "given": _pack(snapshot.given)}


def restore(content: Mapping[str, Any], sizes: Any, expected: str) -> Snapshot:
    """The inverse of `store`, for an algorithm whose fingerprint is `expected`. Raises `PipelineError` or `SizeError`."""
    data, expressions = _unpack(content, "data"), _unpack(content, "expressions")
    given = _unpack(content, "given") if "given" in content else None
    with deep_recursion():
        for each in (data, expressions, given):
            if each:
                _check(each)
        root = read_pipeline(data)
        parameters = from_json(content.get("inputs"), expressions)
        try:
            order = func_order(hl.deserialize_pipeline(data, parameters.restore()))
        except (hl.HalideError, RuntimeError, TypeError, ValueError) as error:
            raise PipelineError(f"Halide can't load the stored pipeline: {str(error).splitlines()[0]}") from None
        algorithm = decode_algorithm(root, order)
        if fingerprint(algorithm) != expected:
            raise PipelineError("the stored pipeline is not the one that its record names: the log is damaged")
        found = Sizes.from_json(sizes)
        needed = {one.name: one.dimensions for one in algorithm.inputs if one.dimensions is not None}
        needed |= {image.name: len(image.box) for image in algorithm.images}
        outputs = {name: len(algorithm.func(name).args) for name in algorithm.outputs}
        ranks = [{name: len(box) for name, box in boxes.items()} for boxes in (found.inputs, found.outputs)]
        if ranks[1] != outputs or any(ranks[0].get(name) != rank for name, rank in needed.items()):
            raise PipelineError(
                "the stored pipeline's sizes are not those of its inputs and outputs: the log is damaged"
            )
        _, strides = output_constraints(root, algorithm)
        bare = unschedule(data) if is_scheduled(root) else data
        return Snapshot(bare, given, algorithm, parameters, found, strides)


def _check(data: bytes) -> None:
    """Raise `PipelineError` where loading these bytes, or running what is in them, could do harm."""
    calls = sorted(set(foreign_calls(read_pipeline(data))))
    if calls:
        raise PipelineError(f"the stored pipeline calls {calls[0]!r}, which is not of Halide: pass the pipeline itself")
    with tempfile.NamedTemporaryFile(suffix=".hlpipe") as file:
        file.write(data)
        file.flush()
        rehearse(Path(file.name), "the stored pipeline")


def foreign_calls(node: Node) -> Iterator[str]:
    """Names of the functions outside of Halide that a decoded pipeline calls."""
    kinds = enum_names("CallType")
    stack: list[Any] = [node]
    while stack:
        one = stack.pop()
        if isinstance(one, list):
            stack += one
        elif isinstance(one, Node):
            if one.kind == "Func" and one.extern_function_name:
                yield one.extern_function_name
            if one.kind == "Call" and "Extern" in kinds[one.call_type] and not _MATH.match(one.name):
                yield one.name
            stack += [value for _, value in one]


def _pack(data: bytes) -> str:
    return base64.b85encode(zlib.compress(data, 9)).decode()


def _unpack(content: Mapping[str, Any], key: str) -> bytes:
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b85decode(content[key]), _MOST_BYTES)
    except (KeyError, TypeError, ValueError, binascii.Error, zlib.error) as error:
        raise PipelineError(f"the stored pipeline is malformed: {type(error).__name__} {error}") from None
    if not inflate.eof:
        raise PipelineError("the stored pipeline is cut off, or larger than any pipeline should be")
    return data
