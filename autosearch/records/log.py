"""The tuning log: an append-only file of records, one JSON object a line."""

from __future__ import annotations

import errno
import fcntl
import gzip
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autosearch.errors import LogError
from autosearch.garbage import no_collection
from autosearch.records.identity import Identity
from autosearch.records.lines import LineReader
from autosearch.records.record import MinimalRecord, PipelineRecord, RaceRecord, Record, TrialRecord, to_json


@dataclass(frozen=True)
class LogContent:
    """Everything read from a log. `damaged` lines (cut off by a crash, say) were skipped."""

    pipelines: tuple[PipelineRecord, ...] = ()
    trials: tuple[TrialRecord, ...] = ()
    races: tuple[RaceRecord, ...] = ()
    damaged: int = 0
    minimal: tuple[MinimalRecord, ...] = ()

    def of(self, identity: Identity) -> LogContent:
        """Only what was measured under `identity`."""
        return LogContent(
            self.pipelines,
            tuple(trial for trial in self.trials if trial.identity == identity),
            tuple(race for race in self.races if race.identity == identity),
            self.damaged,
            tuple(one for one in self.minimal if one.identity == identity),
        )

    def pipeline(self, fingerprint: str) -> PipelineRecord | None:
        """What is known of the algorithm with this fingerprint."""
        return next((one for one in self.pipelines if one.pipeline == fingerprint), None)


_POLL_SECONDS = 0.005
_BUFFER = 1 << 20
"""Bytes: a line takes some thousand."""


def moments(trials: Iterable[TrialRecord]) -> list[float]:
    """Seconds of tuning until each trial, in the order of the log; runs that went on from the log are laid end to end."""
    result: list[float] = []
    before = last = 0.0
    for one in trials:
        if one.elapsed < last:
            before += last
        last = one.elapsed
        result.append(before + last)
    return result


class Log:
    """A file that records are appended to, each in one write, at once. Several processes may share it, see `turn`."""

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
        self._known = 0
        """Bytes from the start that this process has read, or written in a turn of its own."""
        self._in_turn = False

    def append(self, record: Record) -> None:
        """Write one record. Raises `LogError` where the disk is full or the file can't be written."""
        line = json.dumps(to_json(record), separators=(",", ":"), allow_nan=False).encode() + b"\n"
        if self._torn:
            line = b"\n" + line
        try:
            written = os.write(self._fd, line)
            if self._in_turn:
                self._known = os.lseek(self._fd, 0, os.SEEK_CUR)
            self._torn = written < len(line)
            if self._torn:  # the disk filled up in the middle of the line; trying again says why
                os.write(self._fd, b"\n")
                self._torn = False
                raise LogError(f"the disk is full: a record was cut off in the log {str(self.path)!r}")
        except OSError as error:
            raise LogError(f"can't write the log {str(self.path)!r}: {error.strerror}") from None

    def read(self) -> LogContent:
        """All records now in the file. Raises `LogError` where it holds none though it isn't empty."""
        self._known = os.fstat(self._fd).st_size
        return _checked(os.pread(self._fd, self._known, 0).splitlines(), self.path)

    def news(self) -> LogContent:
        """The records that other processes have added since this one last read or, in a turn of its own, wrote."""
        size = os.fstat(self._fd).st_size
        added = os.pread(self._fd, size - self._known, self._known)
        self._known = size
        return _parse(added.splitlines())[0]

    @contextmanager
    def turn(self, patience: float) -> Iterator[bool]:
        """Keep other processes out of their turns; False where they didn't let go within `patience` seconds.

        The lock is advisory and ends with the process. Where the file system has none, there is nothing to wait for.
        """
        taken = self._lock(patience)
        try:
            if taken:
                self._in_turn = True
                self._end_cut_off_line()  # of a process that died
            yield taken
        finally:
            if taken:
                self._in_turn = False
                fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _lock(self, patience: float) -> bool:
        end = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > end:
                    return False
                time.sleep(_POLL_SECONDS)
            except OSError as error:
                if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS):
                    return True
                raise LogError(f"can't lock the log {str(self.path)!r}: {error.strerror}") from None

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
    return _checked(_lines(Path(path)), Path(path))


def _checked(lines: Iterable[bytes], path: Path) -> LogContent:
    content, first_error = _parse(lines)
    if content.damaged and not (content.pipelines or content.trials or content.races or content.minimal):
        raise LogError(f"{str(path)!r} is not a tuning log: {first_error}")
    return content


def _parse(lines: Iterable[bytes]) -> tuple[LogContent, str]:
    """The records in some lines, and what was wrong with the first that is damaged."""
    with no_collection():
        return _parse_all(lines)


def _parse_all(lines: Iterable[bytes]) -> tuple[LogContent, str]:
    pipelines: list[PipelineRecord] = []
    trials: list[TrialRecord] = []
    races: list[RaceRecord] = []
    minimal: list[MinimalRecord] = []
    damaged = 0
    first_error = ""
    reader = LineReader()
    for line in lines:
        if not line or line.isspace():
            continue
        try:
            record = reader.read(line)
        except LogError as error:
            damaged += 1
            first_error = first_error or str(error)
            continue
        if isinstance(record, PipelineRecord):
            pipelines.append(record)
        elif isinstance(record, RaceRecord):
            races.append(record)
        elif isinstance(record, MinimalRecord):
            minimal.append(record)
        else:
            trials.append(record)
    return LogContent(tuple(pipelines), tuple(trials), tuple(races), damaged, tuple(minimal)), first_error


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb", _BUFFER) as file:
            yield from file
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LogError(f"can't read the log {str(path)!r}: {reason}") from None
