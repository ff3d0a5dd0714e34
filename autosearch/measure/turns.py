"""Kernels timed in turn, round after round, and the machine's pace in each round.

A shared machine runs half as fast in one second as in the next. Kernels that take turns feel the same pace in the same
round, so that they can be compared; anchors of known time take their turns too and tie one batch to the next.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from autosearch.measure.protocol import Built, Effort, Runner, Timed
from autosearch.measure.statistics import adjusted, typical

LEAST_ROUNDS = 3
RETIRE = {1: 3.5, 4: 1.6, 7: 1.25, 10: 1.08}
"""After so many rounds, who is this much slower than the best takes no more turns. What may be the best gets most."""
LONG = 1.0
"""Who takes so many seconds takes one turn: that averages over what disturbs shorter ones, and more would take minutes."""
DISTURBED = 1.5
"""A round in which everything takes this many times as long as in the calmest one is taken again."""
POLISHINGS = 8

Rounds = Sequence[Sequence[float | None]]
"""Seconds: a row for each kernel, a column for each round, None where it took no turn."""

PACE_DIGITS = 4
"""That count: more would only make logs longer."""


@dataclass(frozen=True)
class Turns:
    """What one kernel's turns gave: its samples, in order, and the machine's pace at each (2: half as fast as usual)."""

    timed: Timed
    paces: tuple[float, ...] = ()


@dataclass(eq=False)
class _Row:
    built: Built
    timed: Timed = field(default_factory=Timed)
    samples: list[float | None] = field(default_factory=list)
    active: bool = True


def take_turns(
    runner: Runner,
    built: Sequence[Built],
    anchors: Sequence[tuple[Built, float | None]],
    effort: Effort,
    best: float | None,
) -> tuple[list[Turns], list[Turns]]:
    """Time kernels in turn for `effort.samples` rounds, the output checked in the first; disturbed rounds count half.

    Ends early when `effort.seconds` a kernel are spent. Those much slower than the fastest, or than `best` (seconds),
    retire, as do those that take `LONG`. The anchors, each with its seconds at the usual pace where these are known,
    never do. Returns what the turns of the others and of the anchors gave.
    """
    rows = [_Row(one, active=one.handle is not None) for one in built]
    anchored = [_Row(anchor) for anchor, _ in anchors]
    known = [seconds for _, seconds in anchors] + [None] * len(rows)
    turn = replace(effort, samples=1, min_samples=1, check=False)
    started = time.monotonic()
    rounds = 0
    pace: list[float] = []
    while any(row.active for row in rows) and (rounds + _calm(pace)) / 2 < effort.samples:
        if rounds >= LEAST_ROUNDS and time.monotonic() - started > effort.seconds * (len(rows) + len(anchored)):
            break
        _wake_up(runner, anchored or (rows if rounds else []), turn)
        everyone = [*anchored, *rows]
        start = rounds % len(everyone)
        for row in everyone[start:] + everyone[:start]:
            _turn(runner, row, replace(turn, check=effort.check and rounds == 0 and row in rows))
        rounds += 1
        if rounds == 1:
            started = time.monotonic()  # checking outputs takes longer than running many a kernel
        pace = paces([row.samples for row in (*anchored, *rows)], known)
        _retire(rows, pace, best, RETIRE.get(rounds, float("inf")))
    pace = paces([row.samples for row in (*anchored, *rows)], known)
    return [_outcome(row, pace) for row in rows], [_outcome(row, pace) for row in anchored]


def _calm(pace: Sequence[float]) -> int:
    """How many rounds were not disturbed."""
    return sum(one <= DISTURBED * min(pace) for one in pace)


def _wake_up(runner: Runner, rows: Sequence[_Row], effort: Effort) -> None:
    """Run one untimed: what runs first after a pause takes up to a third longer, since threads and caches are asleep."""
    active = next((row for row in rows if row.active), None)
    if active is not None:
        runner.run(active.built, effort)


def _turn(runner: Runner, row: _Row, effort: Effort) -> None:
    if not row.active:
        row.samples.append(None)
        return
    timed = runner.run(row.built, effort)
    row.timed = replace(timed, checked=timed.checked or row.timed.checked)
    row.samples.append(timed.times[0] if timed.times else None)
    row.active = bool(timed.times)


def _retire(rows: Sequence[_Row], pace: Sequence[float], best: float | None, limit: float) -> None:
    estimates = [typical(adjusted(*_present(row.samples, pace))) if any(row.samples) else None for row in rows]
    fastest = min((one for one in [*estimates, best] if one is not None), default=0.0)
    for row, seconds in zip(rows, estimates, strict=True):
        row.active = row.active and seconds is not None and seconds <= min(limit * fastest, LONG)


def _outcome(row: _Row, pace: Sequence[float]) -> Turns:
    if row.timed.failure is not None:
        return Turns(replace(row.timed, times=()))
    times, paces_then = _present(row.samples, pace)
    return Turns(replace(row.timed, times=times), tuple(float(f"{one:.{PACE_DIGITS}g}") for one in paces_then))


def _present(samples: Sequence[float | None], pace: Sequence[float]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    pairs = [(one, then) for one, then in zip(samples, pace, strict=True) if one is not None]
    return tuple(one for one, _ in pairs), tuple(then for _, then in pairs)


def paces(rounds: Rounds, known: Sequence[float | None]) -> list[float]:
    """The machine's pace in each round, as a factor on times.

    `known`: for each kernel its seconds at the usual pace, None where that isn't known. The logarithm of a sample is
    taken as the sum of one number for its kernel and one for its round, fitted by median polish (Tukey, "Exploratory
    Data Analysis", 1977). With no known kernel the typical pace is 1.
    """
    count = len(rounds[0]) if rounds else 0
    rows = [place for place, row in enumerate(rounds) if sum(one is not None for one in row) >= min(2, count)]
    if not rows or not count:
        return [1.0] * count
    logs = np.log(np.array([[np.nan if one is None else one for one in rounds[place]] for place in rows], dtype=float))
    filled = ~np.isnan(logs).all(axis=0)
    kernel, pace = np.zeros(len(rows)), np.zeros(count)
    for _ in range(POLISHINGS):
        kernel = np.nanmedian(logs - pace, axis=1)
        pace[filled] = np.nanmedian(logs[:, filled] - kernel[:, None], axis=0)
    kernel = np.nanmedian(logs - pace, axis=1)
    anchored = [at - np.log(seconds) for at, place in zip(kernel, rows, strict=True) if (seconds := known[place])]
    pace += np.median(anchored) if anchored else -np.median(pace[filled])
    return [float(one) for one in np.exp(pace)]
