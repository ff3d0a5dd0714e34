"""The decision: the best schedules found and the baselines, timed in turn, round after round.

A heat ends when one is clearly faster than all others, or its time is up. Those not told apart in the end tie. The winner
must also be right on a second input and at other sizes; where it isn't, the next one wins.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from autosearch.measure.protocol import Built, Candidate, Effort, Failure, Inputs, Runner
from autosearch.measure.statistics import Row, fastest_of, paired_ratio, relative_times, shared_rounds
from autosearch.schedule.schedule import Schedule

HEATS = 4
"""Processes that a race is held in, at most."""
LEAST_ROUNDS = 5
MOST_ROUNDS = 60
CLOSE_ROUNDS = 20
"""Rounds of a heat that contenders close to the fastest get, whatever it takes."""
CLOSE = 1.15
"""A contender that takes so many times as long as the fastest sits out most rounds: it won't win any more."""
OTHERS_EVERY = 5
"""Of the rounds after the first few, it takes part in each so many."""
STRETCH = 3.0
"""Rounds of contenders close to the fastest may make a heat so many times as long as it is meant to be."""
HOPELESS, HOPELESS_ROUNDS = 20.0, 2
"""One this much slower takes part in so few rounds only: it would take most of the time."""
LOOK_EVERY, CLEAR = 10, 0.999
"""After each so many rounds it is looked whether the winner is clear, at this level of confidence."""
ELSEWHERE = {Inputs.SECOND: "on a second input", Inputs.ODD: "at an odd size", Inputs.SMALL: "at a size below its tiles"}
_CHECK = Effort(samples=1, seconds=0.0, min_samples=1, sample_seconds=0.0)


@dataclass(frozen=True)
class Contender:
    """Who takes part: a name (a baseline's, or `found 1`, ...), what to build, and its schedule if it has one."""

    name: str
    candidate: Candidate
    schedule: Schedule | None


@dataclass(frozen=True)
class Race:
    """Samples in seconds, a row a contender, a column a round; None where it sat out, or failed."""

    contenders: tuple[Contender, ...]
    samples: tuple[tuple[float | None, ...], ...]
    failures: Mapping[str, str] = field(default_factory=dict)
    """By name: why one that failed did."""
    by_size: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    """Where several sizes are tuned for, by name: for each sample the seconds at each size that it is the mean of."""
    linked: bool = True
    """Whether all were compiled ahead of time and linked, as what is shipped."""

    def without(self, name: str, reason: str) -> Race:
        """The same without a contender's samples."""
        samples = tuple(
            (None,) * len(row) if one.name == name else row
            for one, row in zip(self.contenders, self.samples, strict=True)
        )
        by_size = {who: one for who, one in self.by_size.items() if who != name}
        return replace(self, samples=samples, failures={**self.failures, name: reason}, by_size=by_size)

    def joined(self, heat: Race) -> Race:
        """With the rounds of another heat. Who failed in either is out."""
        failures = {**self.failures, **heat.failures}
        rows = tuple(
            (None,) * len(row + more) if one.name in failures else row + more
            for one, row, more in zip(self.contenders, self.samples, heat.samples, strict=True)
        )
        names = {*self.by_size, *heat.by_size} - set(failures)
        by_size = {name: self.by_size.get(name, ()) + heat.by_size.get(name, ()) for name in names}
        return Race(self.contenders, rows, failures, by_size, self.linked and heat.linked)

    def is_hopeless(self, place: int) -> bool:
        """Whether a contender is so slow that it takes part in no more heats."""
        relative = relative_times(self.samples)
        return relative[place] > HOPELESS * min(relative)

    @property
    def fastest(self) -> Contender | None:
        """Who takes least time, if anybody ran."""
        place = fastest_of(self.samples)
        return self.contenders[place] if place is not None else None


def run_race(runner: Runner, contenders: Sequence[Contender], seconds: float, seed: int, cold: bool = False) -> Race:
    """Time all contenders in turn, for about `seconds` at most. `cold`: with empty caches."""
    return go_on(runner, Race(tuple(contenders), ((),) * len(contenders)), seconds, seed, cold)


def go_on(runner: Runner, race: Race, seconds: float, seed: int, cold: bool = False) -> Race:
    """A race with more heats, each in a process of its own.

    The same kernels come out differently in other processes, by as much as schedules differ; perhaps where memory lies.
    """
    built = _build(runner, race)
    for place, kernels in enumerate(built):
        race = race.joined(_heat(runner, kernels, race, seconds / len(built), seed + place, cold))
    runner.release([one for each in built for one in each.values()])
    return race


def seconds_beyond(known: Sequence[float], seconds: float, processes: int) -> float:
    """How much longer than the `seconds` meant for it a race in so many processes takes, unless one is clearly fastest.

    `known`: what each contender takes. The first rounds count as nobody's time, and each heat has a few more, however
    long they take, and those of contenders close to the fastest.
    """
    hopeless = sum(one for one in known if one > HOPELESS * min(known))
    a_round = sum(known) - hopeless
    close = sum(one for one in known if one <= CLOSE * min(known))
    least = (LEAST_ROUNDS - HOPELESS_ROUNDS) * a_round
    told_apart = least + (CLOSE_ROUNDS - LEAST_ROUNDS) * (close + (a_round - close) / OTHERS_EVERY)
    meant = seconds / processes
    a_heat = max(meant, least, min(told_apart, STRETCH * meant))
    return HOPELESS_ROUNDS * (hopeless + processes * a_round) + processes * a_heat - seconds


def heats(runner: Runner) -> int:
    """In how many processes a race is held."""
    return min(runner.places, HEATS)


def _build(runner: Runner, race: Race) -> list[dict[int, Built]]:
    """All who aren't out, by place in the race, for each heat: they are compiled side by side."""
    racing = [n for n, one in enumerate(race.contenders) if one.name not in race.failures and not race.is_hopeless(n)]
    wanted = [(place, n) for n in racing for place in range(heats(runner))]
    candidates = [race.contenders[n].candidate for _, n in wanted]
    found: list[dict[int, Built]] = [{} for _ in range(heats(runner))]
    for (place, n), built in zip(wanted, runner.build(candidates, [place for place, _ in wanted]), strict=True):
        found[place][n] = built
    return found


def _heat(runner: Runner, kernels: Mapping[int, Built], before: Race, seconds: float, seed: int, cold: bool) -> Race:
    """All that aren't out after the heats before, in a new random order each round."""
    contenders = before.contenders
    out = {n for n, one in enumerate(contenders) if one.name in before.failures or before.is_hopeless(n)}
    built = {n: one for n, one in kernels.items() if n not in out}
    samples: list[list[float | None]] = [[] for _ in contenders]
    failures = {contenders[n].name: _why(one.failure, one.message) for n, one in built.items() if one.failure}
    effort = Effort(samples=1, seconds=0.0, min_samples=1, sample_seconds=0.002, cold=cold)
    generator = random.Random(seed)
    by_size: dict[str, tuple[tuple[float, ...], ...]] = {}
    alive = [n for n, one in built.items() if one.handle is not None]
    rounds, spent = 0, 0.0
    while alive and rounds < MOST_ROUNDS and (rounds < LEAST_ROUNDS or _goes_on(rounds, spent, seconds)):
        relative = relative_times(samples)
        order = [n for n in alive if not _sits_out(relative[n] / min(relative), rounds)]
        generator.shuffle(order)
        for row in samples:
            row.append(None)
        started = time.monotonic()
        for n in order:
            timed = runner.run(built[n], replace(effort, check=rounds == 0))
            if timed.times:
                samples[n][rounds] = timed.times[0]
                if timed.by_size:
                    name = contenders[n].name
                    by_size[name] = (*by_size.get(name, ()), tuple(each[0] for each in timed.by_size))
            else:
                failures[contenders[n].name] = _why(timed.failure, timed.message)
                samples[n] = [None] * (rounds + 1)
                by_size.pop(contenders[n].name, None)
                alive.remove(n)
        rounds += 1
        if rounds % LOOK_EVERY == 0 and _is_clear(samples):
            break
        if rounds > HOPELESS_ROUNDS:  # before, the slowest take nearly all of it
            spent += time.monotonic() - started
    linked = all(one.linked for one in built.values() if one.handle is not None)
    return Race(contenders, tuple(tuple(row) for row in samples), failures, by_size, linked)


def confirm(runner: Runner, race: Race, reference: Candidate, any_size: bool = False) -> Race:
    """Check the winner on a second input and at other sizes, where `reference` itself runs; if it's wrong, the next one.

    At another size a schedule may refuse to run, as it does where its tiles don't fit, but not be wrong; unless it must
    work at `any_size`.
    """
    known = runner.build([reference], [0])[0]
    usable = [inputs for inputs in ELSEWHERE if runner.publish(known, _CHECK, inputs).failure is None]
    while (winner := race.fastest) is not None:
        built = runner.build([winner.candidate], [0])[0]
        reason = next((why for inputs in usable if (why := _wrong(runner, built, inputs, any_size))), "")
        runner.release([built])
        if not reason:
            break
        race = race.without(winner.name, reason)
    runner.release([known])
    return race


def _wrong(runner: Runner, built: Built, inputs: Inputs, any_size: bool) -> str:
    """Why a kernel fails on these inputs; "" where it doesn't."""
    timed = runner.run(built, _CHECK, inputs)
    elsewhere = inputs in (Inputs.ODD, Inputs.SMALL) and not any_size
    refuses = elsewhere and timed.failure in (Failure.BOUNDS, Failure.RUNTIME) and not timed.checked
    if timed.failure is None or refuses:
        return ""
    return f"{ELSEWHERE[inputs]}: {_why(timed.failure, timed.message)}"


def _why(failure: Failure | None, message: str) -> str:
    return f"{failure.value}: {message}" if failure is not None else message


def _is_clear(samples: Sequence[Row]) -> bool:
    """Whether one contender is faster than every other beyond doubt; the level is strict, for this is asked often."""
    relative = relative_times(samples)
    least = min(relative)
    fastest = samples[relative.index(least)]
    for row, times in zip(samples, relative, strict=True):
        if row is fastest or not any(row) or times > HOPELESS * least:
            continue
        if len(shared_rounds(row, fastest)) < LEAST_ROUNDS:
            return False
        if paired_ratio(row, fastest, confidence=CLEAR).low <= 1.0:
            return False
    return True


def _goes_on(rounds: int, spent: float, seconds: float) -> bool:
    return spent < seconds or (rounds < CLOSE_ROUNDS and spent < STRETCH * seconds)


def _sits_out(slower: float, rounds: int) -> bool:
    """Whether one that takes so many times as long as the fastest, after so many rounds, has no part in the next."""
    if rounds < HOPELESS_ROUNDS:
        return False
    if slower > HOPELESS:
        return True
    return rounds >= LEAST_ROUNDS and slower > CLOSE and rounds % OTHERS_EVERY != 0
