"""The exported C++ header: it compiles, schedules as `Result.apply` does, and refuses another algorithm."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import halide as hl
import pytest

from autosearch.pipeline.snapshot import take
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.specialize import where_tiles_fit
from tests.conftest import TARGET, random_proposal, snapshot_of
from tests.export.reductions import CHANGES, reduction
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

static void refuse(const std::string &name, void (*apply)(Pipeline, const Target &)) {
    try {
        apply(load(name), get_host_target());
        std::cout << "accepted\\n";
    } catch (const std::exception &error) {
        std::cout << error.what() << "\\n";
    }
}

int main() {
    %(calls)s
    refuse("pyramid", apply_schedule_blur);
    for (int i = 0; i < %(changes)s; i++) {
        refuse("change" + std::to_string(i), apply_schedule_reduction);
    }
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_headers_of_several_pipelines_in_one_program(tmp_path: Path) -> None:
    results = {name: result_of(name, random_proposal(name, 1).schedule) for name in NAMES}
    specialized = where_tiles_fit(TILED, snapshot_of("blur").algorithm, {"blur_y": frozenset({0, 1})})
    assert specialized is not None
    results["blur"] = result_of("blur", specialized)
    plain = result_of("blur", Schedule()).records[:1]
    results["reduction"] = Result(take(reduction, TARGET), str(TARGET), plain, None)
    for name, result in results.items():
        result.export(tmp_path / f"{name}.schedule.h")
        (tmp_path / f"{name}.hlpipe").write_bytes(result.snapshot.data)
    for number, change in enumerate(CHANGES):
        hl.serialize_pipeline(hl.Pipeline([reduction(**change)]), str(tmp_path / f"change{number}.hlpipe"))
    includes = "\n".join(f'#include "{name}.schedule.h"' for name in results)
    calls = "\n    ".join(f'schedule("{name}", apply_schedule_{name});' for name in results)
    (tmp_path / "main.cpp").write_text(MAIN % {"includes": includes, "calls": calls, "changes": len(CHANGES)})
    lib = f"{hl.install_dir()}/lib64"
    flags = ["-std=c++17", "-O0", "-Wall", f"-I{hl.install_dir()}/include", f"-L{lib}", "-lHalide", f"-Wl,-rpath,{lib}"]
    subprocess.run(["g++", "main.cpp", "-o", "main", *flags], cwd=tmp_path, check=True, timeout=120)
    done = subprocess.run(["./main"], cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)

    for name, result in results.items():
        pipeline = result.snapshot.fresh()
        result.apply(pipeline)
        finish(pipeline, result)
        scheduled = hl.deserialize_pipeline((tmp_path / f"{name}.scheduled").read_bytes())
        assert whole(scheduled) == whole(pipeline)
        assert (whole(pipeline) != whole(result.snapshot.fresh())) == bool(len(result.schedule))
    other, *changed = done.stdout.splitlines()
    assert other.startswith("this schedule is for another algorithm, tune it anew: ")
    assert "blur_x is missing; blur_y is missing;" in other and "down is new;" in other
    says = "this schedule is for another algorithm, tune it anew: the definition of total changed;"
    assert changed == [says] * len(CHANGES)
