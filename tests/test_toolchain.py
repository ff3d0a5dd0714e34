"""The C++ compiler: what it makes is kept, and its absence or its errors are told in a sentence."""

from __future__ import annotations

import ctypes
import shutil
from pathlib import Path

import pytest

from autosearch.errors import ToolchainError
from autosearch.toolchain import compile_cpp, shared_library

SOURCE = 'extern "C" int answer() { return 42; }\n'

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")


def test_a_library_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library = shared_library(SOURCE, "answer")
    assert ctypes.CDLL(str(library)).answer() == 42
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert shared_library(SOURCE, "answer") == library
    assert [path.name for path in (tmp_path / "autosearch").iterdir()] == [library.name]
    with pytest.raises(
        ToolchainError, match=r"no C\+\+ compiler 'no-such-compiler': install one .* or name yours in \$CXX"
    ):
        shared_library(SOURCE + "\n", "answer")


def test_an_error_in_the_source_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "bad.cpp").write_text("int main() { return nothing; }\n")
    with pytest.raises(ToolchainError, match=r".nothing. was not declared"):
        compile_cpp([str(tmp_path / "bad.cpp")], tmp_path / "bad", [])
    assert not (tmp_path / "bad").exists()


def test_no_place_for_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ToolchainError, match=r"can't make the folder .*set \$XDG_CACHE_HOME"):
        shared_library(SOURCE, "answer")
