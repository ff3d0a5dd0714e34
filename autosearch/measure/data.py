"""The buffers that kernels run on: inputs and reference outputs in memory that all workers share.

The memory has no name in the file system, so nothing is left behind however the processes end.
"""

from __future__ import annotations

import math
import mmap
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng  # here, for to be interrupted while it loads would go unnoticed

from autosearch.errors import SizeError
from autosearch.measure.protocol import Inputs
from autosearch.pipeline.access import Box
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.intervals import constant_value
from autosearch.pipeline.ir import Type
from autosearch.pipeline.sizes import CHANNELS, Sizes
from autosearch.pipeline.snapshot import Snapshot, numpy_type

PAGE = mmap.PAGESIZE
GUARD = 4096
"""Bytes before and after each output that a kernel must leave alone."""


@dataclass(frozen=True)
class BufferSpec:
    """One buffer in shared memory: dimensions in Halide's order (innermost first), strides in elements."""

    name: str
    type: Type
    box: Box
    strides: tuple[int, ...]
    offset: int

    @property
    def shape(self) -> tuple[int, ...]:
        return extents(self.box)

    @property
    def elements(self) -> int:
        """Elements from the first to the last, gaps included."""
        return 1 + sum((size - 1) * stride for size, stride in zip(self.shape, self.strides, strict=True))

    @property
    def nbytes(self) -> int:
        return self.elements * numpy_type(self.type).itemsize

    @property
    def guard(self) -> int:
        """Where the page behind it starts, which nobody may touch."""
        return self.offset + -(-self.nbytes // PAGE) * PAGE

    def view(self, memory: Any, offset: int | None = None) -> np.ndarray[Any, Any]:
        """The buffer as an array in Halide's order of dimensions."""
        kind = numpy_type(self.type)
        strides = tuple(stride * kind.itemsize for stride in self.strides)
        return np.ndarray(self.shape, kind, memory, self.offset if offset is None else offset, strides)


@dataclass(frozen=True)
class DataSpec:
    """All buffers of one set of inputs: where they lie in the shared memory, and the values of scalars."""

    inputs: tuple[BufferSpec, ...]
    outputs: tuple[BufferSpec, ...]
    scalars: Mapping[str, tuple[Type, float]]
    size: int
    """Of the shared memory, up to the end of these buffers, in bytes."""


class SharedMemory:
    """Anonymous memory shared with child processes by its file descriptor."""

    def __init__(self, size: int) -> None:
        self.size = max(size, PAGE)
        if hasattr(os, "memfd_create"):
            self.fd = os.memfd_create("autosearch")
        else:
            with tempfile.TemporaryFile() as file:
                self.fd = os.dup(file.fileno())
        os.ftruncate(self.fd, self.size)
        self.map = mmap.mmap(self.fd, self.size)

    def close(self) -> None:
        """Give the memory back."""
        try:
            self.map.close()
        except BufferError:
            pass  # a view of it is still alive; the memory goes with that
        os.close(self.fd)


def layout_data(snapshot: Snapshot, offset: int = 0) -> DataSpec:
    """Where inputs and reference outputs of `snapshot` lie, at the (largest) size tuned for, from `offset` on."""
    specs: list[BufferSpec] = []
    scalars: dict[str, tuple[Type, float]] = {}

    def add(name: str, kind: Type, box: Box, strides: tuple[int, ...]) -> None:
        nonlocal offset
        spec = BufferSpec(name, kind, box, strides, offset)
        specs.append(spec)
        offset = spec.guard + PAGE

    for one in snapshot.algorithm.inputs:
        if one.dimensions is None:
            scalars[one.name] = (one.type, snapshot.sizes.scalars[one.name])
        else:
            box = snapshot.sizes.inputs[one.name]
            add(one.name, one.type, box, _input_strides(snapshot, one.name, box))
    count = len(specs)
    for name in snapshot.algorithm.outputs:
        func = snapshot.algorithm.func(name)
        box = snapshot.sizes.outputs[name]
        for index, kind in enumerate(func.types):
            known = snapshot.output_strides.get(name, (None,) * len(box))
            add(f"{name}.{index}", kind, box, _strides(name, box, known))
    return DataSpec(tuple(specs[:count]), tuple(specs[count:]), scalars, offset)


DataSets = tuple[tuple[DataSpec, ...], ...]
"""For each of `Inputs`, in order, a set at each size; none where there is no such size."""


def layout_sets(snapshot: Snapshot) -> DataSets:
    """All sets of inputs and their reference outputs."""
    sizes, offset = snapshot.sizes, 0

    def laid_out(wanted: Sequence[Sizes | None]) -> tuple[DataSpec, ...]:
        nonlocal offset
        found = []
        for one in wanted:
            if one is not None:
                found.append(layout_data(replace(snapshot, sizes=one), offset))
                offset = found[-1].size
        return tuple(found)

    timed, second = laid_out(sizes.each), laid_out(sizes.each)
    if sizes.others:
        return timed, second, laid_out([sizes.odd]), laid_out([sizes.small])
    return timed, second, (_smaller(timed[0], offset),), ()


def memory_of(sets: DataSets) -> int:
    """Bytes of shared memory that they take."""
    return max(one.size for each in sets for one in each)


def _smaller(spec: DataSpec, offset: int) -> DataSpec:
    """The same inputs with outputs of odd extents, from `offset` on."""
    outputs: list[BufferSpec] = []
    for one in spec.outputs:
        outputs.append(replace(one, box=tuple(_odd(*limits) for limits in one.box), offset=offset))
        offset = outputs[-1].guard + PAGE
    return replace(spec, outputs=tuple(outputs), size=offset)


def _odd(low: float, high: float) -> tuple[float, float]:
    """The range with its end moved down to the next odd extent; channels stay."""
    extent = high - low + 1
    return (low, high) if extent <= CHANNELS else (low, high - (1 if extent % 2 == 0 else 2))


def _input_strides(snapshot: Snapshot, name: str, box: Box) -> tuple[int, ...]:
    bindings = snapshot.flow.bindings
    known: list[int | None] = []
    for dimension in range(len(box)):
        expr = snapshot.parameters.get(name, "stride_constraint", dimension)
        value = constant_value(expr, bindings) if expr is not None else None
        known.append(int(value) if value is not None else None)
    return _strides(name, box, tuple(known))


def _strides(name: str, box: Box, known: tuple[int | None, ...]) -> tuple[int, ...]:
    """Strides (in elements) that keep those demanded and are dense otherwise."""
    shape = extents(box)
    strides = [0] * len(shape)
    reach = 1
    fixed = sorted((stride, d) for d, stride in enumerate(known) if stride is not None)
    free = [d for d, stride in enumerate(known) if stride is None]
    for stride, dimension in fixed:
        while free and reach * shape[free[0]] <= stride and free[0] < dimension:
            place = free.pop(0)
            strides[place] = reach
            reach *= shape[place]
        if stride < reach and shape[dimension] > 1 and stride != 0:
            raise SizeError(f"the strides demanded of {name!r} make its elements overlap at these sizes")
        strides[dimension] = stride
        reach = max(reach, stride * shape[dimension])
    for place in free:
        strides[place] = reach
        reach *= shape[place]
    return tuple(strides)


def fill_sets(sets: DataSets, memory: SharedMemory, given: Mapping[str, Any], seed: int) -> None:
    """Fill all sets: the second with other random values, and the user's arrays in the reverse order, whose values
    are as good (an index stays within its range)."""
    reverse = {name: np.flip(np.asarray(array)) for name, array in given.items() if np.ndim(array)}
    for kind, each in zip(Inputs, sets, strict=True):
        for spec in each:
            if kind is Inputs.SECOND:
                fill_inputs(spec, memory, reverse, seed + 1)
            elif kind is Inputs.TIMED or spec.inputs != sets[0][0].inputs:
                fill_inputs(spec, memory, given, seed)


def fill_inputs(spec: DataSpec, memory: SharedMemory, given: Mapping[str, Any], seed: int) -> None:
    """Write the user's arrays, and random values where none was given, into the shared memory."""
    generator = default_rng(seed)
    for buffer in spec.inputs:
        view = buffer.view(memory.map)
        if buffer.name in given:
            view[...] = np.asarray(given[buffer.name]).transpose()
        else:
            view[...] = random_values(buffer.type, buffer.shape, generator)
        del view


def random_values(kind: Type, shape: tuple[int, ...], generator: Generator) -> np.ndarray[Any, Any]:
    """Random elements: all values of narrow integers, 0 to 1023 of wide ones (so that sums don't overflow), [0, 1) floats."""
    count = math.prod(shape)
    flat: np.ndarray[Any, Any]
    if kind.code == "float":
        flat = generator.random(count, np.float32 if kind.bits <= 32 else np.float64)
    elif kind.code == "bfloat":
        flat = (generator.random(count, np.float32).view(np.uint32) >> 16).astype(np.uint16)
    elif kind.bits == 1:
        flat = generator.integers(0, 2, count)
    elif kind.bits <= 16:
        low, high = kind.range
        flat = generator.integers(int(low), int(high) + 1, count)
    else:
        flat = generator.integers(0, 1024, count)
    return flat.astype(numpy_type(kind), copy=False).reshape(shape, order="F")
