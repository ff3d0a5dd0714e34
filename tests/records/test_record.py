"""Records as JSON: what was written is what is read, and nothing malformed gets through or crashes the reader."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from autosearch.errors import LogError
from autosearch.records.record import Record, from_json, to_json
from tests.made import blur_race, blur_records, trial
from tests.records.drawn import RECORDS

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[2] / "docs" / "records.schema.json").read_text()))
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))


@given(RECORDS)
def test_what_is_written_is_read(record: Record) -> None:
    line = json.dumps(to_json(record), allow_nan=False)
    assert "\n" not in line
    assert from_json(json.loads(line)) == record


@given(RECORDS)
def test_what_is_written_is_as_the_schema_says(record: Record) -> None:
    SCHEMA.validate(json.loads(json.dumps(to_json(record))))


@pytest.mark.parametrize("name", ["kind", "format", "identity", "times"])
def test_the_schema_demands_what_the_reader_demands(name: str) -> None:
    content = {key: value for key, value in EXAMPLES[0].items() if key != name}
    assert not SCHEMA.is_valid(content)
    with pytest.raises(LogError):
        from_json(content)


@given(JSON)
def test_anything_else_is_refused(content: Any) -> None:
    with pytest.raises(LogError):
        from_json(content)


def _places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values inside a JSON value."""
    inner = list(
        content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    )
    return [place for key, value in inner for place in [(*path, key), *_places(value, (*path, key))]]


def _replaced(content: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(content))
    inside = copy
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    return copy


EXAMPLES = [to_json(blur_records()[-1]), to_json(blur_race())]


@settings(max_examples=150)
@given(st.sampled_from(EXAMPLES), st.data(), JSON)
def test_a_damaged_record_is_refused_or_read(content: dict[str, Any], data: st.DataObject, value: Any) -> None:
    damaged = _replaced(content, data.draw(st.sampled_from(_places(content))), value)
    try:
        record = from_json(damaged)
    except LogError as error:
        assert str(error)
    else:
        to_json(record)


@pytest.mark.parametrize(
    ("place", "value", "says"),
    [
        (("format",), 2, "format 2; this version reads format 1"),
        (("kind",), "note", "unknown kind 'note'"),
        (("kind",), [], "unknown kind"),
        (("times", 0), -1.0, "not a time"),
        (("times", 0), "fast", "expected a number, got str"),
        (("paces",), [1.0], "as many paces"),
        (("paces",), [1.0, 1.0, 0.0], "not a time"),
        (("times", 0), float("nan"), "not a time"),
        pytest.param(("elapsed",), 10**400, "malformed", id="too large for a float"),
        (("identity",), {"pipeline": "p"}, "lacks 'sizes'"),
        (("identity", "threads"), "two", "wrong type"),
        (("schedule", 0), ["blur_y", "vectorise", "x"], "unknown directive 'vectorise'"),
        (("trace",), {"k": 1.5}, "a word or a number"),
        (("seed",), True, "expected int, got bool"),
    ],
)
def test_what_is_wrong_is_named(place: tuple[Any, ...], value: Any, says: str) -> None:
    with pytest.raises(LogError, match=says):
        from_json(_replaced(EXAMPLES[0], place, value))


def test_a_race_needs_a_row_for_every_contender() -> None:
    content = to_json(blur_race())
    for samples in (content["samples"][:1], [content["samples"][0], content["samples"][1][:2]]):
        with pytest.raises(LogError, match="as many samples"):
            from_json({**content, "samples": samples})


def test_kinds_are_told_apart() -> None:
    kinds = [to_json(record)["kind"] for record in (*blur_records(), blur_race())]
    assert kinds == ["baseline"] * 3 + ["trial"] * 3 + ["race"]


def test_the_time_to_go_by_is_that_at_the_usual_pace() -> None:
    record = trial("blur", None, 1e-3, 3e-3, 9e-3, paces=(1.0, 1.5, 3.0))
    assert record.samples == pytest.approx((1e-3, 2e-3, 3e-3)) and record.seconds == pytest.approx(2e-3)
    assert from_json(json.loads(json.dumps(to_json(record)))) == record
    assert math.isnan(trial("blur", None, failure="wrong").seconds)


def test_a_record_is_good_if_it_has_times() -> None:
    assert trial("blur", None, 1e-3).ok and not trial("blur", None, failure="wrong").ok
