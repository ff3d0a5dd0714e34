"""The messages between `LocalRunner` and its worker processes."""

from __future__ import annotations

from dataclasses import dataclass

from autosearch.measure.data import DataSets
from autosearch.measure.kernel import Source
from autosearch.measure.protocol import Candidate, Effort, Failure, Inputs


@dataclass(frozen=True)
class Setup:
    """First message to a worker: what it works on."""

    source: Source
    data: DataSets
    memory_bytes: int
    runtime: str
    """The library to link kernels with, see `autosearch.toolchain.runtime_library`; "": compile them in memory."""


@dataclass(frozen=True)
class BuildRequest:
    """Compile a candidate and keep it under a number."""

    kernel: int
    candidate: Candidate
    library: str = ""
    """What was linked of the same candidate before; "": compile it."""


@dataclass(frozen=True)
class RunRequest:
    """Time a kernel on one of the sets of inputs; with `publish`, make its output the reference."""

    kernel: int
    effort: Effort
    inputs: Inputs = Inputs.TIMED
    publish: bool = False


@dataclass(frozen=True)
class UnknownKernel:
    """The answer to a `RunRequest` that came to a process started since its kernel was built."""


@dataclass(frozen=True)
class ReleaseRequest:
    """Forget kernels."""

    kernels: tuple[int, ...]


@dataclass(frozen=True)
class BuildReply:
    """How compiling went."""

    seconds: float
    failure: Failure | None = None
    message: str = ""
    library: str = ""
    """What it was linked as, for other processes; "" where it was compiled in memory."""
