"""Results and logs made of records: what tuning would leave behind, without tuning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from autosearch.machine import this_machine
from autosearch.pipeline.snapshot import Snapshot
from autosearch.pipeline.stored import store
from autosearch.records.identity import Identity, identify
from autosearch.records.log import Log
from autosearch.records.record import PipelineRecord, RaceRecord, TrialRecord
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from autosearch.testing.sample import ROOT, TILED
from tests.conftest import TARGET, snapshot_of


def identity_of(snapshot: Snapshot) -> Identity:
    """The circumstances of measurements made here and now."""
    return identify(snapshot.fingerprint, snapshot.sizes, str(TARGET), this_machine(TARGET))


def trial(name: str, schedule: Schedule | None, *times: float, baseline: str = "", **more: object) -> TrialRecord:
    """A record of a schedule of a sample, measured (or failed, with no times and `failure=...`)."""
    source = "baseline" if baseline else "genetic"
    record = TrialRecord(identity_of(snapshot_of(name)), source, schedule, None, times, baseline=baseline)
    return replace(record, **more)  # type: ignore[arg-type]


def race(name: str, rows: Mapping[str, tuple[Schedule | None, tuple[float | None, ...]]], after: int = 0) -> RaceRecord:
    """A record of a race: for each contender its schedule and its samples."""
    contenders = tuple((who, schedule) for who, (schedule, _) in rows.items())
    samples = tuple(row for _, row in rows.values())
    return RaceRecord(identity_of(snapshot_of(name)), contenders, samples, after=after)


def result_of(name: str, best: Schedule) -> Result:
    """A result in which `best` takes 1 ms and the baseline root 3 ms."""
    records = (trial(name, Schedule(), 3e-3, 3e-3, baseline="root"), trial(name, best, 1e-3, 1e-3))
    return Result(snapshot_of(name), str(TARGET), records, None)


def blur_records() -> tuple[TrialRecord, ...]:
    """What tuning the sample `blur` might record: three baselines, of which one failed, and three trials."""
    return (
        trial("blur", ROOT, 4e-3, 4.1e-3, 4.2e-3, baseline="root"),
        trial("blur", Schedule(), 8e-3, 8e-3, 8.4e-3, baseline="default"),
        trial("blur", None, baseline="Li2018", failure="crash", message="killed by SIGSEGV"),
        trial("blur", Schedule(TILED.steps[:4]), 3e-3, 3.1e-3, elapsed=1.0),
        trial("blur", Schedule(TILED.steps[:1]), failure="run-timeout", message="no end after 2 s", elapsed=2.0),
        trial("blur", TILED, 2e-3, 2e-3, 2e-3, elapsed=3.0),
    )


def blur_race() -> RaceRecord:
    """A race of the sample `blur` that the tiled schedule wins, twice as fast as root."""
    rows = {"root": (ROOT, (4e-3, 4.4e-3, 3.8e-3, 4e-3)), "found 1": (TILED, (2e-3, 2.2e-3, 1.9e-3, 2e-3))}
    return race("blur", rows, after=3)


def write_log(path: Path) -> Path:
    """A new log with `blur_records` and `blur_race`."""
    path.unlink(missing_ok=True)
    snapshot = snapshot_of("blur")
    log = Log(path)
    sizes = snapshot.sizes.to_json()
    log.append(PipelineRecord(snapshot.fingerprint, "blur_y", snapshot.func_digests, sizes, store(snapshot)))
    for record in (*blur_records(), blur_race()):
        log.append(record)
    log.close()
    return path
