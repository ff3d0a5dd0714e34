"""The pipeline compiled with its best schedule: an object, a static library, a C header, and a Python module."""

from __future__ import annotations

import os
import re
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import halide as hl

from autosearch.errors import ExportError, ToolchainError
from autosearch.machine import read_target, runs_here
from autosearch.pipeline.snapshot import Snapshot
from autosearch.result import Result
from autosearch.schedule.apply import apply
from autosearch.schedule.schedule import Schedule
from autosearch.toolchain import compile_cpp


@dataclass(frozen=True)
class Built:
    """The files made. `module` is a Python extension that needs neither AutoSearch nor halide; None for another machine."""

    object: Path
    library: Path
    header: Path
    module: Path | None

    def __iter__(self):  # type: ignore[no-untyped-def]
        return (one for one in (self.object, self.library, self.header, self.module) if one is not None)


def build(
    result: Result, folder: str | os.PathLike[str], name: str = "", target: str | hl.Target | None = None
) -> Built:
    """Compile a result's pipeline into `folder`, as the function `name` (else that of its first output).

    `target`: what to compile for, if not what was tuned for. The function takes all inputs in the order of
    `pipeline.infer_arguments()` (by name, buffers first), then all outputs; so does the function of that name in the
    Python module, with arrays in numpy's order (`[y, x]` for a Func of `(x, y)`).
    Raises `ExportError`, `TargetError`, or `ToolchainError` where the module can't be compiled.
    """
    name = name or re.sub(r"\W", "_", result.snapshot.algorithm.outputs[0])
    if not name.isidentifier():
        raise ExportError(f"{name!r} can't be the name of a function: give letters, digits and underscores")
    wanted = read_target(target if target is not None else result.target)
    where = Path(folder)
    try:
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(f"can't make the folder {str(where)!r}: {error.strerror}") from None
    kinds = {
        hl.OutputFileType.object: where / f"{name}.o",
        hl.OutputFileType.static_library: where / f"lib{name}.a",
        hl.OutputFileType.c_header: where / f"{name}.h",
        hl.OutputFileType.python_extension: where / f"{name}.py.cpp",
    }
    compile_to(result.snapshot, result.schedule, {kind: str(path) for kind, path in kinds.items()}, name, wanted)
    object_file, library, header, source = kinds.values()
    module = _module(where, name, source, library) if runs_here(wanted) else None
    source.unlink()
    return Built(object_file, library, header, module)


def compile_to(
    snapshot: Snapshot, schedule: Schedule, files: dict[hl.OutputFileType, str], name: str, target: hl.Target
) -> None:
    """Compile the pipeline with a schedule to files of several kinds. Raises `ExportError`."""
    pipeline = snapshot.fresh()
    apply(schedule, pipeline, snapshot.algorithm)
    try:
        pipeline.compile_to(files, pipeline.infer_arguments(), name, target)
    except (hl.HalideError, RuntimeError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), "Halide gives no reason")
        raise ExportError(f"can't compile the pipeline for {target}: {reason}") from error


def _module(folder: Path, name: str, source: Path, library: Path) -> Path:
    include = sysconfig.get_paths()["include"]
    if not (Path(include) / "Python.h").is_file():
        raise ToolchainError(
            f"Python's headers are not in {include!r}, so no Python module can be built (on Debian: apt install "
            f"python3-dev); {library} is complete"
        )
    module = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    flags = ["-O2", "-shared", "-fPIC", f"-I{include}", f"-I{hl.install_dir()}/include", f"-I{folder}"]
    compile_cpp([str(source), str(library)], module, [*flags, "-lpthread", "-ldl"])
    return module
