"""Bad candidates among good ones, through the measurer and into a log."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import halide as hl

from autosearch.finalists import Contender, run_race
from autosearch.measure.local import LocalRunner
from autosearch.measure.measurer import Measurement, Measurer
from autosearch.measure.protocol import Candidate, Failure, Limits
from autosearch.records.log import Log, read_log
from autosearch.records.record import TrialRecord
from autosearch.testing import bad_candidates as bad
from benchmarks.bars import Bar
from benchmarks.havoc.processes import abandoned, orphans
from tests.conftest import TARGET, snapshot_of
from tests.made import ROOT, TILED, identity_of
from tests.measure.local_runner import local_runner

LIMITS = Limits(compile_seconds=6.0, run_seconds=8.0, reference_seconds=20.0, memory_bytes=3 << 30)


@dataclass(frozen=True)
class Kind:
    """How a candidate is bad, and what it should be called."""

    name: str
    make: Callable[[], Candidate]
    failure: Failure | None
    target: str = str(TARGET)


KINDS = (
    Kind("hangs in compile", bad.compiles_for_ages, Failure.COMPILE_TIMEOUT),
    Kind("runs forever", bad.never_ends, Failure.RUN_TIMEOUT),
    Kind("allocates 30 GB", bad.wants_all_memory, Failure.MEMORY),
    Kind("crashes the process", bad.dies, Failure.CRASH),
    Kind("crashes the compiler", bad.kills_the_compiler, Failure.CRASH),
    Kind("prints megabytes", bad.prints_megabytes, None),
    Kind(
        "writes outside its output", bad.writes_outside, Failure.BOUNDS,
        str(TARGET.with_feature(hl.TargetFeature.NoAsserts)),
    ),
    Kind("is wrong at the edge", bad.wrong_in_one_element, Failure.WRONG),
    Kind("asks for a larger input", bad.reads_too_far, Failure.BOUNDS),
    Kind("is illegal", lambda: bad.ILLEGAL, Failure.ILLEGAL),
)  # fmt: skip


def run() -> list[Bar]:
    """Each kind in a batch with good candidates: only the bad one may suffer."""
    before = abandoned()
    misnamed, harmed, lost, wrong_winners = 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        for number, kind in enumerate(KINDS):
            with local_runner("blur", workers=2, limits=LIMITS, target=kind.target) as runner:
                bad_one, good = kind.make(), [Candidate(TILED), Candidate(ROOT)]
                batch = [good[0], bad_one, good[1], bad_one]
                found = list(Measurer(runner, LIMITS).measure(batch, None))
                logged = _through_a_log(found, Path(folder) / f"{number}.jsonl")
                winner = _winner(runner, batch)
            named = [found[1].failure, found[3].failure]
            print(f"{kind.name:28} {_say(found[1])}", flush=True)
            misnamed += sum(one is not kind.failure for one in named)
            harmed += sum(not one.times for one in (found[0], found[2]))
            lost += logged != [(one.times, one.failure.value if one.failure else "") for one in found]
            wrong_winners += kind.failure is not None and winner not in ("0", "2")
        print(f"{len(KINDS)} kinds in {time.monotonic() - started:.0f} s", flush=True)
        left = [path.name for path in Path(folder).iterdir() if path.suffix != ".jsonl"]
    return [
        Bar("bad candidates: failures called by another name", misnamed, 0, at_least=False),
        Bar("bad candidates: good ones in the same batch that suffered", harmed, 0, at_least=False),
        Bar("bad candidates: records that differ in the log", lost, 0, at_least=False),
        Bar("bad candidates: races that a bad one won", wrong_winners, 0, at_least=False),
        Bar("bad candidates: processes and files left behind", orphans(before) + len(left), 0, at_least=False),
    ]


def _say(found: Measurement) -> str:
    return "ran" if found.failure is None else f"{found.failure.value}: {found.message[:90]}"


def _through_a_log(found: list[Measurement], path: Path) -> list[tuple[tuple[float, ...], str]]:
    """What the log says after all were recorded."""
    log, identity = Log(path), identity_of(snapshot_of("blur"))
    for one in found:
        failure = one.failure.value if one.failure is not None else ""
        log.append(TrialRecord(identity, "chaos", one.candidate.schedule, None, one.times, failure, one.message))
    log.close()
    return [(record.times, record.failure) for record in read_log(path).trials]


def _winner(runner: LocalRunner, batch: list[Candidate]) -> str | None:
    """Who wins the race, by number."""
    runner.limit(LIMITS)
    race = run_race(runner, [Contender(str(n), one, None) for n, one in enumerate(batch)], 0.2, 0)
    medians = {}
    for contender, row in zip(race.contenders, race.samples, strict=True):
        if times := sorted(time for time in row if time is not None):
            medians[contender.name] = times[len(times) // 2]
    return min(medians, key=medians.__getitem__, default=None)
