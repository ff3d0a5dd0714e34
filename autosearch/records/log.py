"""The tuning log: an append-only file of records, one JSON object a line."""

from __future__ import annotations

import gzip
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autosearch.errors import LogError
from autosearch.records.identity import Identity
from autosearch.records.record import PipelineRecord, RaceRecord, Record, TrialRecord, from_json, to_json


@dataclass(frozen=True)
class LogContent:
    """Everything read from a log. `damaged` lines (cut off by a crash, say) were skipped."""

    pipelines: tuple[PipelineRecord, ...] = ()
    trials: tuple[TrialRecord, ...] = ()
    races: tuple[RaceRecord, ...] = ()
    damaged: int = 0

    def of(self, identity: Identity) -> LogContent:
        """Only what was measured under `identity`."""
        return LogContent(
            self.pipelines,
            tuple(trial for trial in self.trials if trial.identity == identity),
            tuple(race for race in self.races if race.identity == identity),
            self.damaged,
        )

    def pipeline(self, fingerprint: str) -> PipelineRecord | None:
        """What is known of the algorithm with this fingerprint."""
        return next((one for one in self.pipelines if one.pipeline == fingerprint), None)


class Log:
    """A file that records are appended to, each in one write, at once."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open for appending. Raises `LogError` where that isn't possible."""
        self.path = Path(path)
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LogError(f"can't write the log {str(self.path)!r}: {error.strerror}; choose another path") from None
        if not stat.S_ISREG(os.fstat(self._fd).st_mode):
            os.close(self._fd)
            raise LogError(f"the log {str(self.path)!r} is not a regular file; choose another path")
        self._end_cut_off_line()
        self._torn = False

    def append(self, record: Record) -> None:
        """Write one record. Raises `LogError` where the disk is full or the file can't be written."""
        line = json.dumps(to_json(record), separators=(",", ":"), allow_nan=False).encode() + b"\n"
        if self._torn:
            line = b"\n" + line
        try:
            written = os.write(self._fd, line)
            self._torn = written < len(line)
            if self._torn:  # the disk filled up in the middle of the line; trying again says why
                os.write(self._fd, b"\n")
                self._torn = False
                raise LogError(f"the disk is full: a record was cut off in the log {str(self.path)!r}")
        except OSError as error:
            raise LogError(f"can't write the log {str(self.path)!r}: {error.strerror}") from None

    def read(self) -> LogContent:
        """All records now in the file."""
        return read_log(self.path)

    def close(self) -> None:
        os.close(self._fd)

    def _end_cut_off_line(self) -> None:
        size = os.fstat(self._fd).st_size
        if size and os.pread(self._fd, 1, size - 1) != b"\n":
            os.write(self._fd, b"\n")


def read_log(path: str | os.PathLike[str]) -> LogContent:
    """Read a log, compressed if its name ends in `.gz`. Lines that can't be read are counted and skipped.

    Raises `LogError` where the file can't be read, or holds no record at all though it isn't empty.
    """
    pipelines: list[PipelineRecord] = []
    trials: list[TrialRecord] = []
    races: list[RaceRecord] = []
    damaged = 0
    first_error = ""
    for line in _lines(Path(path)):
        try:
            record = from_json(json.loads(line))
        except (ValueError, RecursionError) as error:
            damaged += 1
            first_error = first_error or f"not JSON ({error})"
            continue
        except LogError as error:
            damaged += 1
            first_error = first_error or str(error)
            continue
        if isinstance(record, PipelineRecord):
            pipelines.append(record)
        elif isinstance(record, RaceRecord):
            races.append(record)
        else:
            trials.append(record)
    if damaged and not (pipelines or trials or races):
        raise LogError(f"{str(path)!r} is not a tuning log: {first_error}")
    return LogContent(tuple(pipelines), tuple(trials), tuple(races), damaged)


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for line in file:
                if line.strip():
                    yield line
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LogError(f"can't read the log {str(path)!r}: {reason}") from None
