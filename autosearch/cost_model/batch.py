"""The features of many schedules at once: the facts of `stage` as arrays over all schedules, one stage after the other.

What a search ranks differs little from schedule to schedule. What directives say is told once for each different Func
schedule (`plans`), what a definition comes to once for each choice of inlined Funcs, loops once for each different
extents; the rest is arithmetic on arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from autosearch.cost_model.base import Rows
from autosearch.cost_model.definition import chain, patterns, read_bytes, vector_loads, work, work_facts
from autosearch.cost_model.facts import Facts
from autosearch.cost_model.features import feature_rows, featurize
from autosearch.cost_model.stage import UNKNOWN_SIDE
from autosearch.errors import ScheduleError
from autosearch.machine import Machine
from autosearch.pipeline.access import Box
from autosearch.pipeline.array_intervals import Array, ArrayEnv, Ends, compile_edge
from autosearch.pipeline.bounds import Dataflow, Regions, extents
from autosearch.pipeline.ir import Func, Stage, StageKey
from autosearch.schedule.loop_arrays import KINDS, LoopArrays, Numbers
from autosearch.schedule.loops import PARALLEL, SERIAL, UNROLLED, VECTORIZED
from autosearch.schedule.nest import build_nest
from autosearch.schedule.nests import Mask, Nests, StageRows, bounded, combined, hull_of
from autosearch.schedule.plans import Planner, edge_is_bounded
from autosearch.schedule.schedule import Schedule

AT_ONCE = 512
"""Schedules: more don't get faster, but take memory."""
_PLACES = ("body", "inner", "middle", "production", "realization", "task", "root")
Name = tuple[str, bool]
"""A producer, or an input (`True`)."""


class _Definition(NamedTuple):
    """What is made of one stage with some Funcs inlined."""

    chain: tuple[StageKey, ...]
    reads: tuple[str, ...]
    """The Funcs in memory that it reads."""
    work: tuple[float, ...]


class Derived(Protocol):
    """What is left to schedule under some structure."""

    @property
    def flow(self) -> Dataflow: ...

    @property
    def regions(self) -> Regions: ...


class Featurizer:
    """Makes features of schedules of one pipeline; the more at a time, the faster each."""

    def __init__(self, derive: Callable[[Schedule], Derived], machine: Machine) -> None:
        """`derive` gives what is left to schedule under a structure, and raises `ScheduleError` where there is no such."""
        self._derive = derive
        self._machine = machine
        self._makers: dict[Schedule, _Maker] = {}

    def rows(self, schedules: Sequence[Schedule]) -> list[Rows]:
        """The features of each schedule, as `featurize` gives them. Raises `ScheduleError` as `build_nest` does."""
        found = self.attempt(schedules)
        for one in found:
            if isinstance(one, ScheduleError):
                raise one
        return [one for one in found if not isinstance(one, ScheduleError)]

    def attempt(self, schedules: Sequence[Schedule]) -> list[Rows | ScheduleError]:
        """The features of each schedule, or why it has none."""
        groups: dict[Schedule, list[int]] = {}
        for place, schedule in enumerate(schedules):
            groups.setdefault(schedule.structure, []).append(place)
        found: dict[int, Rows | ScheduleError] = {}
        for structure, places in groups.items():
            try:
                maker = self._maker(structure)
            except ScheduleError as error:
                found.update(dict.fromkeys(places, error))
                continue
            for start in range(0, len(places), AT_ONCE):
                some = places[start : start + AT_ONCE]
                made = maker.rows([schedules[place].rest for place in some])
                found.update((place, rows) for place, rows in zip(some, made, strict=True) if rows is not None)
        return [found[place] if place in found else self._alone(one) for place, one in enumerate(schedules)]

    def _maker(self, structure: Schedule) -> _Maker:
        if structure not in self._makers:
            derived = self._derive(structure)
            self._makers[structure] = _Maker(Planner(derived.flow, derived.regions), self._machine)
        return self._makers[structure]

    def _alone(self, schedule: Schedule) -> Rows | ScheduleError:
        """The features of a schedule that can't be done with others."""
        derived = self._derive(schedule.structure)
        try:
            return featurize(build_nest(derived.flow, derived.regions, schedule.rest), self._machine)
        except ScheduleError as error:
            return error


class _Maker:
    """Makes features of schedules of one algorithm."""

    def __init__(self, planner: Planner, machine: Machine) -> None:
        self._planner = planner
        self._machine = machine
        self._flow = planner.flow
        self._definitions: dict[tuple[StageKey, int], _Definition] = {}
        self._loads: dict[tuple[Any, ...], tuple[float, ...]] = {}
        self._edges: dict[StageKey, list[tuple[Name, Callable[[ArrayEnv], list[Ends]]]]] = {}
        self._bounded: dict[StageKey, bool] = {}
        self._static: dict[StageKey, Array] = {}

    def rows(self, schedules: Sequence[Schedule]) -> list[Rows | None]:
        """The features of each schedule; None for those that `Nests` leaves out."""
        nests = Nests(self._planner, schedules)
        order: list[Numbers] = []
        parts: list[Array] = []
        inlined = self._inlined(nests)
        place = 0
        for func in reversed(nests.algorithm.funcs):
            there = np.flatnonzero(~nests.funcs[func.name].inline & ~nests.left_out)
            for stage in func.stages:
                if len(there):
                    parts.append(self._facts(nests, stage, func, there, inlined[stage.key]))
                    order.append(there * len(nests.stages) + place)
                place += 1
        if not parts:
            return [None] * len(schedules)
        keys = np.concatenate(order)
        sequence = np.argsort(keys, kind="stable")
        table = np.concatenate(parts, axis=1)[:, sequence]
        rows = feature_rows(Facts(*table), self._machine)
        counts = np.bincount(keys // len(nests.stages), minlength=len(schedules))
        ends = np.cumsum(counts)
        return [
            None if out else rows[end - count : end]
            for out, end, count in zip(nests.left_out.tolist(), ends.tolist(), counts.tolist(), strict=True)
        ]

    def _inlined(self, nests: Nests) -> dict[StageKey, Numbers]:
        """For each stage a number in each nest that is the same where the same Funcs are inlined into it."""
        found: dict[StageKey, Numbers] = {}
        for func in nests.algorithm.funcs:
            for stage in func.stages:
                columns = [
                    np.where(nests.funcs[name].inline, combined([found[StageKey(name)]]), 0)
                    for name in nests.algorithm.producers[stage.key]
                ]
                found[stage.key] = combined(columns) if columns else np.zeros(nests.count, dtype=np.int64)
        return found

    # One stage -----------------------------------------------------------------------------------------------------

    def _facts(self, nests: Nests, stage: Stage, func: Func, there: Numbers, inlined: Numbers) -> Array:
        """The facts of one stage in the nests where it is computed: (facts, nests)."""
        rows, own = nests.funcs[func.name], nests.stages[stage.key]
        level, store = rows.level[there], rows.store[there]
        count = len(there)
        around = np.cumprod(own.sizes[there], axis=1)
        parallel = own.kinds[there] == KINDS[PARALLEL]
        tasks = np.cumprod(np.where(parallel, own.sizes[there], 1.0), axis=1)
        each = np.arange(count)
        element = float(sum(kind.bytes for kind in func.types))
        stored, made = ([side[there] for side in sides] for sides in (rows.stored, rows.made))
        first = np.array([plan.layout[0] if plan.layout else 0 for plan in rows.plans])[rows.plan[there]]
        places = self._places(own, level, store, there)
        at = there[:, None]
        ranges = {name: (low[at, places], high[at, places]) for name, (low, high) in own.env.items()}
        definition = self._definition_facts(nests, stage, own, there, inlined, ranges)
        written = [ranges[name][1] - ranges[name][0] + 1.0 for name in stage.pure_vars]
        writes = _product(written, places.shape) * element
        assert own.loops is not None and own.loop_row is not None
        loops = _loop_facts(own.loops)[:, own.loop_row[there]]
        found = np.empty((len(Facts._fields), count))
        found[_STATIC] = self._static_facts(nests, stage, func)[:, None]
        found[_WHERE] = [
            level, around[each, level], around[each, store], tasks[each, level], nests.sliding_share(func.name)[there]
        ]  # fmt: skip
        found[_LOOPS] = loops
        found[_READS] = definition
        found[_STORAGE] = [
            _product(stored, count) * element, _along(stored, first, count) * element,
            _product(made, count) * element, _along(made, first, count) * element,
        ]  # fmt: skip
        found[_WRITES] = writes[:, 1:].T
        return found

    def _static_facts(self, nests: Nests, stage: Stage, func: Func) -> Array:
        """The facts that no schedule changes."""
        if stage.key not in self._static:
            whole = nests.regions.funcs[func.name]
            env = self._flow.environment(stage, whole)
            minimum = math.prod(int(env[name][1] - env[name][0]) + 1 for name in stage.loop_vars)
            element = sum(kind.bytes for kind in func.types)
            lanes = max(1, self._machine.vector_bytes // max(kind.bytes for kind in func.types))
            region = math.prod(extents(whole))
            forms = patterns(stage, func, self._flow.edges[stage.key])
            self._static[stage.key] = np.array(
                [stage.key.index, len(func.args), element, lanes, minimum, region, *forms, region * element],
                dtype=float,
            )
        return self._static[stage.key]

    def _places(self, own: StageRows, level: Numbers, store: Numbers, there: Numbers) -> Numbers:
        """The levels of `_PLACES` in each nest: (nests, places)."""
        assert own.loops is not None and own.loop_row is not None
        kinds = own.loops.kinds
        depth = np.where((kinds == KINDS[SERIAL]) | (kinds == KINDS[PARALLEL]), np.arange(1, kinds.shape[1] + 1), 0)
        body = (depth.max(axis=1) if kinds.shape[1] else np.zeros(len(kinds), dtype=np.int64))[own.loop_row[there]]
        path = own.kinds[there]
        task = np.where(path == KINDS[PARALLEL], np.arange(path.shape[1]), 0).max(axis=1)
        inside = [level + np.maximum(0, body - outwards) for outwards in range(3)]
        return np.stack([*inside, level, store, task, np.zeros_like(level)], axis=1)

    # What it reads -------------------------------------------------------------------------------------------------

    def _definition_facts(
        self, nests: Nests, stage: Stage, own: StageRows, there: Numbers, inlined: Numbers, ranges: ArrayEnv
    ) -> Array:
        """The facts that depend on which Funcs are inlined. `ranges`: of each variable in each nest at each place."""
        marks, first, mark = np.unique(inlined[there], return_index=True, return_inverse=True)
        known = [
            self._definition(nests, stage.key, m, int(there[k])) for m, k in zip(marks.tolist(), first, strict=True)
        ]
        work = np.array([one.work for one in known]).T[:, mark.ravel()]
        loads = self._vector_loads(nests, stage, own, known, mark.ravel(), there)
        footprint, producer = self._footprint(nests, stage.key, ranges, there)
        return np.concatenate([work, loads, producer[None], footprint])

    def _definition(self, nests: Nests, key: StageKey, mark: int, row: int) -> _Definition:
        name = (key, mark)
        if name not in self._definitions:

            def is_inlined(func: str) -> bool:
                return bool(nests.funcs[func].inline[row])

            stages = chain(self._flow, key, is_inlined)
            producers = (name for one in stages for name in nests.algorithm.producers[one])
            reads = tuple(dict.fromkeys(one for one in producers if not is_inlined(one)))
            self._definitions[name] = _Definition(stages, reads, work_facts(work(self._flow, key, is_inlined)))
        return self._definitions[name]

    def _reads_of(self, key: StageKey) -> list[tuple[Name, Callable[[ArrayEnv], list[Ends]]]]:
        if key not in self._edges:
            self._edges[key] = [
                ((edge.producer, edge.is_input), compile_edge(edge, self._flow.bindings))
                for edge in self._flow.edges[key]
            ]
        return self._edges[key]

    def _vector_loads(
        self, nests: Nests, stage: Stage, own: StageRows, known: Sequence[_Definition], mark: Numbers, there: Numbers
    ) -> Array:
        """Loads by how they go with the vector, (kinds, nests)."""
        assert own.loops is not None and own.loop_row is not None
        vector = own.loops.vector[own.loop_row[there]]
        varied = {name for one in known for name in one.reads if len(nests.funcs[name].layouts) > 1}
        columns = [mark, vector, *(nests.funcs[name].layout_number[there] for name in sorted(varied))]
        _, first, row = np.unique(combined(columns), return_index=True, return_inverse=True)
        table = np.empty((4, len(first)))
        for number, place in enumerate(first.tolist()):
            definition, at = known[mark[place]], int(there[place])
            lies = {name: nests.funcs[name].layout(at) for name in (*definition.reads, stage.func)}
            variable = stage.loop_vars[int(vector[place])] if vector[place] >= 0 else None
            key = (definition.chain, variable, tuple(lies.values()))
            if key not in self._loads:
                self._loads[key] = vector_loads(self._flow, definition.chain, variable, lies)
            table[:, number] = self._loads[key]
        return table[:, row.ravel()]

    def _footprint(self, nests: Nests, key: StageKey, ranges: ArrayEnv, there: Numbers) -> tuple[Array, Array]:
        """What is read at each place, in the order of the facts; and the largest storage read."""
        count = len(there)
        shape = (count, len(_PLACES))
        total, lines, pieces, producer = np.zeros(shape), np.zeros(shape), np.zeros(count), np.zeros(count)
        for (name, is_input), region in self._regions(nests, key, ranges, there).items():
            element = float(read_bytes(nests.algorithm, name, is_input))
            sides, valid = region.sides(shape), region.where
            size = _product(sides, shape)
            if valid is not None:
                size = np.where(valid[:, None], size, 0.0)
            total += size * element
            stored: list[Any]
            orders: list[tuple[tuple[int, ...], Numbers | slice]]
            if is_input:
                stored = [high - low + 1.0 for low, high in nests.regions.inputs[name]]
                orders = [(tuple(range(len(sides))), slice(None))]
            else:
                stored = [side[there] for side in nests.funcs[name].stored]
                held = _product(stored, count) * element
                producer = np.maximum(producer, held if valid is None else np.where(valid, held, 0.0))
                orders = list(nests.funcs[name].by_layout(there))
            if not sides:
                lines += size
                pieces += size[:, 1]
                continue
            for order, some in orders:
                lines[some] += size[some] / sides[order[0]][some]
                pieces[some] += size[some, 1] / _run(sides, stored, order, some)
        line = [lines[:, _PLACES.index(place)] for place in ("body", "production", "task", "root")]
        return np.stack([*total.T, *line, pieces]), producer

    def _regions(self, nests: Nests, stage: StageKey, ranges: ArrayEnv, there: Numbers) -> dict[Name, _Region]:
        """The region of each producer in memory and input that is read at each place, and in which nests.

        Consumers come before producers: once a Func's turn comes, all that is read of it is known.
        """
        found: dict[Name, _Region] = {}

        def add(key: StageKey, env: ArrayEnv, where: Mask | None) -> None:
            for name, read in self._reads_of(key):
                if name != (stage.func, False) or key == stage:
                    region = _Region(read(env), where, self._is_bounded(key))
                    found[name] = found[name].joined(region) if name in found else region

        add(stage, ranges, None)
        for func in reversed(nests.algorithm.funcs):
            region, rows = found.get((func.name, False)), nests.funcs[func.name]
            if region is None or func.name == stage.func or not rows.any_inline:
                continue
            inline = rows.inline[there]
            inside = inline if region.where is None else inline & region.where
            if not inside.any():
                continue
            whole = nests.regions.funcs[func.name]
            env = {
                **self._flow.domains[func.stages[0].key],
                **dict(zip(func.args, region.within(inside, whole), strict=True)),
            }
            add(func.stages[0].key, env, None if inside.all() else inside)
            kept = ~inline if region.where is None else ~inline & region.where
            if kept.any():
                found[func.name, False] = replace(region, where=kept)
            else:
                del found[func.name, False]
        return found

    def _is_bounded(self, key: StageKey) -> bool:
        """Whether all that a stage reads is bounded."""
        if key not in self._bounded:
            edges = self._flow.edges[key]
            self._bounded[key] = all(edge_is_bounded(self._flow, self._planner.regions, edge) for edge in edges)
        return self._bounded[key]


@dataclass(frozen=True)
class _Region:
    """What is read of something at each place: (nests, places) for each end of each dimension."""

    box: list[Ends]
    where: Mask | None
    """The nests in which it is read; None for all."""
    bounded: bool

    def joined(self, other: _Region) -> _Region:
        """Both together."""
        if self.where is None and other.where is None:
            return _Region(hull_of(self.box, other.box), None, self.bounded and other.bounded)
        where = None if self.where is None or other.where is None else self.where | other.where
        box = hull_of(self._empty_elsewhere(), other._empty_elsewhere())
        return _Region(box, where, self.bounded and other.bounded)

    def _empty_elsewhere(self) -> list[Ends]:
        if self.where is None:
            return self.box
        here = self.where[:, None]
        return [(np.where(here, low, np.inf), np.where(here, high, -np.inf)) for low, high in self.box]

    def within(self, here: Mask, whole: Box) -> list[Ends]:
        """The region, where there is one and it is bounded; elsewhere `whole`."""
        box = self.box if self.bounded else bounded(self.box, whole)
        if here.all():
            return box
        rows = here[:, None]
        return [
            (np.where(rows, low, w[0]), np.where(rows, high, w[1])) for (low, high), w in zip(box, whole, strict=True)
        ]

    def sides(self, shape: tuple[int, int]) -> list[Array]:
        """Its extents, 1 where there is none."""
        found = []
        for low, high in self.box:
            side = np.broadcast_to(high - low + 1.0, shape)
            if not self.bounded:
                side = np.where(np.isfinite(side), side, UNKNOWN_SIDE)
            found.append(side if self.where is None else np.where(self.where[:, None], side, 1.0))
        return found


_WORK_FACTS = Facts._fields[Facts._fields.index("adds") : Facts._fields.index("inlined") + 1]
_READ_FACTS = (
    *_WORK_FACTS, "dense", "broadcast", "strided", "gathered", "producer",
    *(f"{place}_reads" for place in _PLACES), "body_lines", "production_lines", "task_lines", "root_lines", "inner_pieces",
)  # fmt: skip
_LOOP_FACTS = (
    "points", "vector", "unrolled", "own_tasks", "serial", "innermost", "innermost_pure", "loops", "covered", "guarded",
    "scalar_share", "accumulated",
)  # fmt: skip


def _numbers(*names: str) -> Numbers:
    """The places of some facts among all."""
    return np.array([Facts._fields.index(name) for name in names])


_STATIC = _numbers(
    "stage", "dimensions", "element_bytes", "lanes", "minimum", "region",
    "pointwise", "transposed", "broadcasts", "sliced", "scatters", "whole",
)  # fmt: skip
_WHERE = _numbers("depth", "productions", "realizations", "outer_tasks", "share")
_LOOPS, _READS = _numbers(*_LOOP_FACTS), _numbers(*_READ_FACTS)
_STORAGE = _numbers("stored", "stored_row", "produced", "produced_row")
_WRITES = _numbers(*(f"{place}_writes" for place in _PLACES[1:]))


def _loop_facts(loops: LoopArrays) -> Array:
    """The facts about a stage's own loops, as `autosearch.cost_model.loops` has them: (facts, rows)."""
    kinds, sizes = loops.kinds, loops.loop_extents.astype(float)
    serial, parallel = kinds == KINDS[SERIAL], kinds == KINDS[PARALLEL]
    runs = serial | parallel
    together = [
        np.prod(np.where(kinds == KINDS[kind], sizes, 1.0), axis=1) for kind in (VECTORIZED, UNROLLED, PARALLEL)
    ]
    given = np.maximum(1, loops.extents[:, : loops.variables])
    covered = np.prod(loops.covered() / given, axis=1)
    row, left, size, inner = loops.left_over()
    count = len(kinds)
    guarded, whole = np.zeros(count), np.ones(count)
    guarded[row] = 1.0
    if len(row):
        is_vector = np.zeros(loops.extents.shape, dtype=bool)
        which, place = np.nonzero(kinds == KINDS[VECTORIZED])
        is_vector[which, loops.order[which, place]] = True
        some = is_vector[row, inner]
        np.multiply.at(whole, row[some], 1.0 - left[some] / size[some])
    accumulated, running = np.ones(count), np.ones(count, dtype=bool)
    for loop in reversed(range(kinds.shape[1])):
        there = running & runs[:, loop]
        running &= ~there | (serial[:, loop] & loops.reduces[:, loop])
        accumulated = np.where(there & running, accumulated * sizes[:, loop], accumulated)
    return np.stack([
        np.prod(sizes, axis=1), *together, np.prod(np.where(runs, sizes, 1.0), axis=1),
        _last(sizes, runs), _last(sizes, runs & ~loops.reduces), (kinds > 0).sum(axis=1), covered,
        guarded, 1.0 - whole, accumulated,
    ])  # fmt: skip


def _last(sizes: Array, where: np.ndarray[Any, np.dtype[np.bool_]]) -> Array:
    """The last of each row that counts, 1 where none does."""
    if not sizes.shape[1]:
        return np.ones(len(sizes))
    place = sizes.shape[1] - 1 - np.argmax(where[:, ::-1], axis=1)
    return np.where(where.any(axis=1), sizes[np.arange(len(sizes)), place], 1.0)


def _product(sides: Sequence[Array], shape: Any) -> Array:
    found = np.ones(shape)
    for side in sides:
        found = found * side
    return found


def _along(sides: Sequence[Array], dimension: Numbers, count: int) -> Array:
    """The extent along one dimension, another in each row; 1 where there is none."""
    return np.stack(sides)[dimension, np.arange(count)] if sides else np.ones(count)


def _run(sides: Sequence[Array], stored: Sequence[Any], order: Sequence[int], some: Numbers | slice) -> Array:
    """`contiguous_run` at the place `inner`, of some rows."""
    run: Any = 1.0
    running: Any = None
    for dimension in order:
        side = sides[dimension][some, 1]
        held = stored[dimension][some] if isinstance(stored[dimension], np.ndarray) else stored[dimension]
        run = run * (side if running is None else np.where(running, side, 1.0))
        running = side >= held if running is None else running & (side >= held)
    return np.asarray(run)
