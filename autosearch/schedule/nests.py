"""Many loop nests of one pipeline at once: `LoopNest` as arrays, with a row for every schedule.

A search asks the same of thousands of schedules. A level is told by its depth along the path of loops to a stage:
level 0 is root, level l is inside the l outermost loops. Each stage's variables have a range at each level, so that
what is needed of a Func at all levels is one calculation on arrays (schedules, levels), from consumers to producers.
Schedules may be of different structures: a Func is looked at in each of its forms, in the nests that have it in that form.
Schedules with directives that aren't known here, or that don't fit, are left to `LoopNest`, see `Nests.left_out`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from autosearch.pipeline.array_intervals import Array, Ends, filled
from autosearch.schedule.array_boxes import bounded, hull_of, nothing_elsewhere, widened
from autosearch.schedule.forms import Family, Forms, FuncForm, StageForm
from autosearch.schedule.loop_arrays import KINDS, LoopArrays, Numbers
from autosearch.schedule.loops import SERIAL, StageLoops
from autosearch.schedule.nest_rows import EVERY, FuncRows, Mask, Some, StageRows, combined, united
from autosearch.schedule.plans import AT, INLINE, LEFT_OUT, ByStage, Plan, Planner
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.stated import as_stated

_DEPTHS = 64
"""More than any stage has loops: position codes are stage * _DEPTHS + depth."""
_NONE, _ANY = -1, -2
"""Codes of no position, and of a stage that isn't there: that is no obstacle to anything."""


class Nests:
    """The loop nests of many schedules of one pipeline."""

    def __init__(
        self, family: Family, planner: Planner, forms: Sequence[Forms], schedules: Sequence[Schedule]
    ) -> None:
        """`forms`: for each schedule the Funcs that there are for it, as `family` knows them."""
        self.planner = planner
        self.forms = forms
        self.count = len(schedules)
        self.present: dict[str, list[tuple[FuncForm, Some]]] = {}
        """The forms of each Func, consumers first, with the nests that have it so."""
        self.funcs: dict[str, FuncRows] = {}
        self.stages: dict[StageForm, StageRows] = {}
        by_stage = [schedule.by_stage for schedule in schedules]
        unknown = [not there.keys >= one.keys() for there, one in zip(forms, by_stage, strict=True)]
        self.left_out: Mask = np.array(unknown, dtype=bool)
        """Schedules of which nothing is known here."""
        self._users: dict[str, list[StageRows]] = {}
        """The stages that read a Func."""
        different = {one: number for number, one in enumerate(dict.fromkeys(forms))}
        which = np.array([different[one] for one in forms], dtype=np.int64)
        self.inputs = _inputs(list(different), which)
        """The extents of what is read of each input, by dimension; for each nest where they aren't the same in all."""
        for name in reversed(family.order):
            having: dict[FuncForm, list[int]] = {}
            for one, number in different.items():
                if name in one.funcs:
                    having.setdefault(one.funcs[name], []).append(number)
            if having:
                self.present[name] = [
                    (form, EVERY if len(numbers) == len(different) else np.flatnonzero(np.isin(which, numbers)))
                    for form, numbers in having.items()
                ]
                self._place(name, by_stage)

    def _place(self, name: str, by_stage: Sequence[ByStage]) -> None:
        parts = []
        for form, own in self.present[name]:
            users = [user for user in self._users.get(name, []) if user.where is None or user.where[own].any()]
            schedules = by_stage if isinstance(own, slice) else [by_stage[row] for row in own.tolist()]
            parts.append((own, users, *self._rows(form, own, users, *self.planner.plans(form, schedules))))
        self.funcs[name] = united([(rows, own) for own, _, rows, _ in parts], self.count)
        for own, users, rows, made in parts:
            if not made:
                self._add_inlined(rows, own, users)
            for stage, loops, loop_row, origin in made:
                self._add(stage, rows, own, users, loops, loop_row, origin)

    def _rows(
        self, form: FuncForm, own: Some, users: list[StageRows], plans: list[Plan], plan: Numbers
    ) -> tuple[FuncRows, list[tuple[StageForm, LoopArrays, Numbers, list[Array]]]]:
        """A Func in the nests that have it in one form, and its stages' loops; none where it is inlined in all of them."""
        kinds = np.array([one.kind for one in plans])[plan]
        self.left_out[own] |= kinds == LEFT_OUT
        inline = kinds == INLINE
        level = self._find(plans, plan, own, users, [one.at if one.kind == AT else None for one in plans])
        store = self._find(plans, plan, own, users, [one.store for one in plans])
        stored = np.array([one.stored for one in plans])[plan]
        store = np.where(stored, store, level)
        self.left_out[own] |= store > level
        store = np.minimum(store, level)
        required = self._required(form, own, users, _width(users) if inline.any() else int(level.max()) + 1)
        _state(required, plans, plan)
        rows = FuncRows(form, plans, plan, inline, level, store, required, [])
        each = np.arange(len(plan))
        needed = [(low[each, level], high[each, level]) for low, high in required]
        if inline.all():
            rows.overhang = [np.zeros(len(plan)) for _ in needed]
            return rows, []
        made = [high for _, high in needed]
        found = []
        for stage in form.stages:
            loops, loop_row, origin = self._loops(stage, rows, needed)
            found.append((stage, loops, loop_row, origin))
            covered = loops.covered()[loop_row]
            for place, name in enumerate(stage.stage.loop_vars):
                if name in form.func.args and not stage.stage.is_rvar(name):
                    dimension = form.func.args.index(name)
                    ends = needed[dimension][0] + covered[:, place] - 1
                    made[dimension] = np.maximum(made[dimension], ends)
        rows.overhang = [np.where(inline, 0.0, m - high) for m, (_, high) in zip(made, needed, strict=True)]
        return rows, found

    def _find(
        self, plans: list[Plan], plan: Numbers, own: Some, users: list[StageRows], wanted: Sequence[tuple[str, str] | None]
    ) -> Numbers:
        """The level of the loop that each plan names; root where it names none."""
        level = np.zeros(len(plan), dtype=np.int64)
        which = {name: number for number, name in enumerate(dict.fromkeys(wanted))}
        places = np.array([which[name] for name in wanted])[plan]
        for name, number in which.items():
            if name is None:
                continue
            some = np.flatnonzero(places == number)
            rows = some if isinstance(own, slice) else own[some]
            ok = np.zeros(len(rows), dtype=bool)
            host = self.funcs.get(name[0])
            if host is not None:
                for stage in self._stages_of(name[0]):
                    depth = host.depths(stage.key.index, name[1])[rows]
                    at = host.level[rows] + depth
                    position = stage.number * _DEPTHS + depth
                    fits = (depth > 0) & ~host.inline[rows] & ~ok
                    for user in users:
                        inside = np.minimum(at, user.codes.shape[1] - 1)
                        code = user.codes[rows, inside]
                        here = (code == position) & (inside == at)
                        fits &= here if user.where is None else here | (code == _ANY)
                    level[some[fits]] = at[fits]
                    ok |= fits
            self.left_out[rows[~ok]] = True
        return level

    def _stages_of(self, name: str) -> Iterator[StageForm]:
        """The stages of a Func, in all its forms."""
        return (stage for form, _ in self.present[name] for stage in form.stages)

    def _required(
        self, form: FuncForm, own: Some, users: list[StageRows], levels: int
    ) -> list[tuple[Array, Array]]:
        """What is needed of a Func in one iteration at each level, in the nests that have it in one form."""
        func = form.func
        every = np.arange(self.count)[own]
        shape = (len(every), levels)
        box: list[Ends] | None = list(form.whole) if form.is_output else None
        unbounded = False
        for user in users:
            here = None if user.where is None else user.where[own]
            some = own if here is None or here.all() else every[here]
            around = {
                name: (widened(low[some, :levels], levels), widened(high[some, :levels], levels))
                for name, (low, high) in user.env.items()
            }
            for read in user.form.reads_of(func.name):
                unbounded |= not read.bounded
                region = read.box(around)
                box = hull_of(box, region if some is own or here is None else nothing_elsewhere(region, here, shape))
        found: list[Ends] = box if box is not None else list(form.whole)
        if unbounded:
            found = bounded(found, form.whole)
        for stage in reversed(form.stages[1:]):
            env: dict[str, Ends] = {**stage.domain, **dict(zip(func.args, found, strict=True))}
            for touched in stage.touches:
                found = bounded(hull_of(found, touched(env)), found)
        for place, bound in form.bounds.items():
            found[place] = bound
        return [
            (filled(low, shape).astype(float, copy=False), filled(high, shape).astype(float, copy=False))
            for low, high in found
        ]

    def _loops(
        self, stage: StageForm, rows: FuncRows, needed: list[tuple[Array, Array]]
    ) -> tuple[LoopArrays, Numbers, list[Array]]:
        """The loops of a stage with their extents, each different one once; and where its variables start."""
        ranges: dict[str, Ends] = {**stage.domain, **dict(zip(rows.func.args, needed, strict=True))}
        names = stage.stage.loop_vars
        origin = [filled(ranges[name][0], len(rows.plan)) for name in names]
        sizes = [
            np.where(rows.inline, 1, np.maximum(1, ranges[name][1] - ranges[name][0] + 1)).astype(np.int64)
            for name in names
        ]
        _, first, row = np.unique(combined([rows.plan, *sizes]), return_index=True, return_inverse=True)
        table = np.stack([size[first] for size in sizes], axis=1) if sizes else np.ones((len(first), 0), dtype=np.int64)
        packed = [rows.plans[number].packed[stage.key.index] for number in rows.plan[first].tolist()]
        return LoopArrays(packed, table), row.ravel(), origin

    def _add(
        self, stage: StageForm, rows: FuncRows, own: Some, users: list[StageRows],
        loops: LoopArrays, loop_row: Numbers, origin: list[Array],
    ) -> None:  # fmt: skip
        """The levels of a stage: those around its Func, then its own loops."""
        ours = np.where(rows.inline, 0, (loops.kinds > 0).sum(axis=1)[loop_row])
        known = rows.required[0][0].shape[1] if rows.required else _width(users)
        levels = max(known, int((np.where(rows.inline, 0, rows.level) + ours).max()) + 1)
        kinds, sizes, codes = self._enclosing(rows, own, users, levels)
        row, loop = np.nonzero(loops.kinds[loop_row] * ~rows.inline[:, None])
        column, which = rows.level[row] + 1 + loop, loop_row[row]
        kinds[row, column] = loops.kinds[which, loop]
        sizes[row, column] = loops.loop_extents[which, loop]
        codes[row, column] = stage.number * _DEPTHS + loop + 1
        for number, plan in enumerate(rows.plans):
            if plan.loops and plan.loops[stage.key.index].joins is not None:
                self._join(stage, rows, own, number, kinds, sizes, codes)
        env: dict[str, tuple[Array, Array]] = {}
        for name, (low, high), beyond in zip(rows.func.args, rows.required, rows.overhang, strict=True):
            lows, highs = np.empty(kinds.shape), np.empty(kinds.shape)
            lows[:, :known], lows[:, known:] = low, low[:, -1:]
            highs[:, :known] = high + beyond[:, None]
            highs[:, known:] = highs[:, known - 1 : known]
            env[name] = lows, highs
        for name, (first, last) in stage.domain.items():
            env[name] = np.full(kinds.shape, first, dtype=float), np.full(kinds.shape, last, dtype=float)
        offset, length = loops.windows()
        for place, name in enumerate(stage.stage.loop_vars):
            start = origin[place][row] + offset[place, which, loop]
            env[name][0][row, column] = start
            env[name][1][row, column] = start + length[place, which, loop] - 1
        self._keep(StageRows(stage, env, kinds, sizes, codes, loops, loop_row), own)

    def _add_inlined(self, rows: FuncRows, own: Some, users: list[StageRows]) -> None:
        """The levels of a Func that is inlined in all nests that have it in one form."""
        levels = rows.required[0][0].shape[1] if rows.required else _width(users)
        env = dict(zip(rows.func.args, rows.required, strict=True))
        self._keep(StageRows(rows.form.stages[0], env, *self._enclosing(rows, own, users, levels)), own)

    def _keep(self, stage: StageRows, own: Some) -> None:
        """Note a stage, of which there are rows for some nests."""
        found = stage if isinstance(own, slice) else stage.among(own, self.count, _ANY)
        self.stages[stage.form] = found
        for producer in stage.form.producers:
            self._users.setdefault(producer, []).append(found)

    def _enclosing(
        self, rows: FuncRows, own: Some, users: list[StageRows], levels: int
    ) -> tuple[Numbers, Array, Numbers]:
        """Kinds, extents and codes of the levels around a Func, those of the loop that it is computed in; of an inlined one
        all that its users have in common."""
        shape = (len(rows.plan), levels)
        kinds, sizes, codes = np.zeros(shape, dtype=np.int64), np.ones(shape), np.full(shape, _NONE)
        if not users:
            return kinds, sizes, codes
        common = users[0].codes[own, :levels]
        for user in users[1:]:
            theirs = user.codes[own, :levels]
            if users[0].where is None and user.where is None:
                width = min(common.shape[1], theirs.shape[1])
                common = np.where(common[:, :width] == theirs[:, :width], common[:, :width], _NONE)
            else:
                common, theirs = _no_more(common, levels), _no_more(theirs, levels)
                same = np.where((common == theirs) | (theirs == _ANY), common, _NONE)
                common = np.where(common == _ANY, theirs, same)
        width = common.shape[1]
        inside = np.arange(levels)[None, :width] <= np.where(rows.inline, levels, rows.level)[:, None]
        there = inside & (common >= 0)
        codes[:, :width] = np.where(there, common, _NONE)
        for user in users if users[0].where is not None else users[:1]:
            width = min(user.codes.shape[1], common.shape[1])
            here = there[:, :width] & (user.codes[own, :width] == common[:, :width])
            kinds[:, :width] = np.where(here, user.kinds[own, :width], kinds[:, :width])
            sizes[:, :width] = np.where(here, user.sizes[own, :width], sizes[:, :width])
        return kinds, sizes, codes

    def _join(
        self, stage: StageForm, rows: FuncRows, own: Some, number: int, kinds: Numbers, sizes: Array, codes: Numbers
    ) -> None:
        """Let the outermost loops of a stage be those of another, in the nests in which its Func has one plan."""
        loops = rows.plans[number].loops[stage.key.index]
        joins = loops.joins
        assert joins is not None
        here = np.flatnonzero(rows.plan == number)
        among = here if isinstance(own, slice) else own[here]
        joined = np.zeros(len(here), dtype=bool)
        for other in self._stages_of(joins.at.func) if joins.at.func in self.funcs else ():
            if other.key.index == joins.stage and other is not stage and other in self.stages:
                host, theirs = self.funcs[other.key.func], self.stages[other]
                depths = [_shared(loops, one, joins.stage, joins.at.var) for one in host.plans]
                depth = np.array(depths)[host.plan[among]]
                level = rows.level[here]
                width = min(codes.shape[1], theirs.codes.shape[1])
                inside = np.minimum(level, width - 1)
                fits = (depth > 0) & ~host.inline[among] & (host.level[among] == level) & (level + depth < width)
                fits &= (level == 0) | (codes[here, inside] == theirs.codes[among, inside])
                fits &= theirs.codes[among, 0] != _ANY
                joined |= fits
                columns = np.arange(width)[None]
                shared = (columns > level[:, None]) & (columns <= (level + depth)[:, None]) & fits[:, None]
                for mine, whose in ((kinds, theirs.kinds), (sizes, theirs.sizes), (codes, theirs.codes)):
                    mine[here, :width] = np.where(shared, whose[among, :width], mine[here, :width])
        self.left_out[among[~joined]] = True

    def sliding_share(self, name: str) -> Array:
        """`LoopNest.sliding_share` of a Func in each nest."""
        rows = self.funcs[name]
        share = np.ones(self.count)
        slides = (rows.store < rows.level) & ~rows.inline
        if not slides.any():
            return share
        for form, _ in self.present[name]:
            stage = self.stages[form.stages[0]]
            running = slides if stage.where is None else slides & stage.where
            if running.any():
                share = self._slid(rows, stage, running, share)
        return share

    def _slid(self, rows: FuncRows, stage: StageRows, running: Mask, share: Array) -> Array:
        every = np.arange(self.count)
        for level in range(int(rows.level.max(where=running, initial=0)), 0, -1):
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
            before = np.stack(inner, axis=1)[every, place] + 1
            whole = np.stack(outer, axis=1)[every, place] + 1
            part = np.minimum(1.0, whole / (before * stage.sizes[:, level]))
            share = np.where(slides, share * part, share)
        return share


def _inputs(different: Sequence[Forms], which: Numbers) -> dict[str, list[Array | float]]:
    """The extents of inputs under some structures; `which` is that of each nest."""
    found: dict[str, list[Array | float]] = {}
    for name in {name: None for one in different for name in one.inputs}:
        known = [one.inputs[name] for one in different if name in one.inputs]
        boxes = np.array(known, dtype=float).reshape(len(known), -1, 2)
        number = np.cumsum([name in one.inputs for one in different]) - 1  # where it isn't read, nobody asks
        sides = boxes[:, :, 1] - boxes[:, :, 0] + 1.0
        found[name] = [float(side[0]) if (side == side[0]).all() else side[number[which]] for side in sides.T]
    return found


def _width(users: Sequence[StageRows]) -> int:
    """How many levels what reads a Func has."""
    everywhere = [user.kinds.shape[1] for user in users if user.where is None]
    return min(everywhere) if everywhere else max((user.kinds.shape[1] for user in users), default=1)


def _no_more(codes: Numbers, levels: int) -> Numbers:
    """The codes at so many levels, of which further ones are no position."""
    lacking = levels - codes.shape[1]
    last = np.where(codes[:, -1:] == _ANY, _ANY, _NONE)
    return codes if lacking <= 0 else np.concatenate([codes, np.repeat(last, lacking, axis=1)], axis=1)


def _state(required: list[tuple[Array, Array]], plans: Sequence[Plan], plan: Numbers) -> None:
    """Put what plans state in the place of what is needed."""
    for number, one in enumerate(plans):
        for place, statements in one.bounds:
            low, high = required[place]
            first, last = as_stated(low, high, statements)
            here = (plan == number)[:, None]
            required[place] = np.where(here, first, low), np.where(here, last, high)


def _shared(mine: StageLoops, plan: Plan, stage: int, loop: str) -> int:
    """How many loops, down to that of the name, are alike in a stage of another plan; 0 where they aren't all."""
    if stage >= len(plan.loops):
        return 0
    theirs = plan.loops[stage]
    depth = theirs.depth_of(loop) or 0
    alike = (mine.loop_names[:depth], mine.kinds[:depth]) == (theirs.loop_names[:depth], theirs.kinds[:depth])
    return depth if alike else 0
