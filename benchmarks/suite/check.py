"""The results held against the bars, and the schedules of some pipelines timed anew."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

import halide as hl

from autosearch.finalists import Contender
from autosearch.measure.protocol import Candidate
from autosearch.measure.statistics import RESOLUTION, geometric_mean, paired_ratio
from autosearch.pipeline.snapshot import take
from autosearch.schedule.schedule import Schedule
from benchmarks.bars import Bar
from benchmarks.bench import Comparison, Start, expert, pipeline_of, race
from benchmarks.pipelines import PIPELINES
from benchmarks.suite.results import Library, Results, Row

NO_SLOWER = 1.0 / (1.0 + RESOLUTION)
"""A ratio whose interval reaches this is not below 1.0 beyond noise."""
OVER_TIME = 1.1
"""A call of `tune` may take this many times what it was given: the last compilation may have begun just before the end."""
AS_BEFORE = 0.9
"""What is timed anew must come to this share of what it was: a kernel's time changes by as much from process to process."""
DRAWN = 2


def bars(results: Results) -> Iterator[Bar]:
    """What the committed results say."""
    rows, compared = results.rows, results.compared
    yield Bar("pipelines of the suite with a result", len(compared), len(PIPELINES))
    by_hand = [ratio for one in compared if (ratio := one.over("expert")) is not None]
    yield Bar("geometric mean over the experts' schedules", _mean(by_hand), 1.25, note=f"{len(by_hand)} pipelines")
    scheduled = [ratio for one in compared if (ratio := one.over(one.best_autoscheduler or "")) is not None]
    yield Bar(
        "geometric mean over each one's best autoscheduler", _mean(scheduled), 1.8, note=f"{len(scheduled)} pipelines"
    )
    for one in compared:
        yield from _no_slower(one)
    yield from _library(rows.get("matmul", Row()).library, "matmul over numpy's OpenBLAS", 1.0)
    yield from _library(rows.get("conv_layer", Row()).library, "conv_layer over torch's oneDNN", 0.9)
    int8 = rows.get("matmul_int8", Row()).comparison
    over = int8.over("Adams2019") if int8 is not None else None
    yield Bar("matmul_int8 over Adams2019", over if over is not None else math.nan, 2.0)
    trials, illegal = sum(one.trials for one in compared), sum(row.illegal for row in rows.values())
    legal = 1 - illegal / trials if trials else math.nan
    yield Bar(
        "share of proposed schedules that are legal and right", legal, 0.98, note=f"{illegal} of {trials} are not"
    )
    troubles = [f"{name}: {trouble}" for name, row in rows.items() for trouble in row.troubles]
    yield Bar("crashes and hangs of the tuner", len(troubles), 0, False, "; ".join(troubles))
    yield Bar("records lost or damaged", sum(row.lost for row in rows.values()), 0, False)
    name, longest = max(((one, row) for one, row in rows.items()), key=lambda item: _over_time(item[1]))
    note = f"{name}, {longest.seconds / 60:.1f} of {longest.minutes:g} minutes"
    yield Bar("the longest run over the time that it was given", _over_time(longest), OVER_TIME, False, note)


def _over_time(row: Row) -> float:
    return row.seconds / 60 / row.minutes


def _no_slower(one: Comparison) -> Iterator[Bar]:
    """Against the better of the expert and the best autoscheduler, whichever ran."""
    rivals = [who for who in ("expert", one.best_autoscheduler or "") if who in one.speedups]
    if rivals:
        better = min(rivals, key=one.seconds.__getitem__)
        value, low, high = one.speedups[better]
        note = f"{value:.2f}x [{low:.2f}, {high:.2f}] over {better}"
        yield Bar(f"{one.name}: upper end of the interval over the better of both", high, NO_SLOWER, note=note)


def _library(library: Library | None, name: str, bar: float) -> Iterator[Bar]:
    if library is None or library.ratio is None:
        yield Bar(name, math.nan, bar, note=f"not measured: {library.note if library is not None else 'no result'}")
    else:
        value, low, high = library.ratio
        yield Bar(name, value, bar, note=f"95 % interval [{low:.2f}, {high:.2f}], {library.note}")


def drawn_again(results: Results, pipelines: Sequence[str]) -> Iterator[Bar]:
    """Race the committed schedules of two pipelines, drawn at random among those named, with the experts'."""
    known = {one.name: one for one in results.compared if "expert" in one.speedups and one.name in pipelines}
    for name in random.sample(sorted(known), min(DRAWN, len(known))):
        before = known[name].speedups["expert"]
        now, note = _over_expert(known[name], results.start)
        note += f" now, {before[0]:.2f}x [{before[1]:.2f}, {before[2]:.2f}] before"
        yield Bar(f"{name}, timed anew: upper end of the interval over the expert's", now, AS_BEFORE * before[0], note=note)


def _over_expert(one: Comparison, start: Start) -> tuple[float, str]:
    """The upper end of our speed-up's interval, here and now, and that as text; zero, and why, where one of the two fails."""
    target, schedule = hl.get_host_target(), Schedule.from_json(one.schedule)
    contenders = [Contender("autosearch", Candidate(schedule), schedule), expert(one.name)]
    held = race(take(pipeline_of(one.name, start), target), target, contenders, seed=0)
    if held.failures:
        return 0.0, "; ".join(f"{name} failed: {why}" for name, why in held.failures.items())
    ours, theirs = held.samples
    ratio = paired_ratio(theirs, ours)
    return ratio.high, f"{ratio.value:.2f}x [{ratio.low:.2f}, {ratio.high:.2f}]"


def _mean(ratios: Sequence[float]) -> float:
    return geometric_mean(ratios) if ratios else math.nan
