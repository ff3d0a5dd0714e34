"""What was linked is there for others as long as a kernel of it is held, and no longer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from autosearch.measure.libraries import Libraries
from autosearch.measure.protocol import Candidate
from tests.made import ROOT, TILED

FIRST, SECOND = Candidate(ROOT), Candidate(TILED)


@pytest.fixture
def libraries() -> Iterator[Libraries]:
    with closing(Libraries()) as libraries:
        yield libraries


def made(folder: Path, text: str) -> str:
    """A file in place of a library."""
    path = folder / text
    path.write_text(text)
    return str(path)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_it_outlives_the_file_that_a_worker_made(libraries: Libraries, tmp_path: Path) -> None:
    path = made(tmp_path, "first")
    libraries.add(FIRST, (0, 1), path)
    os.unlink(path)
    assert Path(libraries.of(FIRST)).read_text() == "first"
    assert libraries.of(SECOND) == ""


def test_it_goes_with_the_last_that_holds_it(libraries: Libraries, tmp_path: Path) -> None:
    before = open_files()
    for number, candidate in enumerate((FIRST, FIRST, SECOND)):
        libraries.add(candidate, (0, number), made(tmp_path, "any"))
    assert open_files() == before + 2
    libraries.drop((0, 0))
    assert libraries.of(FIRST)
    libraries.drop((0, 1))
    libraries.drop((0, 1))
    assert libraries.of(FIRST) == "" and libraries.of(SECOND) and open_files() == before + 1
    libraries.close()
    assert libraries.of(SECOND) == "" and open_files() == before


def test_what_is_gone_already_is_not_there(libraries: Libraries, tmp_path: Path) -> None:
    libraries.add(FIRST, (0, 1), str(tmp_path / "gone"))
    assert libraries.of(FIRST) == ""
    libraries.drop((0, 1))
