"""The exported Python Generator: the same algorithm and schedule in one file that runs with nothing but halide."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import halide as hl
import pytest

from autosearch.errors import ExportError
from autosearch.pipeline.fingerprint import describe_difference
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.result import Result
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from benchmarks.pipelines import load
from tests.conftest import TARGET, random_proposal, snapshot_of
from tests.made import TILED, result_of


def _generator(path: Path) -> type:
    found = [
        one for one in runpy.run_path(str(path)).values() if isinstance(one, type) and issubclass(one, hl.Generator)
    ]
    (cls,) = found
    return cls


def _written(result: Result, folder: Path) -> Snapshot:
    path = folder / f"{folder.name}.generator.py"  # names of Generators must differ in a process
    result.export(path)
    return take(_generator(path), TARGET)


@pytest.mark.parametrize("name", ["blur", "sharpen", "histogram", "matmul", "pyramid"])
def test_it_is_the_same_algorithm_with_the_schedule(name: str, tmp_path: Path) -> None:
    schedule = random_proposal(name, 3).schedule
    made = _written(result_of(name, schedule), tmp_path)
    original = snapshot_of(name)
    assert describe_difference(original.func_digests, made.algorithm) == ""
    assert made.fingerprint == original.fingerprint and made.sizes == original.sizes
    assert made.given is not None
    if not schedule.structure.steps:
        assert read_schedule(made.given, made.algorithm)


@pytest.mark.parametrize("name", ["camera_raw", "interpolate", "nl_means", "iir_blur", "polyphase_resampler", "stereo"])
def test_real_pipelines_come_out_the_same(name: str, tmp_path: Path) -> None:
    snapshot = take(load(name).pipeline, TARGET)
    result = result_of("blur", TILED)
    made = _written(Result(snapshot, str(TARGET), result.records[:1], None), tmp_path)
    assert made.fingerprint == snapshot.fingerprint and made.sizes == snapshot.sizes


def test_it_runs_by_itself(tmp_path: Path) -> None:
    result_of("blur", TILED).export(tmp_path / "smooth.generator.py")
    command = [sys.executable, "smooth.generator.py", "-g", "smooth", "-o", ".", "-e", "stmt,c_header", "target=host"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "smooth_par_for_blur_y_s0_y_yo" in (tmp_path / "smooth.stmt").read_text()
    assert "int smooth(struct halide_buffer_t *_image_buffer" in (tmp_path / "smooth.h").read_text()


def test_what_can_not_be_written_is_named(tmp_path: Path) -> None:
    x = hl.Var("x")
    stage, out = hl.Func("stage"), hl.Func("out")
    stage.define_extern("outside", [], hl.Int(32), 1)
    out[x] = stage[x]
    out.set_estimates([(0, 8)])
    result = Result(take(out, TARGET), str(TARGET), result_of("blur", TILED).records[:1], None)
    with pytest.raises(ExportError, match="Func stage is defined outside of Halide"):
        result.export(tmp_path / "out.generator.py")
    table = hl.Buffer(hl.Int(32), [8], "table")
    looked_up = hl.Func("looked_up")
    looked_up[x] = table[x]
    looked_up.set_estimates([(0, 8)])
    result = Result(take(looked_up, TARGET), str(TARGET), result.records, None)
    with pytest.raises(ExportError, match="the table of constants 'table"):
        result.export(tmp_path / "out.generator.py")


def test_two_outputs_and_a_scalar(tmp_path: Path) -> None:
    image = hl.ImageParam(hl.Float(32), 2, "image")
    gain = hl.Param(hl.Float(32), "gain", 2.0)
    x, y = hl.Var("x"), hl.Var("y")
    bright, dark = hl.Func("bright"), hl.Func("dark")
    bright[x, y] = image[x, y] * gain
    dark[x, y] = hl.select(image[x, y] > 0.5, hl.f32(float("inf")), image[x, y] / gain)
    for one in (bright, dark):
        one.set_estimates([(0, 32), (0, 16)])
    snapshot = take([bright, dark], TARGET)
    records = result_of("blur", Schedule()).records[:1]
    made = _written(Result(snapshot, str(TARGET), records, None), tmp_path)
    assert made.fingerprint == snapshot.fingerprint and made.sizes == snapshot.sizes
