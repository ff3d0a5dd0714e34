"""C++ Generators from end to end: tuned, exported, rebuilt with the header, they lower to the statement that was tuned."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import halide as hl
import pytest

from autosearch.choices import RandomChooser, draw
from autosearch.export.build import compile_to
from autosearch.machine import Machine
from autosearch.pipeline.generator import Generator
from autosearch.pipeline.snapshot import take
from autosearch.result import Result
from autosearch.spaces import make_space
from autosearch.toolchain import compile_cpp
from benchmarks.export import statement
from tests.conftest import TARGET
from tests.made import blur_records
from tests.pipeline.test_generator import GENGEN, SOURCES

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")


@pytest.mark.parametrize("name", ["sharpen", "equalize", "sobel"])
def test_the_rebuilt_generator_lowers_to_what_was_tuned(name: str, tmp_path: Path) -> None:
    source = SOURCES / f"{name}_generator.cpp"
    compile_cpp([str(source)], tmp_path / "plain", GENGEN)
    snapshot = take(Generator(tmp_path / "plain"), TARGET)
    schedule = draw(make_space(snapshot, Machine()), RandomChooser(random.Random(1))).schedule
    record = replace(blur_records()[0], schedule=schedule)
    result = Result(snapshot, str(TARGET), (record,), None)
    result.export(tmp_path / f"{name}.schedule.h")
    result.export(tmp_path / f"{name}.schedule.cpp")

    hand = source.read_text().split("#else")[1].split("#endif")[0]
    pasted = source.read_text().replace(hand, "\n" + (tmp_path / f"{name}.schedule.cpp").read_text())
    (tmp_path / "pasted.cpp").write_text(pasted)
    compile_to(snapshot, schedule, {hl.OutputFileType.stmt: str(tmp_path / "own.stmt")}, name, TARGET)
    for form, (code, flags) in {"header": (source, ["-DTUNED"]), "pasted": (tmp_path / "pasted.cpp", [])}.items():
        compile_cpp([str(code)], tmp_path / form, [f"-I{tmp_path}", *flags, *GENGEN])
        command = [f"./{form}", "-g", name, "-o", ".", "-e", "stmt", f"target={TARGET}"]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
        assert "has not been scheduled" not in done.stderr
        made, own = statement(tmp_path / f"{name}.stmt"), statement(tmp_path / "own.stmt")
        # Short calls name loops otherwise, by which Halide orders the terms of sums.
        assert made == own if form == "header" else _words(made) == _words(own)


def _words(statement: str) -> Counter[str]:
    """How often each kind of thing is in a statement, whatever its names."""
    return Counter(re.findall(r"\b(?:for|parallel|allocate|free|produce|consume|ramp|if|select|max|min)\b", statement))
