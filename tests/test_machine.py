"""The machine, and the targets that it can run."""

from __future__ import annotations

import os

import halide as hl
import pytest

from autosearch.errors import TargetError
from autosearch.machine import Machine, affinity, parse_target, this_machine
from tests.conftest import TARGET


def test_this_machine_is_described() -> None:
    machine = this_machine(TARGET)
    assert machine.cpu and machine == this_machine(TARGET)
    assert machine.cores == len(os.sched_getaffinity(0))
    assert machine.vector_bytes == TARGET.natural_vector_size(hl.UInt(8))
    first, second, third = machine.cache_bytes
    assert 4 << 10 <= first <= second <= third


def test_threads_may_be_fewer() -> None:
    assert this_machine(TARGET, threads=1).cores == 1


def test_vectors_are_the_targets() -> None:
    host = hl.get_host_target()
    plain = hl.Target(host.os, host.arch, host.bits, [])
    assert this_machine(plain).vector_bytes <= this_machine(TARGET).vector_bytes


def test_targets_as_text_or_object() -> None:
    assert parse_target("host") == TARGET
    assert parse_target(TARGET) == TARGET
    assert parse_target("host-no_asserts").has_feature(hl.TargetFeature.NoAsserts)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hots", "'hots' is not a Halide target; write 'host'"),
        ("x86-64-linux-avx99", "is not a Halide target"),
        ("host-avx99", "is not a Halide target"),
        ("arm-64-android", "can't be run on this machine"),
        ("riscv-64-linux", "can't be run on this machine"),
        ("wasm-32-wasmrt", "can't be run on this machine"),
        ("host-cuda", "leave the GPU feature out"),
        ("host-opencl", "leave the GPU feature out"),
    ],
)
def test_targets_that_can_t_be_tuned_for_are_refused(text: str, says: str) -> None:
    with pytest.raises(TargetError, match=says) as raised:
        parse_target(text)
    assert "\n" not in str(raised.value)


def test_a_machine_has_sensible_defaults() -> None:
    assert Machine() == Machine("unknown", 2, 32, (32 << 10, 512 << 10, 16 << 20), 16, 2)


@pytest.mark.parametrize(
    ("target", "products"),
    [("x86-64-linux-avx2", 2), ("x86-64-linux-avx512_skylake", 2), ("x86-64-linux-avx512_zen4", 4),
     ("x86-64-linux-avx2-avxvnni", 4), ("arm-64-linux", 2), ("arm-64-linux-arm_dot_prod", 4)],
)  # fmt: skip
def test_some_instruction_sets_add_up_four_products(target: str, products: int) -> None:
    assert this_machine(hl.Target(target)).dot_products == products


@pytest.mark.parametrize(
    ("target", "registers"), [("x86-64-linux-avx2", 16), ("x86-64-linux-avx512_skylake", 32), ("arm-64-linux", 32)]
)
def test_wider_instruction_sets_have_more_registers(target: str, registers: int) -> None:
    machine = this_machine(hl.Target(target))
    assert machine.vector_registers == registers and 0 < machine.accumulators < registers


@pytest.mark.parametrize(("cores", "text"), [({0}, "0"), ({0, 1}, "0-1"), ({0, 2, 3, 4, 9}, "0,2-4,9")])
def test_the_cores_that_may_be_used_are_told(monkeypatch: pytest.MonkeyPatch, cores: set[int], text: str) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    assert affinity() == text
