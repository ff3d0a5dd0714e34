"""The schedules that tuning must beat: Halide's default, compute_root everywhere, the autoschedulers', the user's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from autosearch.errors import ScheduleError
from autosearch.measure.autoschedulers import AUTOSCHEDULERS, AutoschedulerReply, AutoschedulerRequest
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Candidate, Failure, Limits
from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.pipeline.snapshot import Snapshot
from autosearch.schedule.directives import ComputeRoot
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule

ROOT, DEFAULT, GIVEN, ADAMS = "root", "default", "given", "Adams2019"
_TIMES_BEAM = 140.0
"""Its default beam, of 32 in five passes, takes about so many times as long as a beam of one in one pass."""
_MOMENT = 0.1
"""Seconds that may have gone by before it began."""
_DROPOUT = "1"
"""Percent of its decisions that Adams2019 keeps: with more it makes hardly any different schedules."""
_TIMES_COMPILE, _TIMES_RUN = 2.0, 5.0
_LEAST_COMPILE, _LEAST_RUN = 4.0, 1.0
"""So many times what root takes, and at least so many seconds, the default schedule is waited for."""
_DRAWS = 3
"""Tries for each sample wanted."""


@dataclass(frozen=True)
class Baseline:
    """A baseline to measure, or why there is none."""

    name: str
    candidate: Candidate | None
    schedule: Schedule | None = None
    """The same as a schedule, where it can be expressed as one."""
    note: str = ""
    failure: Failure | None = None
    message: str = ""
    instead: Baseline | None = None
    """What is measured in its place where it fails."""


def root_schedule(algorithm: Algorithm) -> Schedule:
    """Every Func computed at root, serially: slow, but it compiles fast and can't explode."""
    return Schedule.of_steps(
        [(StageKey(func.name), ComputeRoot()) for func in algorithm.funcs if func.name not in algorithm.outputs]
    )


def fixed_baselines(snapshot: Snapshot) -> Iterator[Baseline]:
    """Those that need no autoscheduler: the user's own schedule, and Halide's default."""
    if snapshot.given is not None:
        yield _scheduled(GIVEN, snapshot.given, snapshot.algorithm, "")
    yield Baseline(DEFAULT, Candidate(Schedule()), Schedule())


def limits_of_default(limits: Limits, compile_seconds: float, seconds: float) -> Limits:
    """Those of Halide's default, by what root took: with all Funcs inlined it may take any time, and is of no use then."""
    return replace(
        limits,
        compile_seconds=min(limits.compile_seconds, max(_LEAST_COMPILE, _TIMES_COMPILE * compile_seconds)),
        run_seconds=min(limits.run_seconds, max(_LEAST_RUN, _TIMES_RUN * seconds)),
    )


def autoscheduled_baselines(runner: LocalRunner, snapshot: Snapshot, threads: int, seconds: float) -> list[Baseline]:
    """Those of Halide's autoschedulers, each given `seconds`. Adams2019 begins with a beam of one, and its default beam is
    left out where that would take too long."""
    parallelism = {"parallelism": str(threads)}
    narrow = AutoschedulerRequest(ADAMS, {**parallelism, "beam_size": "1"})
    requests = [narrow if name == ADAMS else AutoschedulerRequest(name, parallelism) for name in AUTOSCHEDULERS]
    replies = dict(zip(AUTOSCHEDULERS, runner.autoschedule(requests, seconds), strict=True))
    quick = replies[ADAMS]
    notes = dict.fromkeys(AUTOSCHEDULERS, "")
    if quick.scheduled is not None and quick.seconds > _MOMENT and _TIMES_BEAM * quick.seconds > seconds:
        notes[ADAMS] = f"with beam_size=1, which took {quick.seconds:.1f} s: the default beam takes many times as long"
    else:
        wide = runner.autoschedule([AutoschedulerRequest(ADAMS, parallelism)], seconds)[0]
        if wide.scheduled is not None or quick.scheduled is None:
            replies[ADAMS] = wide
        else:
            notes[ADAMS] = f"with beam_size=1, since the default beam failed: {wide.message}"
    found = [_of_reply(name, replies[name], snapshot.algorithm, notes[name]) for name in AUTOSCHEDULERS]
    if quick.scheduled is None or replies[ADAMS] is quick:
        return found
    instead = _of_reply(ADAMS, quick, snapshot.algorithm, "with beam_size=1, since what the default beam found failed")
    return [replace(one, instead=instead) if one.name == ADAMS else one for one in found]


def dropout_samples(
    runner: LocalRunner, snapshot: Snapshot, threads: int, count: int, seconds: float
) -> list[Schedule]:
    """At most `count` different schedules that Adams2019 makes when it leaves out candidates at random, within `seconds`.

    With a beam of one it takes milliseconds on small pipelines. Of large ones there are few, or none.
    """
    found: dict[str, Schedule] = {}
    end = time.monotonic() + seconds
    for seed in range(0, _DRAWS * count, threads):
        left = end - time.monotonic()
        if left <= 0 or len(found) >= count:
            break
        parameters = {"parallelism": str(threads), "beam_size": "1", "random_dropout": _DROPOUT}
        requests = [
            AutoschedulerRequest(ADAMS, {**parameters, "random_dropout_seed": str(one)})
            for one in range(seed, seed + threads)
        ]
        for reply in runner.autoschedule(requests, left):
            if reply.scheduled is not None:
                try:
                    schedule = read_schedule(reply.scheduled, snapshot.algorithm)
                except ScheduleError:
                    continue
                found.setdefault(schedule.digest, schedule)
    return list(found.values())[:count]


def _of_reply(name: str, reply: AutoschedulerReply, algorithm: Algorithm, note: str) -> Baseline:
    note = "; ".join(one for one in (note, reply.note) if one)
    if reply.scheduled is None:
        return Baseline(name, None, None, note, reply.failure, reply.message)
    return _scheduled(name, reply.scheduled, algorithm, note)


def _scheduled(name: str, data: bytes, algorithm: Algorithm, note: str) -> Baseline:
    try:
        schedule = read_schedule(data, algorithm)
    except ScheduleError as error:
        return Baseline(name, Candidate(scheduled=data), None, f"{note} not expressible: {error}".strip())
    return Baseline(name, Candidate(schedule), schedule, note)
