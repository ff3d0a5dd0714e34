"""Schedules as JSON files, and where results can be exported to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosearch.errors import ExportError, MismatchError, ScheduleError
from autosearch.export import check_path
from autosearch.export.heading import function_name
from autosearch.export.stored import load_schedule
from tests.conftest import random_proposal, snapshot_of
from tests.made import TILED, result_of


def _exported(folder: Path) -> tuple[Path, dict[str, Any]]:
    path = folder / "blur.json"
    result_of("blur", TILED).export(path)
    return path, json.loads(path.read_text())


@pytest.mark.parametrize("seed", range(3))
def test_what_is_exported_is_loaded(sample: str, seed: int, tmp_path: Path) -> None:
    schedule = random_proposal(sample, seed).schedule
    path = tmp_path / "schedule.json"
    result_of(sample, schedule).export(path)
    assert load_schedule(path, snapshot_of(sample)) == schedule


def test_it_says_what_it_is_for_and_worth(tmp_path: Path) -> None:
    _, content = _exported(tmp_path)
    assert content["pipeline"] == snapshot_of("blur").fingerprint
    assert content["funcs"].keys() == {"image_im", "blur_x", "blur_y"}
    assert content["seconds"] == 1e-3 and content["baselines"] == {"root": 3e-3}
    assert content["schedule"] == TILED.to_json()


def test_another_algorithm_is_refused(tmp_path: Path) -> None:
    path, _ = _exported(tmp_path)
    with pytest.raises(MismatchError, match=r"another algorithm: .*'blur_x', 'blur_y' are missing"):
        load_schedule(path, snapshot_of("matmul"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "can't read"),
        ("", "is not JSON"),
        ("\x00\x01", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("{}", "is not a schedule exported by AutoSearch"),
        ("[]", "is not a schedule exported by AutoSearch"),
        ('{"kind": "schedule", "format": 99}', "in format 1"),
        ('{"kind": "schedule", "format": 1}', "must be a JSON list"),
    ],
)
def test_what_is_no_schedule_is_refused(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "schedule.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ScheduleError, match=says):
        load_schedule(path, snapshot_of("blur"))


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["kind", "format", "pipeline", "funcs", "schedule"]), VALUES | st.dictionaries(st.text(), VALUES)
)
def test_damaged_files_are_refused_or_read(tmp_path: Path, key: str, value: Any) -> None:
    path, content = _exported(tmp_path)
    path.write_text(json.dumps({**content, key: value}))
    try:
        load_schedule(path, snapshot_of("blur"))
    except ScheduleError as error:
        assert str(error)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("schedule.txt", "must end in one of .h, .cpp, .py, .json"),
        ("schedule", "must end in one of"),
        ("missing/schedule.h", "there is no folder"),
        ("folder.h", "can't be written"),
        ("file.h/schedule.h", "there is no folder"),
    ],
)
def test_paths_that_can_t_be_written_are_refused(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder.h").mkdir()
    (tmp_path / "file.h").write_text("")
    for attempt in (check_path, result_of("blur", TILED).export):
        with pytest.raises(ExportError, match=says):
            attempt(tmp_path / name)


@pytest.mark.parametrize("name", ["schedule.h", "schedule.py", "a.b.json"])
def test_paths_that_can(tmp_path: Path, name: str) -> None:
    check_path(tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    for _ in range(2):  # a second time over the first
        result_of("blur", TILED).export(str(tmp_path / name))
    assert (tmp_path / name).stat().st_size > 100


@pytest.mark.parametrize(
    ("path", "name"), [("blur.schedule.h", "blur"), ("a-b c.h", "a_b_c"), (".h", "pipeline"), ("x/y.h", "y")]
)
def test_the_function_is_named_after_the_file(path: str, name: str) -> None:
    assert function_name(Path(path)) == name
