"""Trials as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from autosearch.records.record import TrialRecord

if TYPE_CHECKING:  # it takes a second to import
    import pandas as pd

COLUMNS = (
    "trial", "source", "seconds", "best", "samples", "failure", "message", "compile_seconds", "elapsed", "predicted",
    "digest", "schedule",
)  # fmt: skip


def to_frame(records: Iterable[TrialRecord]) -> pd.DataFrame:
    """A pandas DataFrame with a row for each record, in order; `best` is the least of `seconds` so far."""
    import pandas as pd

    rows = []
    best = float("inf")
    for number, record in enumerate(records):
        best = min(best, record.seconds) if record.ok else best
        rows.append(
            (
                number,
                f"baseline: {record.baseline}" if record.baseline else record.source,
                record.seconds,
                best,
                len(record.times),
                record.failure,
                record.message,
                record.compile_seconds,
                record.elapsed,
                record.predicted if record.predicted is not None else float("nan"),
                record.schedule.digest if record.schedule is not None else "",
                str(record.schedule) if record.schedule is not None else "",
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
