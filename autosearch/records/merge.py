"""Several logs made into one: of several machines, or of runs side by side."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autosearch.errors import LogError
from autosearch.records.log import read_log
from autosearch.records.record import Record, to_json


@dataclass(frozen=True)
class Merged:
    """What came of merging."""

    records: int
    duplicates: int
    """Records that were there already, word for word: left out."""
    damaged: int
    """Lines that could not be read: left out."""


def merge_logs(paths: Sequence[str | os.PathLike[str]], output: str | os.PathLike[str]) -> Merged:
    """Write the records of all logs, in the order of `paths`, each once, to a new log.

    The output appears whole or not at all. Raises `LogError` where a log can't be read, or the output exists or can't
    be written.
    """
    target = Path(output)
    if target.exists():
        raise LogError(f"{str(output)!r} exists already: merging writes a new log, choose another path")
    lines: dict[str, None] = {}
    total = damaged = 0
    for path in paths:
        content = read_log(path)
        damaged += content.damaged
        records: list[Record]
        records = [*content.pipelines, *content.trials, *content.races, *content.minimal]
        total += len(records)
        lines.update((json.dumps(to_json(one), separators=(",", ":"), allow_nan=False), None) for one in records)
    _write(target, "".join(line + "\n" for line in lines))
    return Merged(len(lines), total - len(lines), damaged)


def _write(target: Path, text: str) -> None:
    try:
        with tempfile.NamedTemporaryFile("w", dir=target.parent, prefix=target.name, delete=False) as file:
            file.write(text)
        os.replace(file.name, target)
    except OSError as error:
        raise LogError(f"can't write {str(target)!r}: {error.strerror}; choose another path") from None
