"""Compiling C++ against the Halide that is installed: what exported kernels and the bridge to Generators need."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import halide as hl

from autosearch.errors import ToolchainError

_SECONDS = 300.0


def halide_flags() -> list[str]:
    """What a C++ program that uses Halide's compiler is built with."""
    lib = f"{hl.install_dir()}/lib64"
    return [f"-I{hl.install_dir()}/include", f"-L{lib}", "-lHalide", f"-Wl,-rpath,{lib}", "-ldl", "-lpthread"]


def compile_cpp(sources: Sequence[str], output: Path, flags: Sequence[str], compiler: str = "") -> None:
    """Compile and link `sources` to `output`, with `compiler`, or with $CXX, or g++.

    Raises `ToolchainError` where there is no such compiler or it reports errors.
    """
    command = _command(compiler)
    try:
        done = subprocess.run(
            [*command, "-std=c++17", *sources, *flags, "-o", str(output)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_SECONDS,
        )  # fmt: skip
    except FileNotFoundError:
        raise _no_compiler(command[0]) from None
    except subprocess.TimeoutExpired:
        raise ToolchainError(f"{command[0]} was not done after {_SECONDS:.0f} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error: " in line or "undefined" in line]
        raise ToolchainError(f"{command[0]} failed: {(lines or done.stderr.splitlines() or ['no message'])[0]}")


def find_compiler() -> None:
    """Raise `ToolchainError` where there is no C++ compiler."""
    command = _command()
    if shutil.which(command[0]) is None:
        raise _no_compiler(command[0])


def _command(compiler: str = "") -> list[str]:
    return shlex.split(compiler or os.environ.get("CXX") or "g++")


def _no_compiler(name: str) -> ToolchainError:
    return ToolchainError(
        f"there is no C++ compiler {name!r}: install one (on Debian: apt install g++), or name yours in $CXX"
    )


def shared_library(source: str, name: str) -> Path:
    """A library compiled from a source that comes with AutoSearch, kept for the next time. Raises `ToolchainError`."""

    def make(scratch: Path, made: Path) -> None:
        (scratch / f"{name}.cpp").write_text(source)
        compile_cpp([f"{scratch}/{name}.cpp"], made, ["-O0", "-shared", "-fPIC", *halide_flags()])

    return _kept(name, source, make)


def runtime_library(target: hl.Target, beside: str) -> Path:
    """Halide's runtime for a target of this machine, with a C++ source `beside` it, for kernels compiled without one.

    Kept for the next time. Raises `ToolchainError`.
    """
    wanted = target.without_feature(hl.TargetFeature.JIT).without_feature(hl.TargetFeature.NoRuntime)

    def make(scratch: Path, made: Path) -> None:
        hl.compile_standalone_runtime(f"{scratch}/runtime.o", wanted)
        (scratch / "beside.cpp").write_text(beside)
        sources = [f"{scratch}/runtime.o", f"{scratch}/beside.cpp"]
        compile_cpp(sources, made, ["-O2", "-shared", "-fPIC", f"-Wl,-soname,{made.name}", "-ldl", "-lpthread"])

    return _kept("runtime", f"{wanted}\n{beside}", make)


def _kept(name: str, source: str, make: Callable[[Path, Path], None]) -> Path:
    """The library made of a source with this Halide; `make` is given a folder for what it needs, and where to put it."""
    digest = hashlib.sha256(f"{source}\n{hl.install_dir()}\n{version('halide')}".encode()).hexdigest()[:16]
    folder = _cache_folder()
    kept = folder / f"{name}-{digest}.so"
    if not kept.is_file():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch) / kept.name
            make(Path(scratch), made)
            os.replace(made, kept)  # at once: others may be doing the same
    return kept


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(base) / "autosearch"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolchainError(f"can't make the folder {str(folder)!r}: {error.strerror}; set $XDG_CACHE_HOME") from None
    return folder
