"""Compiled kernels: a Python module that needs no halide, a library for C, and one for another processor."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import halide as hl
import pytest

from autosearch.errors import ExportError, TargetError, ToolchainError
from autosearch.export.build import build
from tests.made import TILED, result_of

PROGRAM = """
import sys
import numpy as np
import {name}
image = (np.arange(66 * 98, dtype=np.uint16) % 251).reshape(66, 98)
out = np.zeros((64, 96), np.uint16)
{name}.{name}(image, out)
assert "halide" not in sys.modules and "autosearch" not in sys.modules
rows = (image[:, :-2] + image[:, 1:-1] + image[:, 2:]) // 3
assert (out == (rows[:-2] + rows[1:-1] + rows[2:]) // 3).all()
print("right")
"""
MAIN = """
#include "HalideBuffer.h"
#include "smooth.h"
#include <cstdio>

int main() {
    Halide::Runtime::Buffer<uint16_t, 2> image(98, 66), out(96, 64);
    image.for_each_element([&](int x, int y) { image(x, y) = (98 * y + x) % 251; });
    int wrong = smooth(image, out);
    auto row = [&](int x, int y) { return (image(x, y) + image(x + 1, y) + image(x + 2, y)) / 3; };
    out.for_each_element([&](int x, int y) { wrong += out(x, y) != (row(x, y) + row(x, y + 1) + row(x, y + 2)) / 3; });
    std::printf("%d wrong\\n", wrong);
}
"""

needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")


@needs_compiler
def test_a_python_module(tmp_path: Path) -> None:
    made = build(result_of("blur", TILED), tmp_path)
    assert [path.name.split(".")[0] for path in made] == ["blur_y", "libblur_y", "blur_y", "blur_y"]
    assert all(path.stat().st_size > 0 for path in made) and len(list(tmp_path.iterdir())) == 4
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(name="blur_y")], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("right\n", "")


@needs_compiler
def test_a_library_for_c(tmp_path: Path) -> None:
    assert _run(tmp_path, "g++", [], None) == "0 wrong\n"


@pytest.mark.skipif(
    not (shutil.which("qemu-aarch64") and shutil.which("aarch64-linux-gnu-g++")),
    reason="needs qemu and a compiler for Arm",
)
def test_a_library_for_another_processor(tmp_path: Path) -> None:
    arm = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
    assert _run(tmp_path, "aarch64-linux-gnu-g++", arm, "arm-64-linux") == "0 wrong\n"


def _run(folder: Path, compiler: str, emulator: list[str], target: str | None) -> str:
    made = build(result_of("blur", TILED), folder, "smooth", target)
    assert (made.module is None) == (target is not None)
    (folder / "main.cpp").write_text(MAIN)
    flags = ["-std=c++17", f"-I{hl.install_dir()}/include", "-lpthread", "-ldl"]
    subprocess.run([compiler, "main.cpp", "libsmooth.a", "-o", "main", *flags], cwd=folder, check=True, timeout=120)
    done = subprocess.run([*emulator, "./main"], cwd=folder, check=True, capture_output=True, text=True, timeout=60)
    return done.stdout


def test_what_can_not_be_built_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = result_of("blur", TILED)
    with pytest.raises(ExportError, match="'a b' can't be the name of a function"):
        build(result, tmp_path, "a b")
    with pytest.raises(TargetError, match="'arm-63-linux' is not a Halide target"):
        build(result, tmp_path, "", "arm-63-linux")
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match="can't make the folder"):
        build(result, tmp_path / "file")
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ToolchainError, match="install one"):
        build(result, tmp_path / "made")
    assert (tmp_path / "made" / "libblur_y.a").is_file()
