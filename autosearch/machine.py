"""The machine that kernels are tuned for and timed on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import halide as hl

from autosearch.errors import TargetError

_DOTS_OF_FOUR = (
    hl.TargetFeature.AVXVNNI, hl.TargetFeature.AVX512_Zen4, hl.TargetFeature.AVX512_SapphireRapids,
    hl.TargetFeature.ARMDotProd,
)  # fmt: skip
"""Extensions with `vpdpbusd` or `sdot`."""


@dataclass(frozen=True)
class Machine:
    """What schedules and their times depend on, besides the pipeline."""

    cpu: str = "unknown"
    cores: int = 2
    vector_bytes: int = 32
    """Of the target's native vector."""
    cache_bytes: tuple[int, ...] = (32 << 10, 512 << 10, 16 << 20)
    """Of the data caches that one core sees, innermost first; always three."""
    vector_registers: int = 16
    dot_products: int = 2
    """Products of integers of 8 bits that one instruction adds up: two, of which the factors are widened first, or four."""

    @property
    def accumulators(self) -> int:
        """Native vectors that may stay in registers while a few others hold operands."""
        return self.vector_registers * 3 // 4


def this_machine(target: hl.Target, threads: int | None = None) -> Machine:
    """The machine that this process runs on, with the vectors of `target`."""
    cores = threads or len(os.sched_getaffinity(0))
    vector_bytes = int(target.natural_vector_size(hl.UInt(8)))
    return Machine(
        _cpu_name(), cores, vector_bytes, cache_bytes(), _vector_registers(target, vector_bytes),
        4 if any(target.has_feature(one) for one in _DOTS_OF_FOUR) else Machine.dot_products,
    )  # fmt: skip


def affinity() -> str:
    """The cores that this process may run on, as in `0-3,8`."""
    cores = sorted(os.sched_getaffinity(0))
    ranges: list[list[int]] = []
    for core in cores:
        if ranges and core == ranges[-1][1] + 1:
            ranges[-1][1] = core
        else:
            ranges.append([core, core])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def read_target(text: str | hl.Target) -> hl.Target:
    """The Halide target meant, for CPUs of any kind. Raises `TargetError`."""
    try:
        target = text if isinstance(text, hl.Target) else hl.Target(text)
    except (hl.HalideError, RuntimeError) as error:
        raise TargetError(
            f"{text!r} is not a Halide target; write 'host' or arch-bits-os-features, such as 'x86-64-linux-avx2'"
        ) from error
    if target.has_gpu_feature():
        raise TargetError(f"target {target} is for a GPU; AutoSearch tunes for CPUs: leave the GPU feature out")
    if not target.supported():
        raise TargetError(f"this build of Halide can't compile for target {target}")
    return target


def parse_target(text: str | hl.Target) -> hl.Target:
    """The Halide target meant, able to run here. Raises `TargetError`."""
    target = read_target(text)
    if not runs_here(target):
        host = hl.get_host_target()
        raise TargetError(f"target {target} can't be run on this machine ({host}), so schedules for it can't be timed")
    return target


def runs_here(target: hl.Target) -> bool:
    """Whether this machine is of the target's kind, its instruction set extensions aside."""
    host = hl.get_host_target()
    return bool((target.arch, target.bits, target.os) == (host.arch, host.bits, host.os))


def _vector_registers(target: hl.Target, vector_bytes: int) -> int:
    """How many the instruction set has: 32 with AVX-512 and on 64-bit Arm, else 16."""
    many = vector_bytes == 64 if target.arch == hl.TargetArch.X86 else target.arch == hl.TargetArch.ARM
    return 32 if many and target.bits == 64 else Machine.vector_registers


def _cpu_name() -> str:
    fields: dict[str, str] = {}
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            if not line.strip():
                break
            fields[key.strip()] = value.strip()
    except OSError:
        return platform.processor() or platform.machine()
    name = fields.get("model name", platform.machine())
    return f"{name} (family {fields.get('cpu family', '?')} model {fields.get('model', '?')})"


def cache_bytes() -> tuple[int, ...]:
    """Sizes of the first, second and third data cache that the first core sees."""
    found: dict[int, int] = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind = (index / "type").read_text().strip()
            level, size = int((index / "level").read_text()), (index / "size").read_text().strip()
        except (OSError, ValueError):
            continue
        if kind != "Instruction" and size.endswith("K") and size[:-1].isdigit():
            found[level] = int(size[:-1]) << 10
    default = Machine.cache_bytes
    return tuple(found.get(level, default[level - 1]) for level in (1, 2, 3))
