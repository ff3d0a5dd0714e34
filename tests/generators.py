"""The C++ Generators of `examples/`, compiled for tests."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from pathlib import Path

import halide as hl
import pytest

from autosearch.toolchain import compile_cpp, halide_flags

SOURCES = Path(__file__).parents[1] / "examples" / "generators"
GENERATORS = ("equalize", "sharpen", "sobel")
GENGEN = [f"{hl.install_dir()}/lib64/libHalide_GenGen.a", "-O0", "-fno-rtti", *halide_flags()]


def compile_generators(program: Path, folder: Path = SOURCES, flags: Sequence[str] = ()) -> Path:
    """All Generators in one program, from their sources in a folder: Halide's header takes seconds, so it is read once."""
    source = program.with_name(f"{program.name}.cpp")
    source.write_text("".join(f'#include "{folder}/{name}_generator.cpp"\n' for name in GENERATORS))
    compile_cpp([str(source)], program, [*flags, *GENGEN])
    return program


def shared_program(factory: pytest.TempPathFactory) -> Path:
    """The program with all Generators, compiled once, whichever of pytest's processes asks for it."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    program = folder / "generators.gen"
    with (folder / "generators.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return program if program.exists() else compile_generators(program)
