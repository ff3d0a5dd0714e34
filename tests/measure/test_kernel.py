"""Kernels on guarded buffers: what is written outside, or not written at all, shows; times come as asked for."""

from __future__ import annotations

import mmap
from collections.abc import Iterator

import numpy as np
import pytest

from autosearch.measure.check import Tolerance, derive_tolerance
from autosearch.measure.data import GUARD, layout_data
from autosearch.measure.kernel import Bench, CandidateError, Source, time_kernel
from autosearch.measure.protocol import Candidate, Effort, Failure
from autosearch.pipeline.ir import Algorithm
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, snapshot_of
from tests.made import TILED
from tests.measure.local_runner import ONCE, local_runner

ROUNDED_UP = Candidate(Schedule.from_json([["blur_y", "split", "x", "xo", "xi", 64, "RoundUp"]]))
"""Computes 128 of 96 columns."""


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Buffers for the sample `blur`, with zeros as inputs and reference."""
    spec = layout_data(snapshot_of("blur"))
    with mmap.mmap(-1, spec.size) as memory:
        bench = Bench(spec, memory, Tolerance(0.0))
        yield bench
        del bench.buffers["image"]


def test_an_output_left_as_it_was_is_wrong(bench: Bench) -> None:
    bench.poison()
    with pytest.raises(CandidateError, match="6144 of 6144 elements are wrong") as raised:
        bench.verify()
    assert raised.value.failure is Failure.WRONG


@pytest.mark.parametrize("place", [0, GUARD - 1, -1, -GUARD])
def test_a_byte_written_outside_of_an_output_is_found(bench: Bench, place: int) -> None:
    bench.poison()
    bench.outputs[0].array[...] = 0
    bench.verify()
    bench.outputs[0].bytes[place] ^= 1
    with pytest.raises(CandidateError, match="outside of output blur_y") as raised:
        bench.verify()
    assert raised.value.failure is Failure.BOUNDS


def test_kernels_that_write_outside_are_found_even_where_halide_doesn_t_look() -> None:
    with local_runner("blur", target=f"{TARGET}-no_asserts") as runner:
        timed = runner.run(runner.build([ROUNDED_UP])[0], ONCE)
        assert timed.failure is Failure.BOUNDS and "outside of output" in timed.message
    with local_runner("blur") as runner:
        timed = runner.run(runner.build([ROUNDED_UP])[0], ONCE)
        assert timed.failure is Failure.BOUNDS and "is accessed at" in timed.message


def test_outputs_with_a_minimum_and_scalars_arrive_as_they_should(bench: Bench) -> None:
    snapshot = snapshot_of("tuples")
    spec = layout_data(snapshot)
    with mmap.mmap(-1, spec.size) as memory:
        inputs = spec.inputs[0].view(memory)
        inputs[...] = np.arange(inputs.size).reshape(inputs.shape)
        expected = (inputs[:, 1:] * 1.5).astype(np.float32)
        del inputs
        tuples = Bench(spec, memory, derive_tolerance(snapshot.flow))
        source = Source(
            snapshot.data, snapshot.parameters, snapshot.algorithm, snapshot.sizes, str(TARGET), tuples.tolerance
        )
        call = source.compile(Candidate(Schedule())).on(tuples.arguments(snapshot.algorithm))
        timed = time_kernel(call, tuples, ONCE, publish=True)
        assert timed.failure is None
        right = next(one for one in tuples.outputs if one.spec.name == "right.0")
        assert np.array_equal(right.array[:, 1:], expected)
        del tuples.buffers["image"]


class Counted:
    """A stand-in for a kernel that only counts its calls: timing is tested, not Halide."""

    def __init__(self) -> None:
        self.calls = 0

    def repeat(self, times: int) -> None:
        self.calls += times

    def overhead(self, algorithm: Algorithm, target: str) -> float:
        return 0.0


class Broken(Counted):
    def repeat(self, times: int) -> None:
        raise RuntimeError("Error: halide_malloc returned nullptr\n")


def test_effort_says_how_many_samples(bench: Bench) -> None:
    counted = Counted()
    effort = Effort(samples=7, seconds=10.0, sample_seconds=0.0, check=False)
    timed = time_kernel(counted, bench, effort, publish=False)
    assert len(timed.times) == 7 and counted.calls == 8  # one call to warm up


def test_short_kernels_are_called_many_times_a_sample(bench: Bench) -> None:
    counted = Counted()
    effort = Effort(samples=1, seconds=10.0, sample_seconds=0.001, check=False)
    timed = time_kernel(counted, bench, effort, publish=False)
    assert len(timed.times) == 1 and counted.calls > 10


def test_time_spent_ends_sampling_once_there_are_enough(bench: Bench) -> None:
    effort = Effort(samples=1000, seconds=0.0, min_samples=3, sample_seconds=0.0, check=False)
    timed = time_kernel(Counted(), bench, effort, publish=False)
    assert 1 <= len(timed.times) <= 3


def test_errors_of_a_kernel_are_failures(bench: Bench) -> None:
    timed = time_kernel(Broken(), bench, ONCE, publish=False)
    assert timed.failure is Failure.MEMORY and timed.message == "Error: halide_malloc returned nullptr"


def test_compiling_says_what_is_wrong_with_a_candidate() -> None:
    snapshot = snapshot_of("blur")
    source = Source(snapshot.data, snapshot.parameters, snapshot.algorithm, snapshot.sizes, str(TARGET), Tolerance(0.0))
    assert source.compile(Candidate(TILED)) is not None
    with pytest.raises(CandidateError, match="no Func 'nobody'") as raised:
        source.compile(Candidate(Schedule.from_json([["nobody", "compute_root"]])))
    assert raised.value.failure is Failure.ILLEGAL
