"""C++ Generators from end to end: tuned, exported, rebuilt with the header, they lower to the statement that was tuned."""

from __future__ import annotations

import random
import re
import subprocess
from collections import Counter
from dataclasses import replace
from pathlib import Path

import halide as hl

from autosearch.choices import RandomChooser, draw
from autosearch.export.build import compile_to
from autosearch.machine import Machine
from autosearch.pipeline.generator import Generator
from autosearch.pipeline.snapshot import take
from autosearch.result import Result
from autosearch.spaces import make_space
from benchmarks.export import statement
from tests.conftest import TARGET
from tests.generators import GENERATORS, SOURCES, compile_generators
from tests.made import blur_records


def test_the_rebuilt_generators_lower_to_what_was_tuned(generators: Path, tmp_path: Path) -> None:
    """With the exported header, and with the schedule pasted in the place of the one by hand."""
    for name in GENERATORS:
        _export(name, generators, tmp_path)
        source = (SOURCES / f"{name}_generator.cpp").read_text()
        hand = source.split("#else")[1].split("#endif")[0]
        pasted = source.replace(hand, "\n" + (tmp_path / f"{name}.schedule.cpp").read_text())
        (tmp_path / f"{name}_generator.cpp").write_text(pasted)
    compile_generators(tmp_path / "header", flags=[f"-I{tmp_path}", "-DTUNED"])
    compile_generators(tmp_path / "pasted", tmp_path)
    for form in ("header", "pasted"):
        for name in GENERATORS:
            command = [f"./{form}", "-g", name, "-o", ".", "-e", "stmt", f"target={TARGET}"]
            done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60)
            assert "has not been scheduled" not in done.stderr
            made, own = statement(tmp_path / f"{name}.stmt"), statement(tmp_path / f"own_{name}.stmt")
            # Short calls name loops otherwise, by which Halide orders the terms of sums.
            assert made == own if form == "header" else _words(made) == _words(own)


def _export(name: str, program: Path, folder: Path) -> None:
    """A random schedule of a Generator, as a header and for pasting; and the statement that it is lowered to."""
    snapshot = take(Generator(program, name), TARGET)
    schedule = draw(make_space(snapshot, Machine()), RandomChooser(random.Random(1))).schedule
    result = Result(snapshot, str(TARGET), (replace(blur_records()[0], schedule=schedule),), None)
    for ending in ("h", "cpp"):
        result.export(folder / f"{name}.schedule.{ending}")
    compile_to(snapshot, schedule, {hl.OutputFileType.stmt: str(folder / f"own_{name}.stmt")}, name, TARGET)


def _words(statement: str) -> Counter[str]:
    """How often each kind of thing is in a statement, whatever its names."""
    return Counter(re.findall(r"\b(?:for|parallel|allocate|free|produce|consume|ramp|if|select|max|min)\b", statement))
