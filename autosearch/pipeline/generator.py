"""C++ Generators as input: a Generator's own program, asked for its pipeline.

Every program linked with Halide's `libHalide_GenGen.a` loads the plug-ins that its option -p names. Ours
(`exporter.cpp.txt`) builds the Generator's pipeline in that program and writes it down serialized, once as an
autoscheduler would get it and once with the Generator's own schedule.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

import halide as hl

from autosearch.errors import PipelineError
from autosearch.pipeline.parameters import Parameters, from_json
from autosearch.toolchain import shared_library

_SECONDS = 120.0


@dataclass(frozen=True)
class Generator:
    """A C++ Generator in a program built against Halide 21: `autosearch.tune(Generator("./blur.gen", "blur"))`."""

    program: str | os.PathLike[str]
    name: str = ""
    """Its registered name; may be left out where the program has only one."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Values of its GeneratorParams."""


@dataclass(frozen=True)
class Exported:
    """A serialized pipeline and its inputs."""

    data: bytes
    parameters: Parameters

    def restore(self) -> hl.Pipeline:
        """A new Halide pipeline."""
        return hl.deserialize_pipeline(self.data, self.parameters.restore())


def ask(generator: Generator, target: hl.Target, scheduled: bool) -> Exported:
    """The Generator's pipeline: with its own schedule, or as an autoscheduler gets it.

    Raises `PipelineError` where the program can't be run or builds no pipeline, `ToolchainError` where the plug-in can't
    be compiled.
    """
    program = Path(generator.program)
    if not program.is_file() or not os.access(program, os.X_OK):
        raise PipelineError(f"there is no program {str(program)!r}: build the Generator against Halide 21 first")
    for name, value in generator.params.items():
        if "=" in name or "\n" in f"{name}{value}":
            raise PipelineError(f"{name}={value} is not a generator parameter: give NAME=VALUE")
    plugin = shared_library(files("autosearch.pipeline").joinpath("exporter.cpp.txt").read_text(), "exporter")
    with tempfile.TemporaryDirectory() as folder:
        request = {
            "AUTOSEARCH_EXPORT": folder,
            "AUTOSEARCH_GENERATOR": generator.name,
            "AUTOSEARCH_TARGET": str(target),
            "AUTOSEARCH_SCHEDULED": str(int(scheduled)),
            "AUTOSEARCH_PARAMS": "".join(f"{name}={value}\n" for name, value in generator.params.items()),
        }
        output = _run(program, plugin, folder, request)
        return _read(Path(folder), f"the Generator in {str(program)!r}", output)


def _run(program: Path, plugin: Path, folder: str, request: Mapping[str, str]) -> str:
    """Run the program with the plug-in, and return what it said."""
    command = [str(program.resolve()), "-p", str(plugin), "-g", "any", "-o", folder, "target=host"]
    try:
        done = subprocess.run(
            command, env={**os.environ, **request}, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace", timeout=_SECONDS,
        )  # fmt: skip
    except OSError as error:
        raise PipelineError(f"can't run {str(program)!r}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise PipelineError(f"{str(program)!r} was not done building its pipeline after {_SECONDS:.0f} s") from None
    return done.stdout


def _read(folder: Path, who: str, output: str) -> Exported:
    if (folder / "error.txt").is_file():
        raise PipelineError(f"{who} builds no pipeline: {_first_line((folder / 'error.txt').read_text())}")
    if not (folder / "inputs.json").is_file():
        said = _first_line(output) or "it said nothing"
        raise PipelineError(f"{who} handed out no pipeline; is it built against Halide 21? It says: {said}")
    expressions = folder / "properties.hlpipe"
    parameters = from_json(
        json.loads((folder / "inputs.json").read_text()), expressions.read_bytes() if expressions.is_file() else b""
    )
    return Exported((folder / "pipeline.hlpipe").read_bytes(), parameters)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
