"""What each call of the winner is worth and why, and why the winner is faster than each baseline.

Worth is measured: the schedule without the call, timed in turn with the whole. The why is calculated from the loop-nest
model: what is computed, how much of that more than once, in vectors or not, how much memory is touched.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from autosearch.baselines import root_schedule
from autosearch.errors import ScheduleError
from autosearch.figures import Figures, differences, figures
from autosearch.machine import Machine, this_machine
from autosearch.measure.device import Device, ThisMachine, Work
from autosearch.measure.protocol import Limits
from autosearch.minimal import Pacer
from autosearch.progress import format_seconds
from autosearch.result import Result
from autosearch.schedule.directives import ComputeAt, ComputeRoot, Split, StoreAt, StoreRoot
from autosearch.schedule.nest import LoopNest
from autosearch.schedule.schedule import Schedule, Step
from autosearch.schedule.shorthand import Call, calls
from autosearch.schedule.simplify import Omit, leave_out
from autosearch.schedule.source import one_call
from autosearch.schedule.structure import Structures

MATTERS = 1.05
"""The text says why of calls that are worth this much."""


@dataclass(frozen=True)
class Worth:
    """One call of the schedule, and how many times as long everything takes without it."""

    call: str
    ratio: float | None
    """None where it can't be left out by itself."""
    instead: str
    """What was timed in its place, the fastest of the ways to do without: "left out", "at root" or "inlined"."""
    why: tuple[str, ...] = ()
    """Sentences: what the schedule does otherwise with the call than without."""


@dataclass(frozen=True)
class Comparison:
    """The winner against one baseline."""

    baseline: str
    speedup: float
    figures: Figures | None
    """The baseline's, None where its schedule can't be told."""
    why: tuple[str, ...]
    """Sentences: what the winner does otherwise."""


@dataclass(frozen=True)
class Explanation:
    """See the module's text."""

    seconds: float
    figures: Figures
    worth: tuple[Worth, ...]
    comparisons: tuple[Comparison, ...]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        lines = [f"{format_seconds(self.seconds)} a run", ""]
        if self.worth:
            lines.append("what each call is worth (how many times as long it takes without)")
            for call in self.worth:
                lines.append(f"  {_ratio(call.ratio):>7}  {call.call}{_instead(call)}")
                if call.ratio is not None and call.ratio >= MATTERS:
                    lines += [f"{'':13}{sentence}" for sentence in call.why]
        for one in self.comparisons:
            lines += ["", f"{one.speedup:.2f}x over {one.baseline}"]
            lines += [f"  {sentence}" for sentence in one.why or ("what both do is much the same",)]
        return "\n".join(lines)


def _ratio(ratio: float | None) -> str:
    return "needed" if ratio is None else f"{ratio:.2f}x"


def _instead(one: Worth) -> str:
    return "" if one.instead == "left out" or one.ratio is None else f"  ({one.instead} instead)"


def explain(
    result: Result,
    *,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    tolerance: float | None = None,
    device: Device | None = None,
) -> Explanation:
    """Explain a result's schedule; times some fifty kernels, here and now.

    `inputs`, `seed`, `tolerance` and `device` as for `tune`. Raises `TargetError` or `MeasureError`.
    """
    device = device if device is not None else ThisMachine()
    target = device.parse_target(result.target)
    schedule = result.schedule
    with ExitStack() as stack:
        runner = device.open(Work(result.snapshot, target, inputs or {}, seed, Limits(), tolerance))
        stack.callback(runner.close)
        pacer = Pacer(runner, schedule, result.best_time, root_schedule(result.snapshot.algorithm))
        worth = _worth(pacer, schedule, Structures(result.snapshot).nest, this_machine(result.halide_target))
    return calculate(result, worth)


def calculate(result: Result, worth: Sequence[Worth] = ()) -> Explanation:
    """The part of an explanation that needs no timing."""
    machine = this_machine(result.halide_target)
    nests = Structures(result.snapshot).nest
    own = figures(nests(result.schedule), machine)
    comparisons = []
    for name in sorted(result.baselines, key=result.baselines.__getitem__):
        schedule = next((one.schedule for one in result.records if one.baseline == name and one.ok), None)
        theirs = _figures_of(nests, schedule, machine)
        why = tuple(differences(own, theirs)) if theirs is not None else ("its schedule can't be told as one",)
        comparisons.append(Comparison(name, result.speedup(name).value, theirs, why))
    return Explanation(result.best_time, own, tuple(worth), tuple(comparisons))


# Worth -------------------------------------------------------------------------------------------------------------


def _worth(
    pacer: Pacer, schedule: Schedule, nests: Callable[[Schedule], LoopNest], machine: Machine
) -> list[Worth]:
    written = calls(schedule)
    own = figures(nests(schedule), machine)
    tried = [(number, *way) for number, call in enumerate(written) for way in _ways_without(schedule, call)]
    ratios = pacer.ratios([one for *_, one in tried])
    best: dict[int, tuple[float, str, Schedule]] = {}
    for (number, instead, without), ratio in zip(tried, ratios, strict=True):
        if ratio is not None and ratio < best.get(number, (math.inf,))[0]:
            best[number] = (ratio, instead, without)
    found = []
    for number, call in enumerate(written):
        if number not in best:
            found.append(Worth(one_call(call.step), None, "left out"))
            continue
        ratio, instead, without = best[number]
        theirs = _figures_of(nests, without, machine)
        why = tuple(differences(own, theirs)) if theirs is not None else ()
        found.append(Worth(one_call(call.step), ratio, instead, why))
    return found


def _ways_without(schedule: Schedule, call: Call) -> Iterator[tuple[str, Schedule]]:
    """What to do without a call, in a word, and the schedule then."""
    directive = call.step.directive
    splits = any(isinstance(schedule.steps[place].directive, Split) for place in call.places)
    for omit in (Omit.INNER, Omit.OUTER) if splits else (Omit.WHOLE,):
        left = leave_out(schedule, dict.fromkeys(call.places, omit))
        if left is not None:
            yield "inlined" if isinstance(directive, (ComputeAt, ComputeRoot)) else "left out", left
    if isinstance(directive, ComputeAt):
        yield "at root", _at_root(schedule, call.step.stage.func)


def _at_root(schedule: Schedule, func: str) -> Schedule:
    """The schedule with one Func computed and stored at root."""
    steps = []
    for step in schedule:
        if step.stage.func != func or not isinstance(step.directive, (ComputeAt, StoreAt, StoreRoot)):
            steps.append(step)
        elif isinstance(step.directive, ComputeAt):
            steps.append(Step(step.stage, ComputeRoot()))
    return Schedule(tuple(steps))


def _figures_of(nests: Callable[[Schedule], LoopNest], schedule: Schedule | None, machine: Machine) -> Figures | None:
    if schedule is None:
        return None
    try:
        return figures(nests(schedule), machine)
    except ScheduleError:
        return None
