"""How likely the rules think what experts answer, and what their unlikely answers are worth.

python -m benchmarks.unlikely                              bits by pipeline and by kind of question, the unlikeliest answers
python -m benchmarks.unlikely --timed --pipelines stereo   each of those put back to the likeliest, compiled and timed

An answer that is unlikely, and without which the schedule is slow, is something that the weights of the space misjudge.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import halide as hl

from autosearch.baselines import root_schedule
from autosearch.choices import INLINING, STYLE, Option, func_of, kind_of
from autosearch.errors import ScheduleError
from autosearch.machine import this_machine
from autosearch.measure.device import ThisMachine, Work
from autosearch.measure.measurer import Measurer
from autosearch.measure.protocol import Candidate, Limits
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.space.imitate import adopt
from autosearch.space.style import Inlining, Style
from autosearch.spaces import make_space
from benchmarks.imitation import followed_in
from benchmarks.pipelines import PIPELINES, load

LEAST = 1e-9
"""Nothing is less likely."""
BATCH = 10
"""Schedules timed in turn with the one they were made of."""
CHANGED = 0.04
"""Differences below this aren't shown."""


@dataclass(frozen=True)
class Answer:
    """An expert's answer to a question, and how likely the rules think it is."""

    key: str
    option: Option
    chance: float


class _Told:
    """Answers as told, but one question by the likeliest other answer; keeps how likely the answers were."""

    def __init__(self, told: Mapping[str, Option], put_back: str = "") -> None:
        self.told = told
        self.put_back = put_back
        self.answers: list[Answer] = []

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        told = self.told.get(key)
        chances = dict(zip(options, weights or [1.0] * len(options), strict=True))
        if key == self.put_back or told not in chances:
            return max((one for one in options if one != told), key=lambda one: chances[one])
        self.answers.append(Answer(key, told, max(LEAST, chances[told] / sum(chances.values()))))
        return told


@dataclass(frozen=True)
class Expert:
    """A schedule by hand as answers, in the style under which they are likeliest."""

    snapshot: Snapshot
    space: CpuSpace
    told: Mapping[str, Option]
    answers: tuple[Answer, ...]
    """Those for the rules."""

    @property
    def bits(self) -> float:
        """What it would take to tell them to who knows the rules."""
        return sum(-math.log2(one.chance) for one in self.answers)


def main() -> int:
    """Print how likely the answers are, or what they are worth."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.unlikely", description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=lambda text: text.split(","), default=list(PIPELINES), metavar="NAME,NAME")
    parser.add_argument("--below", type=float, default=0.1, metavar="CHANCE", help="what is unlikely")
    parser.add_argument("--timed", action="store_true", help="put each unlikely answer back to the likeliest, and time that")
    arguments = parser.parse_args()
    kinds: dict[str, list[float]] = defaultdict(list)
    for name in arguments.pipelines:
        expert = expert_of(name)
        unlikely = sorted((one for one in expert.answers if one.chance < arguments.below), key=lambda one: one.chance)
        print(f"{name}: {len(expert.answers)} answers, {expert.bits:.0f} bits, {len(unlikely)} unlikely", flush=True)
        worth = dict(worths(expert, unlikely)) if arguments.timed else {}
        for one in sorted(unlikely, key=lambda one: -worth.get(one.key, 1.0)):
            if not arguments.timed:
                print(f"  {one.chance:.3f}  {one.key} = {one.option}")
            elif abs(worth.get(one.key, 1.0) - 1) > CHANGED:
                print(f"  {worth[one.key]:5.2f}x the time without  {one.key} = {one.option}  ({one.chance:.3f})", flush=True)
        for one in expert.answers:
            kinds[kind_of(one.key) or one.key].append(-math.log2(one.chance))
    for kind, bits in sorted(kinds.items(), key=lambda item: -sum(item[1])):
        print(f"{kind:16} {len(bits):5} answers, {sum(bits):7.1f} bits")
    return 0


def expert_of(name: str) -> Expert:
    """The answers of a pipeline's schedule by hand; those about Funcs that the rules can't make are left out."""
    target = hl.get_host_target()
    snapshot = take(load(name).expert(), target)
    assert snapshot.given is not None
    space = make_space(snapshot, this_machine(target))
    trace = adopt(space, "given", read_schedule(snapshot.given, snapshot.algorithm)).trace
    followed = followed_in(trace)
    found = []
    for style in Style:
        for inlining in Inlining:
            told = {**trace.by_key, STYLE: style.value, INLINING: inlining.value}
            chooser = _Told(told)
            space.build(chooser)
            answers = tuple(one for one in chooser.answers if func_of(one.key) not in followed)
            found.append(Expert(snapshot, space, told, answers))
    return min(found, key=lambda one: one.bits)


def worths(expert: Expert, unlikely: Sequence[Answer]) -> Iterator[tuple[str, float]]:
    """For each answer how many times as long the schedule runs with the likeliest answer instead; infinite where it fails."""
    whole = expert.space.build(_Told(expert.told))
    put_back = [(one.key, schedule) for one in unlikely if (schedule := _without(expert, one.key)) not in (None, whole)]
    work = Work(expert.snapshot, hl.get_host_target())
    runner = ThisMachine().open(work)
    try:
        measurer = Measurer(runner, Limits())
        measurer.reference(Candidate(root_schedule(expert.snapshot.algorithm)))
        for start in range(0, len(put_back), BATCH):
            batch = put_back[start : start + BATCH]
            first, *others = measurer.measure([Candidate(whole), *(Candidate(schedule) for _, schedule in batch)], None)
            for (key, _), one in zip(batch, others, strict=True):
                yield key, one.seconds / first.seconds if one.times else math.inf
    finally:
        runner.close()


def _without(expert: Expert, key: str) -> Schedule | None:
    try:
        return expert.space.build(_Told(expert.told, put_back=key))
    except ScheduleError:
        return None


if __name__ == "__main__":
    sys.exit(main())
