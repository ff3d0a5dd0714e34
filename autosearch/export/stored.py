"""A schedule as JSON, with the identity of its algorithm, and back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from autosearch.errors import MismatchError, ScheduleError
from autosearch.pipeline.fingerprint import describe_difference
from autosearch.pipeline.snapshot import Snapshot
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule

FORMAT = 1


def to_json(result: Result) -> dict[str, Any]:
    """The best schedule, what it is for and what it is worth."""
    snapshot = result.snapshot
    return {
        "kind": "schedule",
        "format": FORMAT,
        "pipeline": snapshot.fingerprint,
        "funcs": snapshot.func_digests,
        "sizes": snapshot.sizes.to_json(),
        "target": result.target,
        "seconds": result.best_time,
        "baselines": dict(result.baselines),
        "schedule": result.schedule.to_json(),
    }


def load_schedule(path: str | os.PathLike[str], snapshot: Snapshot) -> Schedule:
    """The schedule stored in a JSON file, for the algorithm of `snapshot`.

    Raises `ScheduleError` where the file can't be read, `MismatchError` where it is of another algorithm.
    """
    try:
        content = json.loads(Path(path).read_text())
    except OSError as error:
        raise ScheduleError(f"can't read {str(path)!r}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ScheduleError(f"{str(path)!r} is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("kind") != "schedule" or content.get("format") != FORMAT:
        raise ScheduleError(f"{str(path)!r} is not a schedule exported by AutoSearch in format {FORMAT}")
    schedule = Schedule.from_json(content.get("schedule"))
    if content.get("pipeline") != snapshot.fingerprint:
        funcs = content.get("funcs")
        known = {str(k): str(v) for k, v in funcs.items()} if isinstance(funcs, dict) else {}
        difference = describe_difference(known, snapshot.algorithm) or "its inputs or outputs differ"
        raise MismatchError(f"the schedule in {str(path)!r} is for another algorithm: {difference}; tune this one anew")
    return schedule
