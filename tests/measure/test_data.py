"""Where buffers lie in shared memory: apart from one another, as the pipeline demands, filled as the user said."""

from __future__ import annotations

import os
from itertools import pairwise, product
from typing import Any

import halide as hl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.errors import SizeError
from autosearch.measure.data import (
    PAGE,
    BufferSpec,
    DataSets,
    SharedMemory,
    _strides,
    fill_inputs,
    fill_sets,
    layout_data,
    layout_sets,
    memory_of,
    random_values,
)
from autosearch.pipeline.ir import Type
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET, snapshot_of
from tests.samples import blur

TYPES = [Type(code, bits) for code in ("int", "uint") for bits in (8, 16, 32, 64)]
TYPES += [Type("uint", 1), Type("bfloat", 16), Type("float", 16), Type("float", 32), Type("float", 64)]


def test_buffers_lie_apart_on_pages_of_their_own(sample: str) -> None:
    data = layout_data(snapshot_of(sample))
    buffers = sorted((*data.inputs, *data.outputs), key=lambda buffer: buffer.offset)
    for one, following in pairwise(buffers):
        assert one.offset + one.nbytes + PAGE <= following.offset
    assert all(buffer.offset % PAGE == 0 for buffer in buffers)
    assert buffers[-1].offset + buffers[-1].nbytes <= data.size


def test_tuples_have_a_buffer_for_each_element_and_scalars_none() -> None:
    data = layout_data(snapshot_of("tuples"))
    assert [buffer.name for buffer in data.inputs] == ["image"]
    assert {buffer.name for buffer in data.outputs} == {"left.0", "right.0"}
    assert data.scalars == {"gain": (Type("float", 32), 1.5)}


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(1, 4), st.none() | st.integers(0, 16)), min_size=1, max_size=4))
def test_strides_keep_what_is_demanded_and_never_overlap(dimensions: list[tuple[int, int | None]]) -> None:
    box = tuple((0, size - 1) for size, _ in dimensions)
    known = tuple(stride for _, stride in dimensions)
    try:
        strides = _strides("image", box, known)
    except SizeError as error:
        assert "overlap" in str(error)
        return
    assert all(want in (None, got) for want, got in zip(known, strides, strict=True))
    moving = [(size, stride) for (size, _), stride in zip(dimensions, strides, strict=True) if stride]
    places = [sum(i * stride for i, (_, stride) in zip(at, moving, strict=True))
              for at in product(*(range(size) for size, _ in moving))]  # fmt: skip
    assert len(places) == len(set(places))


def test_strides_are_dense_where_nothing_is_demanded() -> None:
    box = ((0, 9), (0, 4), (0, 2))
    assert _strides("image", box, (None, None, None)) == (1, 10, 50)
    assert _strides("image", box, (3, None, 1)) == (3, 30, 1)  # interleaved colours
    assert _strides("image", box, (1, 16, None)) == (1, 16, 80)  # padded rows
    with pytest.raises(SizeError, match="overlap"):
        _strides("image", box, (1, 5, None))


def test_a_view_starts_at_its_offset_and_has_halides_order() -> None:
    spec = BufferSpec("image", Type("uint", 16), ((5, 7), (0, 1)), (1, 4), 32)
    assert (spec.shape, spec.elements, spec.nbytes) == ((3, 2), 7, 14)
    memory = bytearray(64)
    spec.view(memory)[2, 1] = 0x0102
    assert memory[32 + 2 * 6 : 32 + 2 * 7] == b"\x02\x01" and sum(memory) == 3


def test_inputs_are_the_users_and_the_rest_is_random_by_seed() -> None:
    data = layout_data(snapshot_of("matmul"))
    a = np.arange(40 * 48, dtype=np.float32).reshape(40, 48)
    filled = []
    for seed in (1, 1, 2):
        memory = SharedMemory(data.size)
        fill_inputs(data, memory, {"a": a}, seed)
        views = {buffer.name: buffer.view(memory.map).copy() for buffer in data.inputs}
        assert np.array_equal(views["a"].T, a)
        filled.append(views["b"])
        memory.close()
    assert np.array_equal(filled[0], filled[1]) and not np.array_equal(filled[0], filled[2])
    assert 0.0 <= filled[0].min() < filled[0].max() < 1.0


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_random_values_are_of_every_type_and_vary(kind: Type) -> None:
    values = random_values(kind, (40, 30), np.random.default_rng(0))
    assert values.shape == (40, 30) and len(np.unique(values)) >= min(2**kind.bits, 100)
    if kind.code in ("int", "uint") and kind.bits > 16:
        assert values.min() >= 0 and values.max() < 1024  # sums over large images don't overflow
    numbers = (values.astype(np.uint32) << 16).view(np.float32) if kind.code == "bfloat" else values
    assert np.isfinite(numbers.astype(np.float64)).all()


def test_demanded_strides_are_laid_out() -> None:
    image = hl.ImageParam(hl.UInt(8), 3, "image")
    x, y, c, out = hl.Var("x"), hl.Var("y"), hl.Var("c"), hl.Func("out")
    out[x, y, c] = image[x, y, c] + hl.u8(1)
    image.dim(0).set_stride(3)
    image.dim(2).set_stride(1)
    out.output_buffer().dim(0).set_stride(3)
    out.output_buffer().dim(2).set_stride(1)
    out.set_estimates([(0, 10), (0, 5), (0, 3)])
    data = layout_data(take(out, TARGET))
    assert [buffer.strides for buffer in (*data.inputs, *data.outputs)] == [(3, 30, 1), (3, 30, 1)]


def test_shared_memory_is_given_back() -> None:
    memory = SharedMemory(10)
    view: Any = np.frombuffer(memory.map, np.uint8)
    memory.close()
    with pytest.raises(OSError):
        os.fstat(memory.fd)
    assert view.sum() == 0  # a view that is still alive stays good


def _ranges(sets: DataSets) -> list[tuple[int, int]]:
    """Where each buffer starts, and the guard behind it: each once, though sets share buffers."""
    specs = {one for each in sets for spec in each for one in (*spec.inputs, *spec.outputs)}
    return sorted((one.offset, one.guard) for one in specs)


def test_the_sets_of_inputs_lie_apart_and_differ_as_they_should() -> None:
    sets = layout_sets(snapshot_of("sharpen"))
    assert all(end + PAGE <= start for (_, end), (start, _) in pairwise(_ranges(sets)))
    assert memory_of(sets) == _ranges(sets)[-1][1] + PAGE
    ((timed,), (second,), (odd,), small) = sets
    assert odd.inputs == timed.inputs and small == ()
    assert [one.shape for one in second.outputs] == [one.shape for one in timed.outputs] == [(96, 64, 3)]
    assert [one.shape for one in odd.outputs] == [(95, 63, 3)]


def test_several_sizes_have_sets_of_their_own_with_no_more_input_than_they_need() -> None:
    sets = layout_sets(take(blur, TARGET, sizes=[(10, 8), (40, 20)]))
    assert all(end + PAGE <= start for (_, end), (start, _) in pairwise(_ranges(sets)))
    shapes = [[(spec.inputs[0].shape, spec.outputs[0].shape) for spec in each] for each in sets]
    timed = [((42, 22), (40, 20)), ((12, 10), (10, 8))]
    assert shapes == [timed, timed, [((11, 9), (9, 7))], [((5, 5), (3, 3))]]
    memory = SharedMemory(memory_of(sets))
    fill_sets(sets, memory, {}, seed=3)
    assert all(spec.inputs[0].view(memory.map).any() for each in sets for spec in each)
    memory.close()


def test_the_second_set_has_other_values_and_the_users_in_reverse() -> None:
    sets = layout_sets(snapshot_of("matmul"))
    memory = SharedMemory(memory_of(sets))
    a = np.arange(40 * 48, dtype=np.float32).reshape(40, 48)
    fill_sets(sets, memory, {"a": a}, seed=3)
    values = [{one.name: one.view(memory.map).copy().T for one in spec.inputs} for (spec,) in sets[:3]]
    memory.close()
    assert np.array_equal(values[1]["a"], a[::-1, ::-1]) and np.array_equal(values[2]["a"], a)
    assert not np.array_equal(values[1]["b"], values[0]["b"]) and np.array_equal(values[2]["b"], values[0]["b"])
