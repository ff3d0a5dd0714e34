"""A space as it was measured: every point's answers, schedule, cost and time; read from a file, or from a tuning log."""

from __future__ import annotations

import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from autosearch.choices import Trace
from autosearch.errors import AutoSearchError, LogError
from autosearch.records.identity import Identity
from autosearch.records.log import read_log
from autosearch.records.record import TrialRecord
from autosearch.schedule.schedule import Schedule

FORMAT = 1
KIND = "recorded-space"
SAMPLE_SECONDS = 0.002
"""A sample is as many calls as take this long, after an untimed one (`autosearch.measure.protocol.Effort`)."""
RUN_TIMEOUT_SECONDS = 1.0
"""What a kernel that didn't end is taken to have cost: the least limit that the measurer sets."""
RANDOM = "random"
"""Whose trials make a sample of a space: only random ones come as often as the space itself holds them."""


@dataclass(frozen=True)
class Point:
    """One schedule of a space, and what measuring it cost and gave."""

    trace: Trace
    schedule: Schedule
    compile_seconds: float
    timing_seconds: float
    """What running it took, all samples together."""
    seconds: float | None
    """Its time; None where it failed."""
    failure: str = ""
    """Why, see `autosearch.measure.protocol.Failure`."""


@dataclass(frozen=True)
class Recording:
    """All points of a space, or a sample of them."""

    name: str
    identity: Identity
    points: tuple[Point, ...]
    exhaustive: bool
    """Whether these are all points that the space has."""
    provenance: Mapping[str, str] = field(default_factory=dict)
    """How it came about: the command, the date, what the space was made of."""

    def times(self) -> list[float]:
        """Seconds of all points that ran, fastest first."""
        return sorted(one.seconds for one in self.points if one.seconds is not None)

    def failures(self) -> dict[str, int]:
        """How many points failed for each reason, the most frequent first."""
        return dict(Counter(one.failure for one in self.points if one.failure).most_common())


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """A recorded space (`.json`, `.json.gz`), or the random trials of a log (`.jsonl`, `.jsonl.gz`). Raises `LogError`."""
    source = Path(path)
    if ".jsonl" in source.suffixes:
        return of_trials(source.name.partition(".")[0], random_trials(read_log(source).trials, str(path)))
    try:
        data = source.read_bytes()
        content = orjson.loads(gzip.decompress(data) if source.suffix == ".gz" else data)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise LogError(f"can't read the recorded space {str(path)!r}: {reason}") from None
    try:
        return from_json(content)
    except LogError as error:
        raise LogError(f"can't read the recorded space {str(path)!r}: {error}") from None


def write_recording(recording: Recording, path: str | os.PathLike[str]) -> None:
    """Write a recorded space, compressed if the name ends in `.gz`; whole or not at all. Raises `LogError`."""
    target = Path(path)
    data = orjson.dumps(to_json(recording))
    temporary = target.with_name(target.name + ".tmp")
    try:
        temporary.write_bytes(gzip.compress(data, 9, mtime=0) if target.suffix == ".gz" else data)
        os.replace(temporary, target)
    except OSError as error:
        raise LogError(f"can't write {str(path)!r}: {error.strerror}; choose another path") from None


def random_trials(trials: Iterable[TrialRecord], path: str) -> list[TrialRecord]:
    """The random trials of a log, with their answers. Raises `LogError` where it has none."""
    wanted = [one for one in trials if one.source == RANDOM and one.trace is not None]
    if not wanted:
        raise LogError(
            f"the log {path!r} holds no random trials with their answers, so it is no sample of a space: record one "
            "with autosearch tune --strategy random"
        )
    return wanted


def of_trials(
    name: str, trials: Iterable[TrialRecord], exhaustive: bool = False, provenance: Mapping[str, str] | None = None
) -> Recording:
    """What some trials, one at least, make of a space; only those of the identity that most of them have."""
    found = list(trials)
    ((identity, _),) = Counter(one.identity for one in found).most_common(1)
    points: dict[str, Point] = {}
    for one in found:
        if one.identity == identity and one.trace is not None and one.schedule is not None:
            points.setdefault(one.schedule.digest, _point_of(one, one.trace, one.schedule))
    return Recording(name, identity, tuple(points.values()), exhaustive, dict(provenance or {}))


def _point_of(trial: TrialRecord, trace: Trace, schedule: Schedule) -> Point:
    timing = sum(max(SAMPLE_SECONDS, time) + time for time in trial.times)
    if trial.failure == "run-timeout":
        timing = RUN_TIMEOUT_SECONDS
    seconds = trial.seconds if trial.ok else None
    return Point(trace, schedule, trial.compile_seconds, timing, seconds, trial.failure)


def to_json(recording: Recording) -> dict[str, Any]:
    """As a JSON object, times to five digits."""
    return {
        "kind": KIND,
        "format": FORMAT,
        "name": recording.name,
        "exhaustive": recording.exhaustive,
        "identity": recording.identity.to_json(),
        "provenance": dict(recording.provenance),
        "points": [
            [
                one.trace.to_json(),
                one.schedule.to_json(),
                _short(one.compile_seconds),
                _short(one.timing_seconds),
                None if one.seconds is None else _short(one.seconds),
                one.failure,
            ]
            for one in recording.points
        ],
    }


def from_json(content: Any) -> Recording:
    """The inverse of `to_json`. Raises `LogError` on anything malformed."""
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise LogError("it is not a recorded space")
    if content.get("format") != FORMAT:
        raise LogError(f"it is of format {content.get('format')!r}; this version reads format {FORMAT}")
    try:
        identity = Identity.from_json(content["identity"])
        rows = _typed(content["points"], list)
        points = tuple(_point(row) for row in rows)
        provenance = {_typed(k, str): _typed(v, str) for k, v in _typed(content["provenance"], dict).items()}
        name, exhaustive = _typed(content["name"], str), _typed(content["exhaustive"], bool)
    except (KeyError, TypeError, ValueError, AutoSearchError) as error:
        raise LogError(f"it is malformed: {error}") from None
    if not points:
        raise LogError("it holds no points")
    if len({one.schedule.digest for one in points}) < len(points):
        raise LogError("it is malformed: two points are the same schedule")
    return Recording(name, identity, points, exhaustive, provenance)


def _point(row: Any) -> Point:
    trace, schedule, compile_seconds, timing_seconds, seconds, failure = _typed(row, list)
    if (seconds is None) != bool(_typed(failure, str)):
        raise ValueError("a point has either a time or a failure")
    return Point(
        Trace.from_json(trace),
        Schedule.from_json(schedule),
        _seconds(compile_seconds),
        _seconds(timing_seconds),
        None if seconds is None else _seconds(seconds, positive=True),
        failure,
    )


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def _seconds(value: Any, positive: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected seconds, got {type(value).__name__}")
    if not 0.0 <= value < 1e7 or (positive and value == 0.0):
        raise ValueError(f"{value} is not a time in seconds")
    return float(value)


def _short(seconds: float) -> float:
    return float(f"{seconds:.5g}")
