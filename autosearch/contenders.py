"""Who takes part in the race: the baselines that ran, and the fastest schedules found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from autosearch.baselines import GIVEN
from autosearch.finalists import Contender
from autosearch.measure.protocol import Candidate
from autosearch.pipeline.snapshot import Snapshot
from autosearch.records.record import TrialRecord
from autosearch.schedule.schedule import Schedule
from autosearch.spaces import keeps

FINALISTS, LEAST_FINALISTS = 8, 3
"""Of what was found so many race; fewer, down to the second number, where compiling them takes too much of the time."""


def contenders(
    records: Sequence[TrialRecord],
    snapshot: Snapshot,
    kept: Mapping[str, Schedule] = MappingProxyType({}),
    finalists: int | None = None,
) -> list[Contender]:
    """Baselines that ran, and the fastest trials, each schedule once; only those that leave the Funcs of `kept` as they are."""
    records = [one for one in records if one.schedule is None or keeps(one.schedule, kept)]
    baselines = [one for record in records if (one := baseline_contender(record, snapshot)) is not None]
    known = {one.schedule.digest for one in baselines if one.schedule is not None}
    found: list[Contender] = []
    trials = [record for record in records if record.ok and not record.baseline]
    for record in sorted(trials, key=lambda one: one.seconds):
        if len(found) == (FINALISTS if finalists is None else finalists):
            break
        if record.schedule is not None and record.schedule.digest not in known:
            known.add(record.schedule.digest)
            found.append(Contender(f"found {len(found) + 1}", Candidate(record.schedule), record.schedule))
    return baselines + found


def compilation(
    records: Sequence[TrialRecord], seconds: float, heats: int, holds: Callable[[Candidate], bool]
) -> tuple[int, float]:
    """How many finalists race, so that compiling them and the baselines takes no longer; and how long that takes.

    Each is compiled once, and as many at a time as there are `heats`; not at all what somebody `holds`.
    """

    def cost(one: TrialRecord) -> float:
        return 0.0 if one.schedule is not None and holds(Candidate(one.schedule)) else one.compile_seconds / heats

    ran = [record for record in records if record.ok]
    total, finalists = sum(cost(one) for one in ran if one.baseline), 0
    for one in sorted((one for one in ran if not one.baseline), key=lambda one: one.seconds)[:FINALISTS]:
        if finalists >= LEAST_FINALISTS and total + cost(one) > seconds:
            break
        total, finalists = total + cost(one), finalists + 1
    return max(finalists, LEAST_FINALISTS), total


def baseline_contender(record: TrialRecord, snapshot: Snapshot) -> Contender | None:
    """A baseline to race; the user's own takes part as it came where it can't be told as a schedule."""
    if not record.baseline or not record.ok:
        return None
    if record.schedule is not None:
        return Contender(record.baseline, Candidate(record.schedule), record.schedule)
    if record.baseline == GIVEN and snapshot.given is not None:
        return Contender(GIVEN, Candidate(scheduled=snapshot.given), None)
    return None
