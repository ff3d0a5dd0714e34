"""The records of a tuning log: one JSON object a line, each complete in itself.

Kinds: `pipeline` (what an algorithm with a given fingerprint consists of, for messages), `trial` (one schedule
measured), `baseline` (the same for a baseline, by name), `race` (finalists timed in turn), `minimal` (the winner with
what doesn't matter left out). See docs/records.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from autosearch.choices import Trace
from autosearch.errors import AutoSearchError, LogError
from autosearch.measure.statistics import adjusted, paired_ratio, typical
from autosearch.records.identity import Identity
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.shorthand import length

FORMAT = 1
SEED = "seed"
"""The source of trials that are the nearest that the space holds to a baseline."""


@dataclass(frozen=True)
class PipelineRecord:
    """An algorithm at some sizes: digests of its Funcs' definitions, so that a later mismatch can be named."""

    pipeline: str
    name: str
    funcs: Mapping[str, str]
    sizes: Mapping[str, Any]
    stored: Mapping[str, Any] | None = None
    """The pipeline itself, see `autosearch.pipeline.stored`; read only when it is needed."""


@dataclass(frozen=True)
class TrialRecord:
    """One candidate measured. `baseline` is its name where it is one; `failure` says why `times` is empty."""

    identity: Identity
    source: str
    """Who proposed it: a strategy, or `SEED`."""
    schedule: Schedule | None
    """None for a baseline that can't be expressed as one."""
    trace: Trace | None
    times: tuple[float, ...] = ()
    """Seconds a call, of every repeat."""
    failure: str = ""
    message: str = ""
    compile_seconds: float = 0.0
    elapsed: float = 0.0
    """Seconds since its run of the tuner began."""
    seed: int = 0
    """Of the inputs' random values."""
    baseline: str = ""
    note: str = ""
    predicted: float | None = None
    """What the cost model expected, seconds."""
    paces: tuple[float, ...] = ()
    """How slow the machine was at each of `times`, as a factor; none where that wasn't observed."""
    affinity: str = ""
    """The cores that it could run on, as in `0-3,8`."""

    @property
    def ok(self) -> bool:
        return bool(self.times)

    @property
    def samples(self) -> tuple[float, ...]:
        """`times`, each as it had been at the machine's usual pace."""
        return adjusted(self.times, self.paces)

    @property
    def seconds(self) -> float:
        """The time to go by: the median of `samples`, NaN where there are none."""
        return typical(self.samples) if self.times else math.nan


@dataclass(frozen=True)
class RaceRecord:
    """Finalists timed in turn: for each, by name, its samples in seconds; None in rounds that it sat out."""

    identity: Identity
    contenders: tuple[tuple[str, Schedule | None], ...]
    samples: tuple[tuple[float | None, ...], ...]
    elapsed: float = 0.0
    after: int = 0
    """Trials measured before it."""
    failures: Mapping[str, str] = field(default_factory=dict)
    """By name: why a contender has no samples."""
    by_size: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    """Where several sizes were tuned for, by name: for each sample the seconds at each size, the largest first."""
    linked: bool = False
    """Whether all were compiled ahead of time and linked; else in memory."""

    def at_size(self, place: int, size: int) -> tuple[float | None, ...]:
        """The samples of one contender at one of several sizes."""
        name, _ = self.contenders[place]
        own = iter(self.by_size.get(name, ()))
        return tuple(None if one is None else next(own)[size] for one in self.samples[place])


@dataclass(frozen=True)
class MinimalRecord:
    """The best schedule with what doesn't matter left out, timed in turn with it."""

    identity: Identity
    whole: Schedule
    schedule: Schedule
    samples: tuple[tuple[float | None, ...], tuple[float | None, ...]]
    """Seconds of the short form and of the whole, in turn; None in rounds that it sat out."""

    def summary(self) -> str:
        """In a sentence."""
        before, after = length(self.whole), length(self.schedule)
        ratio = paired_ratio(*self.samples)
        return f"{after} calls instead of {before}, taking {ratio} of the time"


Record = PipelineRecord | TrialRecord | RaceRecord | MinimalRecord


def to_json(record: Record) -> dict[str, Any]:
    """A record as a JSON object."""
    if isinstance(record, PipelineRecord):
        return {
            "kind": "pipeline",
            "format": FORMAT,
            "pipeline": record.pipeline,
            "name": record.name,
            "funcs": dict(record.funcs),
            "sizes": dict(record.sizes),
            **({"stored": dict(record.stored)} if record.stored is not None else {}),
        }
    if isinstance(record, RaceRecord):
        return {
            "kind": "race",
            "format": FORMAT,
            "identity": record.identity.to_json(),
            "contenders": [[name, _schedule_json(schedule)] for name, schedule in record.contenders],
            "samples": [list(times) for times in record.samples],
            "elapsed": round(record.elapsed, 3),
            "after": record.after,
            **({"failures": dict(record.failures)} if record.failures else {}),
            **({"by_size": {name: [list(one) for one in each] for name, each in record.by_size.items()}}
               if record.by_size else {}),
            **({"linked": True} if record.linked else {}),
        }
    if isinstance(record, MinimalRecord):
        return {
            "kind": "minimal",
            "format": FORMAT,
            "identity": record.identity.to_json(),
            "whole": record.whole.to_json(),
            "schedule": record.schedule.to_json(),
            "samples": [list(times) for times in record.samples],
        }
    content: dict[str, Any] = {
        "kind": "baseline" if record.baseline else "trial",
        "format": FORMAT,
        "identity": record.identity.to_json(),
        "source": record.source,
        "schedule": _schedule_json(record.schedule),
        "trace": record.trace.to_json() if record.trace is not None else None,
        "times": list(record.times),
        "failure": record.failure,
        "message": record.message,
        "compile_seconds": round(record.compile_seconds, 4),
        "elapsed": round(record.elapsed, 3),
        "seed": record.seed,
    }
    for key in ("baseline", "note", "predicted", "affinity"):
        if getattr(record, key):
            content[key] = getattr(record, key)
    if record.paces:
        content["paces"] = list(record.paces)
    return content


def from_json(content: Any) -> Record:
    """The record that a JSON object holds. Raises `LogError` with what is wrong."""
    if not isinstance(content, dict):
        raise LogError("a line of a log must be a JSON object")
    if content.get("format") != FORMAT:
        raise LogError(f"this log is of format {content.get('format')!r}; this version reads format {FORMAT}")
    kind = content.get("kind")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise LogError(f"a record of unknown kind {kind!r}")
    try:
        return reader(content)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise LogError(f"a {content['kind']} record is malformed: {type(error).__name__} {error}") from None
    except LogError:
        raise
    except AutoSearchError as error:
        raise LogError(f"a {content['kind']} record is malformed: {error}") from None


def _pipeline(content: dict[str, Any]) -> PipelineRecord:
    funcs = _typed(content["funcs"], dict)
    return PipelineRecord(
        _typed(content["pipeline"], str),
        _typed(content.get("name", ""), str),
        {_typed(k, str): _typed(v, str) for k, v in funcs.items()},
        _typed(content.get("sizes", {}), dict),
        _typed(content["stored"], dict) if "stored" in content else None,
    )


def _trial(content: dict[str, Any]) -> TrialRecord:
    trace = content.get("trace")
    schedule = _schedule(content.get("schedule"))
    identity = Identity.from_json(content["identity"])
    return trial_from_json(content, identity, schedule, Trace.from_json(trace) if trace is not None else None)


def trial_from_json(
    content: Mapping[str, Any], identity: Identity, schedule: Schedule | None, trace: Trace | None
) -> TrialRecord:
    """A trial whose identity, schedule and trace have been read.

    Raises `LogError`, `KeyError`, `TypeError` or `ValueError`.
    """
    if content.get("format") != FORMAT or content["kind"] not in ("trial", "baseline"):
        raise ValueError("not a trial of this format")
    times, paces = _all_seconds(content["times"]), _all_seconds(content.get("paces", []))
    if len(paces) not in (0, len(times)):
        raise ValueError("as many paces are needed as times")
    return TrialRecord(
        identity,
        _typed(content.get("source", ""), str),
        schedule,
        trace,
        times,
        _typed(content.get("failure", ""), str),
        _typed(content.get("message", ""), str),
        _number(content.get("compile_seconds", 0.0)),
        _number(content.get("elapsed", 0.0)),
        _typed(content.get("seed", 0), int),
        _typed(content.get("baseline", ""), str),
        _typed(content.get("note", ""), str),
        _number(content["predicted"]) if content.get("predicted") is not None else None,
        paces,
        _typed(content.get("affinity", ""), str),
    )


def _race(content: dict[str, Any]) -> RaceRecord:
    contenders = tuple((_typed(name, str), _schedule(schedule)) for name, schedule in content["contenders"])
    samples = _samples(content["samples"], len(contenders))
    return RaceRecord(
        Identity.from_json(content["identity"]),
        contenders,
        samples,
        _number(content.get("elapsed", 0.0)),
        _typed(content.get("after", 0), int),
        {_typed(name, str): _typed(why, str) for name, why in _typed(content.get("failures", {}), dict).items()},
        _by_size(content.get("by_size", {}), [name for name, _ in contenders], samples),
        _typed(content.get("linked", False), bool),
    )


def _by_size(
    content: Any, names: list[str], samples: tuple[tuple[float | None, ...], ...]
) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Seconds at each size, as many as there are samples."""
    found = {_typed(name, str): tuple(_all_seconds(one) for one in each) for name, each in _typed(content, dict).items()}
    counts = {name: sum(one is not None for one in row) for name, row in zip(names, samples, strict=True)}
    if any(len(each) != counts.get(name) for name, each in found.items()):
        raise ValueError("as many times at each size are needed as samples")
    if len({len(one) for each in found.values() for one in each}) > 1:
        raise ValueError("every sample is of the same sizes")
    return found


def _samples(content: Any, contenders: int) -> tuple[tuple[float | None, ...], ...]:
    """Samples of a race, a row a contender."""
    samples = tuple(
        tuple(None if time is None else _seconds(time) for time in _typed(times, list)) for times in content
    )
    if len(samples) != contenders or len({len(times) for times in samples}) > 1:
        raise ValueError("as many samples are needed for every contender")
    return samples


def _minimal(content: dict[str, Any]) -> MinimalRecord:
    short, whole = _samples(content["samples"], 2)
    return MinimalRecord(
        Identity.from_json(content["identity"]),
        Schedule.from_json(content["whole"]),
        Schedule.from_json(content["schedule"]),
        (short, whole),
    )


_READERS: dict[str, Callable[[dict[str, Any]], Record]] = {
    "pipeline": _pipeline,
    "trial": _trial,
    "baseline": _trial,
    "race": _race,
    "minimal": _minimal,
}


def _schedule_json(schedule: Schedule | None) -> list[list[Any]] | None:
    return None if schedule is None else schedule.to_json()


def _schedule(content: Any) -> Schedule | None:
    return None if content is None else Schedule.from_json(content)


def _typed(value: Any, kind: type) -> Any:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, got {type(value).__name__}")
    return float(value)


def _all_seconds(values: Any) -> tuple[float, ...]:
    if _typed(values, list) and {*map(type, values)} == {float} and min(values) > 0.0 and max(values) < 1e7:
        return tuple(values)  # what there nearly always is, looked at once
    return tuple([_seconds(value) for value in values])


def _seconds(value: Any) -> float:
    seconds = _number(value)
    if not 0.0 < seconds < 1e7:
        raise ValueError(f"{seconds} is not a time in seconds")
    return seconds
