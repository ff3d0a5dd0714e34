"""What a measurement is asked for and answers: the data that crosses between tuner, runner and worker processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from autosearch.schedule.schedule import Schedule


class Failure(Enum):
    """Why a candidate has no time."""

    ILLEGAL = "illegal"
    """Halide refused a directive, or the schedule at lowering."""
    COMPILE = "compile"
    """The compiler failed otherwise."""
    COMPILE_TIMEOUT = "compile-timeout"
    RUN_TIMEOUT = "run-timeout"
    MEMORY = "memory"
    """It needed more memory than the limit."""
    BOUNDS = "bounds"
    """It asked for more of an input, or wrote more of an output, than there is."""
    RUNTIME = "runtime"
    """The kernel reported another error."""
    CRASH = "crash"
    """The process died while compiling or running it."""
    WRONG = "wrong"
    """The output differs from the reference."""


class Inputs(Enum):
    """The sets of inputs that a runner has."""

    TIMED = 0
    """Those to time on."""
    SECOND = 1
    """Others of the same sizes."""
    ODD = 2
    """For outputs whose every extent is odd (those of channels aside): the first ones again, for outputs a little
    smaller; where several sizes are tuned for, others, no larger than needed."""
    SMALL = 3
    """For outputs of a few elements, where several sizes are tuned for; else there are none, and to run on them fails."""


@dataclass(frozen=True)
class Limits:
    """What one candidate may use before it is given up."""

    compile_seconds: float = 30.0
    run_seconds: float = 10.0
    reference_seconds: float = 120.0
    """For the reference, which is slow by nature."""
    memory_bytes: int = 8 << 30


@dataclass(frozen=True)
class Candidate:
    """What to build: a schedule of the pipeline's algorithm, or the bytes of a pipeline that carries its own."""

    schedule: Schedule | None = None
    scheduled: bytes | None = None

    def __post_init__(self) -> None:
        assert (self.schedule is None) != (self.scheduled is None)


@dataclass(frozen=True)
class Built:
    """A compiled kernel in some worker, or why there is none."""

    candidate: Candidate
    handle: tuple[int, int] | None = None
    """(worker, kernel), meaningful to the runner alone."""
    place: int = 0
    """The process that it is in: kernels in one place can be timed against each other."""
    seconds: float = 0.0
    failure: Failure | None = None
    message: str = ""
    linked: bool = False
    """Whether it was compiled ahead of time and linked, as what is shipped; then other processes that want it need not
    compile it again, until it is released."""


@dataclass(frozen=True)
class Effort:
    """How carefully to time. A sample is one or several calls that take at least `sample_seconds` together."""

    samples: int = 16
    seconds: float = 0.1
    """Stop when this much has been spent timing and `min_samples` are in."""
    min_samples: int = 3
    sample_seconds: float = 0.002
    give_up: float = float("inf")
    """Stop at once when the first sample is slower than this (seconds): it can't be the best."""
    check: bool = True
    """Compare the output with the reference."""
    cold: bool = False
    """Before each sample, which then is one call, empty the caches."""


@dataclass(frozen=True)
class Timed:
    """What running a kernel gave: seconds a call for every sample, or why there is none."""

    times: tuple[float, ...] = ()
    failure: Failure | None = None
    message: str = ""
    checked: bool = False
    by_size: tuple[tuple[float, ...], ...] = ()
    """Where several sizes are tuned for: for each, the largest first, its samples. `times` are geometric means of them."""


class Runner(Protocol):
    """Builds kernels and runs them, somewhere: in local processes, on a board, on a cluster.

    Builds may go on side by side; nothing else goes on while a kernel runs. No candidate, however bad, makes a method
    raise or hang: its result carries the `Failure`. Where several sizes are tuned for, a kernel runs at all of them, and
    its time is the geometric mean.
    """

    def limit(self, limits: Limits) -> None:
        """What each candidate may use from now on; memory is fixed when a process starts."""
        ...

    @property
    def places(self) -> int:
        """How many processes it builds and runs in."""
        ...

    def build(self, candidates: Sequence[Candidate], places: Sequence[int] | None = None) -> list[Built]:
        """Compile the candidates, each in the process that `places` says for it where they are given.

        A candidate that is linked somewhere, and not released yet, need not be compiled again.
        """
        ...

    def run(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """Time one kernel, alone."""
        ...

    def publish(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """Time a kernel and make its output the reference that others are compared with on these inputs."""
        ...

    def release(self, built: Sequence[Built]) -> None:
        """Forget kernels that won't be run again."""
        ...

    def reset(self) -> None:
        """Drop whatever is going on, for use after an interrupt; kernels built before need not be found any more."""
        ...

    def close(self) -> None:
        """End all processes and give everything back. A second time it does nothing."""
        ...
