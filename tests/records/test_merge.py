"""Merging logs: every record once, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from autosearch.errors import LogError
from autosearch.records.log import Log, read_log
from autosearch.records.merge import Merged, merge_logs
from tests.made import TILED, blur_records, trial, write_log


def test_every_record_once(tmp_path: Path) -> None:
    one, other, merged = write_log(tmp_path / "one.jsonl"), write_log(tmp_path / "other.jsonl"), tmp_path / "all.jsonl"
    log = Log(other)
    log.append(trial("blur", TILED, 1e-3, elapsed=9.0))
    log.close()
    lines = len(one.read_text().splitlines())
    assert merge_logs([one, other], merged) == Merged(lines + 1, lines, 0)
    content = read_log(merged)
    assert content.trials == (*blur_records(), trial("blur", TILED, 1e-3, elapsed=9.0))
    assert len(content.races) == len(content.pipelines) == 1


def test_damaged_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    one = write_log(tmp_path / "one.jsonl")
    one.write_text(one.read_text() + '{"kind": "tri\n')
    assert merge_logs([one], tmp_path / "all.jsonl").damaged == 1
    assert read_log(tmp_path / "all.jsonl").damaged == 0


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    one = write_log(tmp_path / "one.jsonl")
    before = one.read_bytes()
    with pytest.raises(LogError, match="exists already"):
        merge_logs([one], one)
    assert one.read_bytes() == before


@pytest.mark.parametrize("output", ["nowhere/all.jsonl", "all.jsonl"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, output: str) -> None:
    logs = [write_log(tmp_path / "one.jsonl"), *([tmp_path / "missing.jsonl"] if output == "all.jsonl" else [])]
    with pytest.raises(LogError, match=r"can't (read|write)"):
        merge_logs(logs, tmp_path / output)
    assert [path.name for path in tmp_path.iterdir()] == ["one.jsonl"]
