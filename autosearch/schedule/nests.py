"""Many loop nests of one algorithm at once: `LoopNest` as arrays, with a row for every schedule.

A search asks the same of thousands of schedules. A level is told by its depth along the path of loops to a stage:
level 0 is root, level l is inside the l outermost loops. Each stage's variables have a range at each level, so that
what is needed of a Func at all levels is one calculation on arrays (schedules, levels), from consumers to producers.
Schedules with directives that aren't known here, or that don't fit, are left to `LoopNest`, see `Nests.left_out`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autosearch.pipeline.array_intervals import Array, Ends, filled
from autosearch.pipeline.ir import Func, Stage, StageKey
from autosearch.schedule.loop_arrays import KINDS, LoopArrays, Numbers
from autosearch.schedule.loops import SERIAL, StageLoops
from autosearch.schedule.nest_rows import FuncRows, Mask, StageRows, combined
from autosearch.schedule.plans import AT, INLINE, LEFT_OUT, Plan, Planner
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.stated import as_stated

_DEPTHS = 64
"""More than any stage has loops: position codes are stage * _DEPTHS + depth."""


class Nests:
    """The loop nests of many schedules of one pipeline."""

    def __init__(self, planner: Planner, schedules: Sequence[Schedule]) -> None:
        self.flow = planner.flow
        self.regions = planner.regions
        self.algorithm = planner.algorithm
        self.planner = planner
        self.count = len(schedules)
        self.funcs: dict[str, FuncRows] = {}
        self.stages: dict[StageKey, StageRows] = {}
        by_stage = [schedule.by_stage for schedule in schedules]
        self.left_out: Mask = planner.unknown(by_stage)
        """Schedules of which nothing is known here."""
        self._rows = np.arange(self.count)
        for func in reversed(self.algorithm.funcs):
            plans, plan = planner.plans(func, by_stage)
            self._place(func, plans, plan)

    def _place(self, func: Func, plans: list[Plan], plan: Numbers) -> None:
        kinds = np.array([one.kind for one in plans])[plan]
        self.left_out |= kinds == LEFT_OUT
        inline = kinds == INLINE
        users = [self.stages[key] for key in self.algorithm.consumers[func.name]]
        level = self._find(plans, plan, users, [one.at if one.kind == AT else None for one in plans])
        store = self._find(plans, plan, users, [one.store for one in plans])
        stored = np.array([one.stored for one in plans])[plan]
        store = np.where(stored, store, level)
        self.left_out |= store > level
        store = np.minimum(store, level)
        levels = min((user.kinds.shape[1] for user in users), default=1) if inline.any() else int(level.max()) + 1
        required = self._required(func, users, levels)
        _state(required, plans, plan)
        rows = FuncRows(func, plans, plan, inline, level, store, required, [])
        self.funcs[func.name] = rows
        needed = [(low[self._rows, level], high[self._rows, level]) for low, high in required]
        made = [high for _, high in needed]
        if inline.all():
            rows.overhang = [np.zeros(self.count) for _ in needed]
            self._add_inlined(func, rows, users)
            return
        found = []
        for stage in func.stages:
            made_of = self._loops(stage, func, rows, needed)
            found.append(made_of)
            covered = made_of[0].covered()[made_of[1]]
            for place, name in enumerate(stage.loop_vars):
                if name in func.args and not stage.is_rvar(name):
                    dimension = func.args.index(name)
                    ends = needed[dimension][0] + covered[:, place] - 1
                    made[dimension] = np.maximum(made[dimension], ends)
        rows.overhang = [np.where(inline, 0.0, m - high) for m, (_, high) in zip(made, needed, strict=True)]
        for stage, (loops, loop_row, origin) in zip(func.stages, found, strict=True):
            self._add(stage, func, rows, users, loops, loop_row, origin)

    def _find(
        self, plans: list[Plan], plan: Numbers, users: list[StageRows], wanted: Sequence[tuple[str, str] | None]
    ) -> Numbers:
        """The level of the loop that each plan names; root where it names none."""
        level = np.zeros(self.count, dtype=np.int64)
        which = {name: number for number, name in enumerate(dict.fromkeys(wanted))}
        places = np.array([which[name] for name in wanted])[plan]
        for name, number in which.items():
            if name is None:
                continue
            rows = np.flatnonzero(places == number)
            host = self.funcs.get(name[0])
            ok = np.zeros(len(rows), dtype=bool)
            if host is not None:
                for stage in self.algorithm.func(name[0]).stages:
                    depth = host.depths(stage.index, name[1])[rows]
                    at = host.level[rows] + depth
                    position = self.planner.number(stage.key) * _DEPTHS + depth
                    fits = (depth > 0) & ~host.inline[rows] & ~ok
                    for user in users:
                        inside = np.minimum(at, user.codes.shape[1] - 1)
                        fits &= (user.codes[rows, inside] == position) & (inside == at)
                    level[rows[fits]] = at[fits]
                    ok |= fits
            self.left_out[rows[~ok]] = True
        return level

    def _required(self, func: Func, users: list[StageRows], levels: int) -> list[tuple[Array, Array]]:
        """What is needed of a Func in one iteration at each level."""
        whole = self.regions.funcs[func.name]
        box: list[Ends] | None = list(whole) if func.name in self.algorithm.outputs else None
        for user in users:
            around = {name: (low[:, :levels], high[:, :levels]) for name, (low, high) in user.env.items()}
            for read in self.planner.reads(user.key, func.name):
                box = hull_of(box, read(around))
        found: list[Ends] = box if box is not None else list(whole)
        if not self.planner.is_bounded(func.name):
            found = bounded(found, whole)
        for stage in reversed(func.updates):
            env: dict[str, Ends] = {**self.flow.domains[stage.key], **dict(zip(func.args, found, strict=True))}
            for touched in self.planner.touches(stage.key):
                found = bounded(hull_of(found, touched(env)), found)
        for place, bound in self.planner.bounds(func).items():
            found[place] = bound
        shape = (self.count, levels)
        return [
            (filled(low, shape).astype(float, copy=False), filled(high, shape).astype(float, copy=False))
            for low, high in found
        ]

    def _loops(
        self, stage: Stage, func: Func, rows: FuncRows, needed: list[tuple[Array, Array]]
    ) -> tuple[LoopArrays, Numbers, list[Array]]:
        """The loops of a stage with their extents, each different one once; and where its variables start."""
        ranges: dict[str, Ends] = {**self.flow.domains[stage.key], **dict(zip(func.args, needed, strict=True))}
        origin = [filled(ranges[name][0], self.count) for name in stage.loop_vars]
        sizes = [
            np.where(rows.inline, 1, np.maximum(1, ranges[name][1] - ranges[name][0] + 1)).astype(np.int64)
            for name in stage.loop_vars
        ]
        _, first, row = np.unique(combined([rows.plan, *sizes]), return_index=True, return_inverse=True)
        table = np.stack([size[first] for size in sizes], axis=1) if sizes else np.ones((len(first), 0), dtype=np.int64)
        packed = [rows.plans[number].packed[stage.index] for number in rows.plan[first].tolist()]
        return LoopArrays(packed, table), row.ravel(), origin

    def _add(
        self, stage: Stage, func: Func, rows: FuncRows, users: list[StageRows],
        loops: LoopArrays, loop_row: Numbers, origin: list[Array],
    ) -> None:  # fmt: skip
        """The levels of a stage: those around its Func, then its own loops."""
        own = np.where(rows.inline, 0, (loops.kinds > 0).sum(axis=1)[loop_row])
        known = rows.required[0][0].shape[1] if rows.required else (users[0].kinds.shape[1] if users else 1)
        levels = max(known, int((np.where(rows.inline, 0, rows.level) + own).max()) + 1)
        shape = (self.count, levels)
        kinds, sizes, codes = np.zeros(shape, dtype=np.int64), np.ones(shape), np.full(shape, -1)
        if users:
            self._enclose(rows, users, kinds, sizes, codes)
        row, loop = np.nonzero(loops.kinds[loop_row] * ~rows.inline[:, None])
        column, which = rows.level[row] + 1 + loop, loop_row[row]
        kinds[row, column] = loops.kinds[which, loop]
        sizes[row, column] = loops.loop_extents[which, loop]
        codes[row, column] = self.planner.number(stage.key) * _DEPTHS + loop + 1
        for number, plan in enumerate(rows.plans):
            if plan.loops and plan.loops[stage.index].joins is not None:
                self._join(stage.key, rows, number, kinds, sizes, codes)
        env: dict[str, tuple[Array, Array]] = {}
        for name, (low, high), beyond in zip(func.args, rows.required, rows.overhang, strict=True):
            lows, highs = np.empty(shape), np.empty(shape)
            lows[:, :known], lows[:, known:] = low, low[:, -1:]
            highs[:, :known] = high + beyond[:, None]
            highs[:, known:] = highs[:, known - 1 : known]
            env[name] = lows, highs
        for name, (first, last) in self.flow.domains[stage.key].items():
            env[name] = np.full(shape, first, dtype=float), np.full(shape, last, dtype=float)
        offset, length = loops.windows()
        for place, name in enumerate(stage.loop_vars):
            start = origin[place][row] + offset[place, which, loop]
            env[name][0][row, column] = start
            env[name][1][row, column] = start + length[place, which, loop] - 1
        self.stages[stage.key] = StageRows(stage.key, env, kinds, sizes, codes, loops, loop_row)

    def _add_inlined(self, func: Func, rows: FuncRows, users: list[StageRows]) -> None:
        """The levels of a Func that is inlined in all nests."""
        levels = rows.required[0][0].shape[1] if rows.required else users[0].kinds.shape[1]
        shape = (self.count, levels)
        kinds, sizes, codes = np.zeros(shape, dtype=np.int64), np.ones(shape), np.full(shape, -1)
        self._enclose(rows, users, kinds, sizes, codes)
        key = func.stages[0].key
        self.stages[key] = StageRows(key, dict(zip(func.args, rows.required, strict=True)), kinds, sizes, codes)

    def _enclose(self, rows: FuncRows, users: list[StageRows], kinds: Numbers, sizes: Array, codes: Numbers) -> None:
        """Fill in the levels around a Func: those of the loop that it is computed in; of an inlined one all that its
        users have in common."""
        levels = kinds.shape[1]
        common = users[0].codes[:, :levels]
        for user in users[1:]:
            width = min(common.shape[1], user.codes.shape[1])
            common = np.where(common[:, :width] == user.codes[:, :width], common[:, :width], -1)
        inside = np.arange(levels)[None, : common.shape[1]] <= np.where(rows.inline, levels, rows.level)[:, None]
        width = common.shape[1]
        there = inside & (common >= 0)
        codes[:, :width] = np.where(there, common, -1)
        kinds[:, :width] = np.where(there, users[0].kinds[:, :width], 0)
        sizes[:, :width] = np.where(there, users[0].sizes[:, :width], 1.0)

    def _join(self, key: StageKey, rows: FuncRows, number: int, kinds: Numbers, sizes: Array, codes: Numbers) -> None:
        """Let the outermost loops of a stage be those of another, in the nests in which its Func has one plan."""
        loops = rows.plans[number].loops[key.index]
        joins = loops.joins
        assert joins is not None
        other = StageKey(joins.at.func, joins.stage)
        here = np.flatnonzero(rows.plan == number)
        if other not in self.stages or other == key:
            self.left_out[here] = True
            return
        host, theirs = self.funcs[other.func], self.stages[other]
        depths = [_shared(loops, one.loops[other.index], joins.at.var) if one.loops else 0 for one in host.plans]
        depth = np.array(depths)[host.plan[here]]
        level = rows.level[here]
        width = min(codes.shape[1], theirs.codes.shape[1])
        inside = np.minimum(level, width - 1)
        fits = (depth > 0) & ~host.inline[here] & (host.level[here] == level) & (level + depth < width)
        fits &= (level == 0) | (codes[here, inside] == theirs.codes[here, inside])
        self.left_out[here[~fits]] = True
        here, level, depth = here[fits], level[fits], depth[fits]
        columns = np.arange(width)[None]
        shared = (columns > level[:, None]) & (columns <= (level + depth)[:, None])
        for own, whose in ((kinds, theirs.kinds), (sizes, theirs.sizes), (codes, theirs.codes)):
            own[here, :width] = np.where(shared, whose[here, :width], own[here, :width])

    def sliding_share(self, name: str) -> Array:
        """`LoopNest.sliding_share` of a Func in each nest."""
        rows = self.funcs[name]
        share = np.ones(self.count)
        running = (rows.store < rows.level) & ~rows.inline
        if not running.any():
            return share
        stage = self.stages[StageKey(name)]
        for level in range(int(rows.level.max()), 0, -1):
            here = running & (level <= rows.level) & (level > rows.store)
            if not here.any():
                continue
            running = running & (~here | (stage.kinds[:, level] == KINDS[SERIAL]))
            here = here & running
            inner = [high[:, level] - low[:, level] for low, high in rows.required]
            outer = [high[:, level - 1] - low[:, level - 1] for low, high in rows.required]
            moving = np.stack([b > a for a, b in zip(inner, outer, strict=True)], axis=1)
            slides = here & (moving.sum(axis=1) == 1) & (stage.sizes[:, level] > 1)
            place = moving.argmax(axis=1)
            before = np.stack(inner, axis=1)[self._rows, place] + 1
            whole = np.stack(outer, axis=1)[self._rows, place] + 1
            part = np.minimum(1.0, whole / (before * stage.sizes[:, level]))
            share = np.where(slides, share * part, share)
        return share


def _state(required: list[tuple[Array, Array]], plans: Sequence[Plan], plan: Numbers) -> None:
    """Put what plans state in the place of what is needed."""
    for number, one in enumerate(plans):
        for place, statements in one.bounds:
            low, high = required[place]
            first, last = as_stated(low, high, statements)
            here = (plan == number)[:, None]
            required[place] = np.where(here, first, low), np.where(here, last, high)


def _shared(mine: StageLoops, theirs: StageLoops, loop: str) -> int:
    """How many loops, down to that of the name, are alike; 0 where they aren't all."""
    depth = theirs.depth_of(loop) or 0
    alike = (mine.loop_names[:depth], mine.kinds[:depth]) == (theirs.loop_names[:depth], theirs.kinds[:depth])
    return depth if alike else 0


def hull_of(box: list[Ends] | None, other: list[Ends]) -> list[Ends]:
    """The smallest boxes that hold both."""
    if box is None:
        return other
    return [(np.minimum(a, c), np.maximum(b, d)) for (a, b), (c, d) in zip(box, other, strict=True)]


def bounded(box: Sequence[Ends], otherwise: Sequence[Ends]) -> list[Ends]:
    """`box`, with what is not bounded replaced."""
    found: list[Ends] = []
    for (low, high), other in zip(box, otherwise, strict=True):
        bounded = np.isfinite(low) & np.isfinite(high)
        if np.all(bounded):
            found.append((low, high))
        else:
            found.append((np.where(bounded, low, other[0]), np.where(bounded, high, other[1])))
    return found
