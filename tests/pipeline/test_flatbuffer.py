"""Reading serialized pipelines, also ones that are not."""

from __future__ import annotations

import halide as hl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.errors import PipelineError
from autosearch.pipeline.decode import decode_algorithm
from autosearch.pipeline.flatbuffer import enum_names, read_pipeline
from autosearch.pipeline.snapshot import func_order
from tests.samples import blur, histogram

DATA = hl.serialize_pipeline(hl.Pipeline([histogram()]))


def test_reads_what_halide_writes() -> None:
    root = read_pipeline(DATA)
    assert {name.split("$")[0] for name in root.func_names_in_order} == {"hist", "cdf", "out", "image_im"}
    assert root.halide_version.startswith("21.")


def test_enum_names_are_halides() -> None:
    for value, name in enum_names("TailStrategy").items():
        if name not in ("Auto",):
            assert int(getattr(hl.TailStrategy, name)) == value


@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PipelineError):
        read_pipeline(data)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(DATA) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_damaged_pipelines_never_crash_the_reader(damage: list[tuple[int, int]]) -> None:
    data = bytearray(DATA)
    for place, value in damage:
        data[place] = value
    try:
        root = read_pipeline(bytes(data))
        decode_algorithm(root, tuple(root.func_names_in_order))
    except PipelineError:
        pass


@settings(max_examples=50, deadline=None)
@given(st.integers(0, len(DATA) - 1))
def test_cut_off_pipelines_are_refused_or_read(length: int) -> None:
    try:
        read_pipeline(DATA[:length])
    except PipelineError:
        pass


def test_another_halide_version_is_named() -> None:
    data = hl.serialize_pipeline(hl.Pipeline([blur()]))
    with pytest.raises(PipelineError, match=r"Halide 20\.0\.0"):
        read_pipeline(data.replace(b"21.0.0", b"20.0.0"))


def test_order_of_funcs_is_producers_first() -> None:
    pipeline = hl.Pipeline([blur()])
    names = [name.split("$")[0] for name in func_order(pipeline)]
    assert names == ["image_im", "blur_x", "blur_y"]
