"""The log: what was appended is there, whatever else is in the file, whoever else writes to it."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autosearch.errors import LogError
from autosearch.records.log import Log, LogContent, read_log
from autosearch.records.record import PipelineRecord, RaceRecord, Record, TrialRecord, to_json
from tests.made import TILED, blur_race, blur_records, trial, write_log
from tests.records.drawn import RECORDS


def _content(records: list[Record], damaged: int = 0) -> LogContent:
    """What reading a log of these records should give."""
    return LogContent(
        tuple(record for record in records if isinstance(record, PipelineRecord)),
        tuple(record for record in records if isinstance(record, TrialRecord)),
        tuple(record for record in records if isinstance(record, RaceRecord)),
        damaged,
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(RECORDS, max_size=5), st.lists(RECORDS, max_size=3))
def test_what_is_appended_is_read(tmp_path: Path, first: list[Record], then: list[Record]) -> None:
    path = tmp_path / "log.jsonl"
    path.unlink(missing_ok=True)
    for records in (first, then):
        log = Log(path)
        for record in records:
            log.append(record)
        assert log.read() == read_log(path)
        log.close()
    assert read_log(path) == _content([*first, *then])


def test_each_record_is_on_disk_at_once(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    for count, record in enumerate(blur_records(), start=1):
        log.append(record)
        assert len(read_log(log.path).trials) == count
    log.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_log_cut_off_anywhere_loses_only_the_last_line(tmp_path: Path, data: st.DataObject) -> None:
    whole = write_log(tmp_path / "whole.jsonl").read_bytes()
    length = data.draw(st.integers(whole.index(b"\n") + 1, len(whole) - 1))
    path = tmp_path / "cut.jsonl"
    path.write_bytes(whole[:length])
    lines = whole[:length].split(b"\n")
    cut_off = lines.pop()
    complete = cut_off.endswith(b"}") and cut_off + b"\n" in whole  # cut between the record and its newline
    kept = len(lines) + complete
    before = read_log(path)
    assert len(before.pipelines + before.trials + before.races) == kept
    assert before.damaged == (1 if cut_off and not complete else 0)
    log = Log(path)
    log.append(blur_records()[0])
    log.close()
    after = read_log(path)
    assert after.trials == (*before.trials, blur_records()[0]) and after.damaged == before.damaged


@pytest.mark.parametrize(
    "line", [b"{}", b"[]", b"nonsense", b"\xff\xfe\x00", b'{"format": 7}', b"[" * 100_000, b"1e999"]
)
def test_foreign_lines_are_counted_and_skipped(tmp_path: Path, line: bytes) -> None:
    path = write_log(tmp_path / "log.jsonl")
    good = read_log(path)
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(first + b"\n" + line + b"\n\n" + rest + line)
    content = read_log(path)
    assert (content.pipelines, content.trials, content.races) == (good.pipelines, good.trials, good.races)
    assert content.damaged == 2


def test_a_file_that_is_no_log_at_all_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.txt"
    path.write_text("two eggs\nflour\n")
    with pytest.raises(LogError, match=r"recipe\.txt' is not a tuning log: not JSON"):
        read_log(path)
    path.write_text(json.dumps({"format": 9, "kind": "trial"}))
    with pytest.raises(LogError, match="format 9"):
        read_log(path)


def test_an_empty_log_is_a_log(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"")
    assert read_log(path) == LogContent()


def test_paths_that_can_t_be_opened(tmp_path: Path) -> None:
    for bad in (tmp_path, tmp_path / "missing" / "log.jsonl"):
        with pytest.raises(LogError, match="can't write the log"):
            Log(bad)
    with pytest.raises(LogError, match="can't read the log"):
        read_log(tmp_path / "missing.jsonl")


@pytest.mark.parametrize("device", ["/dev/null", "/dev/full"])
def test_what_keeps_nothing_is_no_log(device: str) -> None:
    with pytest.raises(LogError, match="not a regular file"):
        Log(device)


def test_a_file_that_can_t_grow_is_an_error_and_loses_nothing_written(tmp_path: Path) -> None:
    first, second = blur_records()[:2]
    log = Log(tmp_path / "log.jsonl")
    log.append(first)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 10, before[1]))  # as if the disk were full
    try:
        with pytest.raises(LogError, match=r"too large|full"):
            log.append(second)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    log.append(second)
    log.close()
    assert read_log(log.path).trials == (first, second)


WRITER = """
import sys
from autosearch.records.log import Log
from tests.made import ROOT, trial
log = Log(sys.argv[1])
for number in range(200):
    log.append(trial("blur", ROOT, 1.0 + number, note=sys.argv[2] * 300))
"""


def test_two_writers_on_one_log_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    content = read_log(path)
    assert content.damaged == 0 and len(content.trials) == 400
    for name in "ab":
        times = [record.times[0] for record in content.trials if record.note.startswith(name)]
        assert times == [1.0 + number for number in range(200)]


def test_only_what_was_measured_under_the_same_circumstances_counts(tmp_path: Path) -> None:
    path = write_log(tmp_path / "log.jsonl")
    here = blur_records()[0].identity
    log = Log(path)
    log.append(trial("blur", None, 1.0, identity=replace(here, cpu="another")))
    log.append(replace(blur_race(), identity=replace(here, target="another")))
    log.close()
    content = read_log(path)
    assert len(content.trials) == 7 and len(content.races) == 2
    assert content.of(here).trials == blur_records() and content.of(here).races == (blur_race(),)
    assert content.pipeline(here.pipeline) is not None and content.pipeline("nothing") is None


def test_a_line_is_one_self_contained_object(tmp_path: Path) -> None:
    lines = write_log(tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines[1:]] == [to_json(one) for one in (*blur_records(), blur_race())]
    assert all({"kind", "format"} <= json.loads(line).keys() for line in lines)


# Several processes -----------------------------------------------------------------------------------------------------


def test_what_others_add_is_news_and_what_this_one_writes_is_not(tmp_path: Path) -> None:
    one, other = Log(tmp_path / "log.jsonl"), Log(tmp_path / "log.jsonl")
    first, second, third, fourth = (trial("blur", TILED, number * 1e-3) for number in range(1, 5))
    one.append(first)
    assert one.read() == other.read() == _content([first])
    with one.turn(0.0) as taken:
        assert taken and one.news() == LogContent()
        one.append(second)
    with other.turn(0.0) as taken:
        assert taken and other.news() == _content([second])
        other.append(third)
        other.append(fourth)
        assert other.news() == LogContent()
    assert one.news() == _content([third, fourth]) and one.news() == LogContent()
    one.close()
    other.close()


def test_only_one_has_its_turn(tmp_path: Path) -> None:
    one, other = Log(tmp_path / "log.jsonl"), Log(tmp_path / "log.jsonl")
    with one.turn(0.0) as first:
        with other.turn(0.02) as second:
            assert (first, second) == (True, False)
        with other.turn(0.0) as second:
            assert not second
    with other.turn(0.0) as second:
        assert second
    one.close()
    other.close()


def test_a_turn_ends_the_line_that_another_left_unfinished(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log, other = Log(path), trial("blur", TILED, 2e-3)
    with path.open("ab") as file:
        file.write(b'{"kind": "tri')
    with log.turn(0.0):
        log.append(other)
    assert log.read() == _content([other], damaged=1)
    log.close()
