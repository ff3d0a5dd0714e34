"""Lines of a log read quickly: the same records, and the same refusals, as from JSON read as any other."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from autosearch.choices import Trace
from autosearch.errors import LogError
from autosearch.records.lines import LineReader
from autosearch.records.record import Record, TrialRecord, from_json, to_json
from tests.made import TILED, trial
from tests.records.drawn import RECORDS

NAMES = st.text(st.sampled_from('"],[{}:\\schedultracim/é'), min_size=1, max_size=8)


def _line(record: Record) -> bytes:
    return json.dumps(to_json(record), separators=(",", ":")).encode()


def _slowly(line: bytes) -> Record | None:
    try:
        return from_json(json.loads(line))
    except (LogError, ValueError):
        return None


def _quickly(line: bytes) -> Record | None:
    try:
        return LineReader().read(line)
    except LogError:
        return None


@given(st.lists(RECORDS, max_size=4))
def test_lines_read_as_any_json_does(records: list[Record]) -> None:
    reader = LineReader()
    assert [reader.read(_line(record)) for record in records] == records


@given(
    st.lists(st.tuples(NAMES, NAMES | st.integers(0, 9)), min_size=1, max_size=4, unique_by=lambda one: one[0]), NAMES
)
def test_names_that_look_like_json_are_only_names(answers: list[tuple[str, str | int]], source: str) -> None:
    record = replace(trial("blur", TILED, 1e-3), trace=Trace(tuple(answers)), source=source, message=source)
    assert LineReader().read(_line(record)) == record


@given(st.data())
def test_damage_anywhere_is_seen_as_it_is_slowly(data: st.DataObject) -> None:
    line = bytearray(_line(replace(trial("blur", TILED, 1e-3), trace=Trace((("a.0/width", 8), ("a/place", "root"))))))
    place = data.draw(st.integers(0, len(line) - 1))
    line[place : place + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from([b"", b'"', b"]", b",", b"{", b"x"]))
    quick, slow = _quickly(bytes(line)), _slowly(bytes(line))
    assert quick == slow


def test_directives_and_answers_are_kept_once() -> None:
    reader = LineReader()
    line = _line(replace(trial("blur", TILED, 1e-3), trace=Trace((("a.0/width", 8),))))
    one, two = reader.read(line), reader.read(line)
    assert isinstance(one, TrialRecord) and one.schedule is not None and one.trace is not None
    assert isinstance(two, TrialRecord) and two.schedule is not None and two.trace is not None
    assert all(a is b for a, b in zip(one.schedule, two.schedule, strict=True))
    assert one.trace.answers[0] is two.trace.answers[0]
