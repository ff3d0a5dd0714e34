"""Shared fixtures: snapshots of the sample pipelines, spaces, random proposals."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from functools import cache, partialmethod
from pathlib import Path

import halide as hl
import pytest

from autosearch import contenders, minimal, settings
from autosearch.choices import Proposal, RandomChooser, draw
from autosearch.machine import Machine
from autosearch.measure.device import ThisMachine, Work
from autosearch.measure.local import LocalRunner
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.space.cpu import CpuSpace
from tests.generators import shared_program
from tests.samples import OTHERS, SAMPLES

TARGET = hl.get_host_target()


@pytest.fixture(scope="session", autouse=True)
def _short_runs() -> Iterator[None]:
    """One worker, and races of few that are soon over: kernels of the tests take microseconds, what is around them seconds.

    What several workers do together, runners and the programs that are interrupted are tested for.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ThisMachine, "open", partialmethod(_with_one_worker, ThisMachine.open))
        patch.setattr(contenders, "FINALISTS", 3)
        for module in (settings, minimal):
            patch.setattr(module, "RACE_SECONDS", 0.3)
        yield


def _with_one_worker(device: ThisMachine, how: Callable[[ThisMachine, Work], LocalRunner], work: Work) -> LocalRunner:
    return how(device if device.workers is not None else ThisMachine(1), work)


@cache
def snapshot_of(name: str) -> Snapshot:
    """A snapshot of a sample pipeline, taken once."""
    return take((SAMPLES | OTHERS)[name], TARGET)


@cache
def space_of(name: str) -> CpuSpace:
    """The space of a sample pipeline, as if tuned for a small machine."""
    snapshot = snapshot_of(name)
    return CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())


def random_proposal(name: str, seed: int) -> Proposal:
    """A random schedule of a sample pipeline."""
    return draw(space_of(name), RandomChooser(random.Random(seed)))


@pytest.fixture(scope="session")
def generators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program with the C++ Generators of `examples/`."""
    if shutil.which("g++") is None:
        pytest.skip("needs a C++ compiler")
    return shared_program(tmp_path_factory)


@pytest.fixture(params=list(SAMPLES))
def sample(request: pytest.FixtureRequest) -> str:
    """Each sample pipeline's name in turn."""
    return str(request.param)
