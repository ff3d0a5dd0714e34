"""The error table: each mistake a user can make gives one clear sentence, in Python and on the command line alike."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import autosearch
from autosearch import errors
from autosearch.cli.app import app
from autosearch.pipeline.source import load_object
from tests.made import write_log

BAD, SAMPLE = Path(__file__).parent / "bad_pipelines.py", Path(__file__).parent / "samples.py"


@dataclass(frozen=True)
class Mistake:
    """What is asked for, and what comes of it. `options` are those of `autosearch.tune`, given a folder to write to."""

    pipeline: str
    error: type[errors.AutoSearchError]
    says: str
    options: Callable[[Path], dict[str, Any]] = lambda _: {}


def _image(*shape: int, kind: Any = np.uint16) -> Callable[[Path], dict[str, Any]]:
    return lambda _: {"inputs": {"image": np.zeros(shape, kind)}}


BLUR = f"{SAMPLE}:blur"
MISTAKES = {
    "no estimates": Mistake(f"{BAD}:no_estimates", errors.SizeError, "pass inputs=.*, or give estimates"),
    "misspelt target": Mistake(BLUR, errors.TargetError, "'hots' is not a Halide target", lambda _: {"target": "hots"}),
    "another machine's target": Mistake(
        BLUR, errors.TargetError, "can't be run on this machine", lambda _: {"target": "riscv-64-linux"}
    ),
    "input of the wrong type": Mistake(
        BLUR, errors.InputError, "float32, but the pipeline wants uint16", _image(66, 98, kind=np.float32)
    ),
    "input of the wrong rank": Mistake(
        BLUR, errors.InputError, "3 dimensions, but the pipeline wants 2", _image(9, 9, 3)
    ),
    "input of the wrong size": Mistake(BLUR, errors.SizeError, "'image'.*pass a larger array", _image(10, 10)),
    "input that isn't one": Mistake(BLUR, errors.InputError, "no input 'imag'", lambda _: {"inputs": {"imag": 1}}),
    "log of another pipeline": Mistake(
        f"{SAMPLE}:matmul",
        errors.MismatchError,
        "another algorithm: .*'product'",
        lambda d: {"log": write_log(d / "log")},
    ),
    "log that is a folder": Mistake(
        BLUR, errors.LogError, "can't write the log .*choose another", lambda d: {"log": d}
    ),
    "log in no folder": Mistake(BLUR, errors.LogError, "can't write the log", lambda d: {"log": d / "no" / "log"}),
    "log that isn't one": Mistake(BLUR, errors.LogError, "is not a tuning log", lambda _: {"log": __file__}),
    "size of another rank": Mistake(BLUR, errors.SizeError, "2 dimensions, .* 3 extents", lambda _: {"sizes": [(9, 9, 9)]}),
    "no trials": Mistake(BLUR, errors.ArgumentError, "at least 1, but is 0", lambda _: {"trials": 0}),
    "unknown strategy": Mistake(BLUR, errors.ArgumentError, "no strategy 'luck'", lambda _: {"strategy": "luck"}),
    "no time": Mistake(BLUR, errors.ArgumentError, "positive number of seconds", lambda _: {"timeout": 0.0}),
    "not compilable": Mistake(f"{BAD}:not_compilable", errors.MeasureError, "can't be compiled and run"),
    "deadly": Mistake(f"{BAD}:deadly", errors.MeasureError, "can't be compiled and run .*SIGABRT"),
    "not defined": Mistake(f"{BAD}:undefined", errors.PipelineError, "'nothing.*' has no definition"),
    "Halide refuses": Mistake(f"{BAD}:refused", errors.PipelineError, "building the pipeline failed"),
    "an error while building": Mistake(f"{BAD}:raises", errors.PipelineError, "no luck today"),
    "arguments missing": Mistake(f"{BAD}:needs_an_argument", errors.PipelineError, "must take no arguments"),
    "a number": Mistake(f"{BAD}:number", errors.PipelineError, "expected an hl.Pipeline.*got int"),
    "no such name": Mistake(f"{BAD}:missing", errors.PipelineError, "defines no 'missing'"),
    "no such file": Mistake("missing.py:blur", errors.PipelineError, "there is no file 'missing.py'"),
    "no name": Mistake(str(SAMPLE), errors.PipelineError, "expected"),
    "no such .hlpipe": Mistake("missing.hlpipe", errors.PipelineError, "can't read 'missing.hlpipe'"),
}


IN_THE_ISSUE = (
    "no estimates", "misspelt target", "input of the wrong type", "input of the wrong size", "log of another pipeline",
    "log that is a folder", "no trials", "not compilable",
)  # fmt: skip
"""The most likely mistakes: these are tried in a process of their own, as a user would."""


@pytest.mark.parametrize("name", MISTAKES)
def test_in_python(name: str, tmp_path: Path) -> None:
    mistake = MISTAKES[name]
    with pytest.raises(mistake.error, match=mistake.says) as raised:
        autosearch.tune(load_object(mistake.pipeline), progress=False, **mistake.options(tmp_path))
    _check_sentence(str(raised.value))


def command_line(mistake: Mistake, folder: Path) -> list[str]:
    """The command line that makes a mistake."""
    arguments = ["tune", mistake.pipeline, "--quiet"]
    for option, value in mistake.options(folder).items():
        if option == "inputs":
            arguments += [f"--input={name}={_stored(folder, one)}" for name, one in value.items()]
        elif option == "sizes":
            arguments += [f"--size={'x'.join(map(str, one))}" for one in value]
        else:
            arguments += [f"--{option}", str(value)]
    return arguments


def _stored(folder: Path, value: Any) -> str:
    if isinstance(value, int):
        return str(value)
    np.save(folder / "input.npy", value)
    return str(folder / "input.npy")


@pytest.mark.parametrize("name", [name for name in MISTAKES if name not in IN_THE_ISSUE])
def test_on_the_command_line(name: str, tmp_path: Path) -> None:
    mistake = MISTAKES[name]
    done = CliRunner().invoke(app, command_line(mistake, tmp_path))
    _check_program(done.exit_code, done.stdout, done.stderr, mistake.error, mistake.says)


@pytest.mark.parametrize("name", IN_THE_ISSUE)
def test_as_a_program(name: str, tmp_path: Path) -> None:
    _check_process(command_line(MISTAKES[name], tmp_path), MISTAKES[name].error, MISTAKES[name].says)


def test_an_export_path_that_can_t_be_written_is_refused_by_the_program_before_it_starts() -> None:
    _check_process(["tune", BLUR, "--export", f"{SAMPLE}/blur.h"], errors.ExportError, "there is no folder")


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (["tune", BLUR, "--export", "missing/blur.h"], errors.ExportError, "there is no folder 'missing'"),
        (["tune", BLUR, "--export", "blur.txt"], errors.ExportError, "must end in one of .h, .cpp, .py, .json"),
        (["tune", BLUR, "--input", "image"], errors.InputError, "NAME=FILE.npy or NAME=NUMBER, not 'image'"),
        (["tune", BLUR, "--input", "image=missing.npy"], errors.InputError, "can't read input 'image'"),
        (["tune", BLUR, "--input", "image=photo"], errors.InputError, "must be a .npy file or a number, not 'photo'"),
        (["replay", "missing.jsonl", BLUR], errors.LogError, "can't read the log"),
        (["export", "missing.jsonl", BLUR, "-o", "x.h"], errors.LogError, "can't read the log"),
        (["show", str(SAMPLE)], errors.LogError, "is not a tuning log"),
    ],
)
def test_what_only_the_command_line_can_get_wrong(arguments: list[str], error: type[Exception], says: str) -> None:
    done = CliRunner().invoke(app, arguments)
    _check_program(done.exit_code, done.stdout, done.stderr, error, says)


def _check_process(arguments: list[str], error: type[Exception], says: str) -> None:
    command = [sys.executable, "-c", "from autosearch.cli.app import app; app()", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    _check_program(done.returncode, done.stdout, done.stderr, error, says)


def _check_program(status: int, out: str, err: str, error: type[Exception], says: str) -> None:
    assert status == (3 if issubclass(error, errors.MismatchError) else 1), err
    assert out == "" and re.search(says, err), err
    assert err.startswith("autosearch: ") and err.endswith("\n")
    _check_sentence(err.removeprefix("autosearch: ").removesuffix("\n"))


def _check_sentence(message: str) -> None:
    """One line that says something, without a trace of Python."""
    assert 10 < len(message) < 600 and "\n" not in message and "Traceback" not in message
