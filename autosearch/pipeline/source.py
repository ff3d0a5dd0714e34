"""From what a user passes (a pipeline, Funcs, a generator class, a file, a function) to a Halide pipeline."""

from __future__ import annotations

import importlib.util
import inspect
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import halide as hl

from autosearch.errors import PipelineError
from autosearch.pipeline.flatbuffer import read_pipeline
from autosearch.pipeline.generator import Generator, ask

PipelineLike = Any
"""hl.Pipeline, hl.Func, a list of output Funcs, a Python generator class, a `Generator` (C++), a path to a `.hlpipe` file,
or a function that takes no arguments and returns one of these."""

_ACCEPTED = (
    "an hl.Pipeline, an hl.Func, a list of output Funcs, a Python generator class, an autosearch.Generator, the path of a "
    ".hlpipe file, or a function without arguments that builds one of these"
)


_REHEARSAL_SECONDS = 60.0


def own_schedule(given: PipelineLike, target: hl.Target) -> bytes | None:
    """The pipeline serialized with its own schedule, where `to_pipeline` gives it without: a C++ Generator's."""
    return ask(given, target, scheduled=True).data if isinstance(given, Generator) else None


def to_pipeline(given: PipelineLike, target: hl.Target) -> hl.Pipeline:
    """The Halide pipeline meant by `given`. Raises `PipelineError`, with the reason, where there is none."""
    if isinstance(given, Generator):
        return ask(given, target, scheduled=False).restore()
    if isinstance(given, hl.Pipeline):
        if not given.defined():
            raise PipelineError("the hl.Pipeline given has no outputs: build it from a defined Func")
        return given
    if isinstance(given, hl.Func):
        return _of_funcs([given])
    if isinstance(given, (str, Path)):
        return _of_file(Path(given))
    if isinstance(given, Sequence) and given and all(isinstance(func, hl.Func) for func in given):
        return _of_funcs(given)
    if inspect.isclass(given):
        return _of_generator(given, target)
    if callable(given):
        return to_pipeline(_call(given), target)
    raise PipelineError(f"expected {_ACCEPTED}, but got {type(given).__name__}")


def load_object(reference: str) -> PipelineLike:
    """The object that `path/to/file.py:name` refers to (the command line's way to name a pipeline), or a `.hlpipe` path.

    Runs the file. Raises `PipelineError` where the file or the name doesn't exist, or running it fails.
    """
    path_text, _, name = reference.rpartition(":") if ":" in reference else (reference, "", "")
    if not path_text or path_text.endswith(".hlpipe"):
        return Path(reference)
    path = Path(path_text)
    if reference.endswith(".hlpipe"):
        return Path(reference)
    if path.suffix != ".py" or not name:
        raise PipelineError(f"expected file.py:name or file.hlpipe, but got {reference!r}")
    if not path.is_file():
        raise PipelineError(f"there is no file {path_text!r}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise PipelineError(f"running {path_text} failed: {type(error).__name__}: {_first_line(error)}") from error
    finally:
        sys.path.remove(str(path.parent))
    if not hasattr(module, name):
        raise PipelineError(f"{path_text} defines no {name!r}")
    return getattr(module, name)


def _of_funcs(funcs: Sequence[hl.Func]) -> hl.Pipeline:
    undefined = [func.name() for func in funcs if not func.defined()]
    if undefined:
        raise PipelineError(f"Func {undefined[0]!r} has no definition, so it can't be an output")
    return hl.Pipeline(list(funcs))


def _of_file(path: Path) -> hl.Pipeline:
    if path.suffix != ".hlpipe":
        raise PipelineError(f"expected a path to a .hlpipe file, but got {str(path)!r}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PipelineError(f"can't read {str(path)!r}: {error.strerror}") from None
    read_pipeline(data)
    rehearse(path, str(path))
    return load_serialized(data, str(path))


def load_serialized(data: bytes, name: str) -> hl.Pipeline:
    """The pipeline in bytes that Halide wrote; of others it may die. Raises `PipelineError`."""
    try:
        return hl.deserialize_pipeline(data, hl.deserialize_parameters(data))
    except (hl.HalideError, RuntimeError) as error:
        raise PipelineError(f"Halide can't load {name!r}: {_first_line(error)}") from error


def rehearse(path: Path, name: str) -> None:
    """Load a file in a process that may die of it. Raises `PipelineError` where it does."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "autosearch.pipeline.rehearsal", str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=_REHEARSAL_SECONDS,
        )  # fmt: skip
        how = f"Halide dies reading it (status {done.returncode})" if done.returncode else ""
    except subprocess.TimeoutExpired:
        how = f"Halide is not done reading it after {_REHEARSAL_SECONDS:.0f} s"
    if how:
        raise PipelineError(f"{name!r} is damaged, or not a pipeline serialized by Halide 21: {how}")


def _of_generator(cls: type, target: hl.Target) -> hl.Pipeline:
    if not issubclass(cls, hl.Generator):
        raise PipelineError(f"class {cls.__name__} is not a Halide generator: decorate it with @hl.generator()")
    try:
        return _build(cls, target, hl.AutoschedulerParams())
    except hl.HalideError as error:
        raise PipelineError(f"generator {cls.__name__} can't be built: {_first_line(error)}") from error


def _build(cls: type, target: hl.Target, autoscheduler: hl.AutoschedulerParams) -> hl.Pipeline:
    with hl.GeneratorContext(target, autoscheduler):
        return cls()._build_pipeline()


def _call(function: Any) -> PipelineLike:
    try:
        return function()
    except TypeError as error:
        if "required positional argument" not in str(error):
            raise PipelineError(f"building the pipeline failed: {_first_line(error)}") from error
        raise PipelineError(f"{getattr(function, '__name__', function)!r} must take no arguments: {error}") from None
    except hl.HalideError as error:
        raise PipelineError(f"building the pipeline failed: {_first_line(error)}") from error
    except Exception as error:  # the user's own code
        raise PipelineError(f"building the pipeline failed: {type(error).__name__}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
