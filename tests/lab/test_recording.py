"""Recorded spaces as files: what is written is read; what is malformed is refused in a sentence."""

from __future__ import annotations

import copy
import gzip
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.errors import AutoSearchError, LogError
from autosearch.lab.recording import from_json, read_recording, to_json, write_recording
from autosearch.records.log import Log
from autosearch.records.record import TrialRecord
from tests.lab.samples import IDENTITY, whole

CONTENT = to_json(whole(1, failing=5))


@pytest.mark.parametrize("name", ["space.json", "space.json.gz"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    recording = whole(2, failing=5)
    write_recording(recording, tmp_path / name)
    read = read_recording(tmp_path / name)
    assert read == replace(recording, points=read.points)
    for point, own in zip(read.points, recording.points, strict=True):
        assert point.seconds == (pytest.approx(own.seconds, rel=1e-4) if own.seconds else None)
        assert (point.trace, point.schedule, point.failure) == (own.trace, own.schedule, own.failure)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_random_trials_of_a_log_are_a_sample(tmp_path: Path) -> None:
    points = whole(1).points
    log = Log(tmp_path / "some.jsonl")
    for place, one in enumerate(points):
        times, failure = ((), "run-timeout") if place == 3 else ((0.004, 0.002, 0.003), "")
        source = "seed" if place == 0 else "random"
        log.append(TrialRecord(IDENTITY, source, one.schedule, one.trace, times, failure, compile_seconds=0.5))
    log.append(TrialRecord(replace(IDENTITY, cpu="another"), "random", points[0].schedule, points[0].trace, (1.0,)))
    log.close()
    (tmp_path / "some.jsonl.gz").write_bytes(gzip.compress((tmp_path / "some.jsonl").read_bytes()))
    for name in ("some.jsonl", "some.jsonl.gz"):
        sample = read_recording(tmp_path / name)
        assert (sample.name, sample.identity, sample.exhaustive) == ("some", IDENTITY, False)
        assert [one.trace for one in sample.points] == [one.trace for one in points[1:]]
        assert (sample.points[0].seconds, sample.points[0].compile_seconds) == (0.003, 0.5)
        assert sample.points[0].timing_seconds == pytest.approx(0.008 + 0.004 + 0.006)  # each after an untimed call
        assert (sample.points[2].seconds, sample.points[2].timing_seconds) == (None, 1.0)


def test_a_log_without_random_trials_is_no_sample(tmp_path: Path) -> None:
    Log(tmp_path / "empty.jsonl").close()
    with pytest.raises(LogError, match=r"no random trials .* autosearch tune --strategy random"):
        read_recording(tmp_path / "empty.jsonl")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"kind":"recorded-space","format":2}',
        b'{"kind":"recorded-space","format":1}',
        b"\xff",
    ],
)
@pytest.mark.parametrize("name", ["bad.json", "bad.json.gz"])
def test_what_is_no_recording_is_refused(tmp_path: Path, data: bytes, name: str) -> None:
    for content in (data, gzip.compress(data), gzip.compress(data)[:-4]):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(LogError, match="can't read the recorded space"):
            read_recording(tmp_path / name)


def test_what_is_missing_or_cant_be_written(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="No such file"):
        read_recording(tmp_path / "missing.json")
    with pytest.raises(LogError, match="can't write"):
        write_recording(whole(1), tmp_path / "no" / "folder.json")


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_malformed_passes_or_breaks(data: Any) -> None:
    """Anything put in the place of any part is read as a recording, or refused with an error of ours."""
    content = copy.deepcopy(CONTENT)
    part: Any = content
    while True:
        key = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
        inner = part[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            break
        part = inner
    part[key] = data.draw(_ANYTHING)
    try:
        read = from_json(content)
    except AutoSearchError:
        return
    assert orjson.loads(orjson.dumps(to_json(read)))["points"]
