"""How much of the experts' and autoschedulers' schedules does the space hold?

Each schedule is read from its scheduled pipeline, turned into the answers that make it, and built from these anew. Told
are its directives, those that the rules express, and whether the loop nest that Halide then prints is the same.

python -m benchmarks.imitation [--pipelines box_blur,unsharp] [--autoschedulers] [--check]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import halide as hl

from autosearch.baselines import autoscheduled_baselines
from autosearch.choices import Trace
from autosearch.errors import ScheduleError
from autosearch.machine import this_machine
from autosearch.measure.device import ThisMachine, Work
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.schedule.apply import apply
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from autosearch.space.imitate import adopt
from autosearch.space.walk import RULES
from autosearch.spaces import make_space
from benchmarks.bars import Bar, verdict
from benchmarks.pipelines import PIPELINES, load
from tests.schedule.oracle import printed_loop_nest

SECONDS = 30.0
"""For all autoschedulers of a pipeline."""


@dataclass(frozen=True)
class Outcome:
    """What the space makes of one schedule."""

    directives: int = 0
    by_rules: int = 0
    """Directives of Funcs that the rules schedule as they were."""
    same: bool = False
    """Halide prints the same loop nest for what was built from the answers."""
    note: str = ""


def main() -> int:
    """Print a line a schedule, and totals."""
    arguments = _arguments()
    experts: list[Outcome] = []
    others: list[Outcome] = []
    for name in arguments.pipelines:
        for who, outcome in _outcomes(name, arguments.autoschedulers):
            (experts if who == "expert" else others).append(outcome)
            share = f"{outcome.by_rules:3} of {outcome.directives:3} by the rules"
            same = "same loop nest" if outcome.same else "NOT the same"
            print(f"{name:24} {who:14} {share}, {same}  {outcome.note}", flush=True)
    for title, outcomes in (("experts", experts), ("autoschedulers", others)):
        if outcomes:
            total = sum(one.directives for one in outcomes)
            rules, anew = sum(one.by_rules for one in outcomes), sum(one.same for one in outcomes)
            print(f"{title}: {anew} of {len(outcomes)} made anew; {rules} of {total} directives by the rules")
    held = sum(one.same for one in experts) / max(1, len(experts))
    bar = Bar("experts' schedules that come out of their answers with the same loop nest", held, 1.0)
    return verdict([bar]) if arguments.check else 0


def _outcomes(name: str, autoschedulers: bool) -> Iterator[tuple[str, Outcome]]:
    target = hl.get_host_target()
    snapshot = take(load(name).expert(), target)
    assert snapshot.given is not None
    yield "expert", _outcome(snapshot, snapshot.given, target)
    if autoschedulers:
        bare = take(load(name).pipeline, target)
        runner = ThisMachine().open(Work(bare, target))
        try:
            found = autoscheduled_baselines(runner, bare, this_machine(target).cores, SECONDS)
        finally:
            runner.close()
        for one in found:
            if one.candidate is not None and one.candidate.scheduled is not None:
                yield one.name, _outcome(bare, one.candidate.scheduled, target)


def _outcome(snapshot: Snapshot, scheduled: bytes, target: hl.Target) -> Outcome:
    space = make_space(snapshot, this_machine(target))
    try:
        schedule = read_schedule(scheduled, snapshot.algorithm)
        imitation = adopt(space, "given", schedule)
    except ScheduleError as error:
        return Outcome(note=str(error))
    followed = followed_in(imitation.trace)
    by_rules = sum(step.stage.func not in followed for step in schedule)
    same = _same(*(_nest(_printed(snapshot, one)) for one in (schedule, imitation.schedule)))
    note = f"as given: {', '.join(sorted(followed))}" if followed else ""
    return Outcome(len(schedule), by_rules, same, "; ".join([*imitation.differences, note] if note else []))


def followed_in(trace: Trace) -> set[str]:
    """The Funcs that are scheduled as they were given, not by the rules."""
    return {key.split("/")[0] for key, answer in trace if key.endswith("/as") and answer != RULES}


def _printed(snapshot: Snapshot, schedule: Schedule) -> str:
    """What Halide prints of a schedule's loop nest."""
    pipeline = snapshot.fresh()
    apply(schedule, pipeline, snapshot.algorithm)
    return printed_loop_nest(pipeline)


_LINE = re.compile(r"^ *(\w+) ?(\S*?)(?: in \[(-?\d+), (-?\d+)\])?(?::|\(\.\.\.\) = \.\.\.)$")
_LOOPS = ("for", "parallel", "vectorized", "unrolled")


def _nest(text: str) -> list[tuple[str, str, str]]:
    """The lines of a printed loop nest: what it is, the loop's range or "", and which Func it is about, by first mention.

    A vectorized loop has no place among those around it, so it comes last.
    """
    funcs: dict[str, str] = {}
    lines: list[tuple[str, str, str]] = []
    vectors: list[tuple[str, str, str]] = []
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        word, name, low, high = found.groups()
        if word in _LOOPS:
            # Where storage slides, the range holds iterations that warm it up, or is not known.
            one = (word, f"{int(high) - int(low)}" if low and not name.endswith(".") else "", "")
            (vectors if word == "vectorized" else lines).append(one)
            continue
        lines += vectors
        vectors = []
        about = name if word in ("produce", "consume", "store") else word
        lines.append((word if about == name else "compute", "", funcs.setdefault(about, str(len(funcs)))))
    return lines


def _same(wanted: list[tuple[str, str, str]], made: list[tuple[str, str, str]]) -> bool:
    """Whether two loop nests are the same, as far as Halide knows how long the loops are."""
    return len(wanted) == len(made) and all(
        (a[0], a[2]) == (b[0], b[2]) and (a[1] == b[1] or not a[1] or not b[1])
        for a, b in zip(wanted, made, strict=True)
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imitation", description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=lambda text: text.split(","), default=list(PIPELINES))
    parser.add_argument("--autoschedulers", action="store_true", help="look at Halide's autoschedulers too")
    parser.add_argument("--check", action="store_true", help="exit 1 where an expert's schedule isn't held")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
