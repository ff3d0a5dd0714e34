"""The exported C++ header: it compiles, schedules as `Result.apply` does, and refuses another algorithm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import halide as hl
import pytest

from tests.conftest import random_proposal, snapshot_of
from tests.export.twins import finish, whole
from tests.made import TILED, result_of

NAMES = ("blur", "histogram", "tuples", "pyramid")
MAIN = """
%(includes)s
#include <iostream>
using namespace Halide;

static Pipeline load(const std::string &name) {
    return deserialize_pipeline(name + ".hlpipe", deserialize_parameters(name + ".hlpipe"));
}

static void schedule(const std::string &name, void (*apply)(Pipeline, const Target &)) {
    Pipeline pipeline = load(name);
    apply(pipeline, get_host_target());
    serialize_pipeline(pipeline, name + ".scheduled");
}

int main() {
    %(calls)s
    try {
        apply_schedule_blur(load("pyramid"), get_host_target());
    } catch (const std::exception &error) {
        std::cout << error.what();
    }
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_headers_of_several_pipelines_in_one_program(tmp_path: Path) -> None:
    results = {name: result_of(name, random_proposal(name, 1).schedule) for name in NAMES}
    results["blur"] = result_of("blur", TILED)
    for name, result in results.items():
        result.export(tmp_path / f"{name}.schedule.h")
        (tmp_path / f"{name}.hlpipe").write_bytes(result.snapshot.data)
    includes = "\n".join(f'#include "{name}.schedule.h"' for name in NAMES)
    calls = "\n    ".join(f'schedule("{name}", apply_schedule_{name});' for name in NAMES)
    (tmp_path / "main.cpp").write_text(MAIN % {"includes": includes, "calls": calls})
    lib = f"{hl.install_dir()}/lib64"
    flags = ["-std=c++17", "-O0", "-Wall", f"-I{hl.install_dir()}/include", f"-L{lib}", "-lHalide", f"-Wl,-rpath,{lib}"]
    subprocess.run(["g++", "main.cpp", "-o", "main", *flags], cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(["./main"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)

    for name, result in results.items():
        pipeline = snapshot_of(name).fresh()
        result.apply(pipeline)
        finish(pipeline, result)
        scheduled = hl.deserialize_pipeline((tmp_path / f"{name}.scheduled").read_bytes())
        assert whole(scheduled) == whole(pipeline) != whole(snapshot_of(name).fresh())
    assert done.stdout.startswith("this schedule is for another algorithm, tune it anew: ")
    assert "blur_x is missing; blur_y is missing;" in done.stdout and "down is new;" in done.stdout
