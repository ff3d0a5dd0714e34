"""C++ Generators as input: their pipelines, estimates and schedules come whole, and mistakes are told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autosearch.baselines import fixed_baselines
from autosearch.errors import PipelineError
from autosearch.pipeline.generator import Generator
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")


def test_the_pipeline_with_its_sizes_and_its_own_schedule(generators: Path) -> None:
    snapshot = take(Generator(generators, "sharpen"), TARGET)
    assert snapshot.algorithm.outputs == ("sharp",)
    assert snapshot.sizes.outputs["sharp"] == snapshot.sizes.inputs["image"] == ((0, 1535), (0, 1023))
    given = {one.name: one for one in fixed_baselines(snapshot)}["given"]
    assert given.schedule is not None and ".parallel(y)" in str(given.schedule)
    assert take(Generator(str(generators), "sharpen"), TARGET).fingerprint == snapshot.fingerprint


def test_updates_come_too(generators: Path) -> None:
    algorithm = take(Generator(generators, "equalize"), TARGET).algorithm
    assert [len(algorithm.func(name).updates) for name in ("histogram", "sums")] == [1, 1]


def test_parameters_change_the_algorithm(generators: Path) -> None:
    strong = take(Generator(generators, "sharpen", {"strength": "5"}), TARGET)
    assert strong.fingerprint != take(Generator(generators, "sharpen"), TARGET).fingerprint
    assert take(Generator(generators, "sharpen", {"strength": "2"}), TARGET).fingerprint != strong.fingerprint


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("", {}, "it holds several Generators, say which: equalize, sharpen, sobel"),
        ("blur", {}, "it holds no Generator blur, only: equalize, sharpen, sobel"),
        ("sharpen", {"force": "1"}, "no GeneratorParam named: force"),
        ("sharpen", {"strength": "many"}, "builds no pipeline"),
        ("sharpen", {"strength": "1\n2"}, "is not a generator parameter"),
    ],
)
def test_mistakes_are_told(generators: Path, name: str, params: dict[str, str], says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        take(Generator(generators, name, params), TARGET)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/no/such/program", "there is no program"),
        (__file__, "there is no program"),
        ("/bin/true", r"handed out no pipeline; is it built against Halide 21\? It says: it said nothing"),
        ("/bin/ls", "handed out no pipeline.* It says: .*ls"),
    ],
)
def test_programs_that_are_no_generators(path: str, says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        take(Generator(path), TARGET)
