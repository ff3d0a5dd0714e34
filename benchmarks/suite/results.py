"""What a run of the suite found: a row a pipeline, in one file that is written anew after each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autosearch.measure.protocol import Failure
from benchmarks.bench import Comparison, Start, save
from benchmarks.pipelines import PIPELINES

BUDGET = {one.value for one in (Failure.COMPILE_TIMEOUT, Failure.RUN_TIMEOUT, Failure.MEMORY)}
"""How a legal schedule may fail: it took more time or memory than it may."""


@dataclass(frozen=True)
class Library:
    """Our schedule against a library's function, timed in turn: `ratio` is its time over ours, with the 95 % interval."""

    name: str
    seconds: float
    """Of the library's."""
    ratio: tuple[float, float, float] | None
    note: str = ""
    """Which kernels it ran; or why there is no ratio."""


@dataclass(frozen=True)
class Row:
    """One pipeline."""

    comparison: Comparison | None = None
    """None where the tuner didn't end with a result; `troubles` says why."""
    seconds: float = 0.0
    """Of all calls of `tune`, those that were cut off included."""
    failed: Mapping[str, int] = field(default_factory=dict)
    """Trials that failed, by reason."""
    lost: int = 0
    """Trials in the result but not in the log, and damaged lines of the log."""
    troubles: tuple[str, ...] = ()
    """Each crash and hang of the tuner."""
    library: Library | None = None
    minutes: float = 0.0
    """That a call of `tune` was given."""
    commit: str = ""
    """Of the code."""

    @property
    def illegal(self) -> int:
        """Trials whose schedule Halide refused, or that gave no output or a wrong one."""
        return sum(count for reason, count in self.failed.items() if reason not in BUDGET)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Row:
        comparison, library = content["comparison"], content["library"]
        return Row(
            Comparison.from_json(comparison) if comparison is not None else None,
            content["seconds"],
            content["failed"],
            content["lost"],
            tuple(content["troubles"]),
            Library(**{**library, "ratio": library["ratio"] and tuple(library["ratio"])}) if library else None,
            content["minutes"],
            content["commit"],
        )


@dataclass(frozen=True)
class Results:
    """Of one machine."""

    machine: str
    rows: Mapping[str, Row] = field(default_factory=dict)
    start: Start = Start.UNSEEN

    def put(self, name: str, row: Row) -> Results:
        """With a row more, in the order in which pipelines are reported."""
        rows = {**self.rows, name: row}
        return replace(self, rows={one: rows[one] for one in PIPELINES if one in rows})

    @property
    def compared(self) -> list[Comparison]:
        """The rows of pipelines that the tuner ended with a result for."""
        return [row.comparison for row in self.rows.values() if row.comparison is not None]

    @property
    def budget(self) -> str:
        """The minutes that pipelines were given."""
        given = sorted({row.minutes for row in self.rows.values()}) or [0.0]
        return f"{given[0]:g}" if len(given) == 1 else f"{given[0]:g} to {given[-1]:g}"

    def save(self, path: Path) -> None:
        """Write them, so that a reader never sees half."""
        save(path, asdict(self))

    @staticmethod
    def load(path: Path) -> Results:
        """The inverse of `save`."""
        content = json.loads(path.read_text())
        rows = {name: Row.from_json(row) for name, row in content["rows"].items()}
        return Results(content["machine"], rows, Start(content.get("start", Start.UNSEEN)))
