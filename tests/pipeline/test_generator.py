"""C++ Generators as input: their pipelines, estimates and schedules come whole, and mistakes are told."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import halide as hl
import pytest

from autosearch.baselines import fixed_baselines
from autosearch.errors import PipelineError
from autosearch.pipeline.generator import Generator
from autosearch.pipeline.snapshot import take
from autosearch.toolchain import compile_cpp, halide_flags
from tests.conftest import TARGET

SOURCES = Path(__file__).parents[2] / "examples" / "generators"
GENGEN = [f"{hl.install_dir()}/lib64/libHalide_GenGen.a", "-O0", "-fno-rtti", *halide_flags()]

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A program with two Generators."""
    path = tmp_path_factory.mktemp("generators") / "both.gen"
    compile_cpp([str(SOURCES / f"{name}_generator.cpp") for name in ("sharpen", "equalize")], path, GENGEN)
    yield path


def test_the_pipeline_with_its_sizes_and_its_own_schedule(program: Path) -> None:
    snapshot = take(Generator(program, "sharpen"), TARGET)
    assert snapshot.algorithm.outputs == ("sharp",)
    assert snapshot.sizes.outputs["sharp"] == snapshot.sizes.inputs["image"] == ((0, 1535), (0, 1023))
    given = {one.name: one for one in fixed_baselines(snapshot)}["given"]
    assert given.schedule is not None and ".parallel(y)" in str(given.schedule)
    assert take(Generator(str(program), "sharpen"), TARGET).fingerprint == snapshot.fingerprint


def test_updates_come_too(program: Path) -> None:
    algorithm = take(Generator(program, "equalize"), TARGET).algorithm
    assert [len(algorithm.func(name).updates) for name in ("histogram", "sums")] == [1, 1]


def test_parameters_change_the_algorithm(program: Path) -> None:
    strong = take(Generator(program, "sharpen", {"strength": "5"}), TARGET)
    assert strong.fingerprint != take(Generator(program, "sharpen"), TARGET).fingerprint
    assert take(Generator(program, "sharpen", {"strength": "2"}), TARGET).fingerprint != strong.fingerprint


@pytest.mark.parametrize(
    ("name", "params", "says"),
    [
        ("", {}, "it holds several Generators, say which: equalize, sharpen"),
        ("blur", {}, "it holds no Generator blur, only: equalize, sharpen"),
        ("sharpen", {"force": "1"}, "no GeneratorParam named: force"),
        ("sharpen", {"strength": "many"}, "builds no pipeline"),
        ("sharpen", {"strength": "1\n2"}, "is not a generator parameter"),
    ],
)
def test_mistakes_are_told(program: Path, name: str, params: dict[str, str], says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        take(Generator(program, name, params), TARGET)


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
