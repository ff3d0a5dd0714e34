"""The features of many schedules at once: the facts of `stage` as arrays over all schedules, one stage after the other.

What a search ranks differs little from schedule to schedule. What directives say is told once for each different Func
schedule (`plans`), what a definition comes to once for each choice of inlined Funcs, loops once for each different
extents, a stage once for each different surroundings; the rest is arithmetic on arrays. Schedules of different structures
have most Funcs in common (`forms`) and are done together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from autosearch.cost_model.alike import different, scaled
from autosearch.cost_model.base import Rows
from autosearch.cost_model.definition import dot_products, patterns
from autosearch.cost_model.facts import Facts
from autosearch.cost_model.features import feature_rows, featurize
from autosearch.cost_model.loops import LOOP_FACTS, loop_facts
from autosearch.cost_model.reads import PLACES, READ_FACTS, Reads, product
from autosearch.errors import ScheduleError
from autosearch.garbage import no_collection
from autosearch.machine import Machine
from autosearch.pipeline.array_intervals import Array
from autosearch.pipeline.bounds import Dataflow, Regions
from autosearch.pipeline.ir import Func
from autosearch.schedule.forms import Family, Forms, StageForm
from autosearch.schedule.loop_arrays import KINDS, Numbers
from autosearch.schedule.loops import PARALLEL, SERIAL
from autosearch.schedule.nest import build_nest
from autosearch.schedule.nest_rows import FuncRows, StageRows, combined
from autosearch.schedule.nests import Nests
from autosearch.schedule.plans import Planner
from autosearch.schedule.schedule import Schedule

AT_ONCE = 512
"""Schedules: more don't get faster, but take memory."""
LEAST_AT_ONCE = 4
"""Fewer are done sooner one by one."""
_FEW = 100
"""Nests: of so many a stage is done sooner than it takes to find out which are alike."""


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
        self._family = Family()
        self._forms: dict[Schedule, Forms | ScheduleError | None] = {}
        self._maker = _Maker(self._family, machine)

    def rows(self, schedules: Sequence[Schedule]) -> list[Rows]:
        """The features of each schedule, as `featurize` gives them. Raises `ScheduleError` as `build_nest` does."""
        found = self.attempt(schedules)
        for one in found:
            if isinstance(one, ScheduleError):
                raise one
        return [one for one in found if not isinstance(one, ScheduleError)]

    def attempt(self, schedules: Sequence[Schedule]) -> list[Rows | ScheduleError]:
        """The features of each schedule, or why it has none."""
        with no_collection():
            return self._attempt(schedules)

    def _attempt(self, schedules: Sequence[Schedule]) -> list[Rows | ScheduleError]:
        found: dict[int, Rows | ScheduleError] = {}
        together: list[tuple[int, Forms, Schedule]] = []
        for place, schedule in enumerate(schedules):
            forms = self._forms_of(schedule.structure)
            if isinstance(forms, ScheduleError):
                found[place] = forms
            elif forms is not None:
                together.append((place, forms, schedule.rest))
        for start in range(0, len(together) if len(together) >= LEAST_AT_ONCE else 0, AT_ONCE):
            places, forms_of, rest = zip(*together[start : start + AT_ONCE], strict=True)
            made = self._maker.rows(forms_of, rest)
            found.update((place, rows) for place, rows in zip(places, made, strict=True) if rows is not None)
        return [found[place] if place in found else self._alone(one) for place, one in enumerate(schedules)]

    def _forms_of(self, structure: Schedule) -> Forms | ScheduleError | None:
        """What Funcs there are under a structure; None where it can't be looked at with others."""
        if structure not in self._forms:
            try:
                derived = self._derive(structure)
                self._forms[structure] = self._family.join(derived.flow, derived.regions)
            except ScheduleError as error:
                self._forms[structure] = error
        return self._forms[structure]

    def _alone(self, schedule: Schedule) -> Rows | ScheduleError:
        """The features of a schedule that can't be done with others."""
        try:
            derived = self._derive(schedule.structure)
            return featurize(build_nest(derived.flow, derived.regions, schedule.rest), self._machine)
        except ScheduleError as error:
            return error


class _Maker:
    """Makes features of schedules of one pipeline."""

    def __init__(self, family: Family, machine: Machine) -> None:
        self._family = family
        self._planner = Planner()
        self._machine = machine
        self._reads = Reads()
        self._static: dict[StageForm, Array] = {}

    def rows(self, forms: Sequence[Forms], schedules: Sequence[Schedule]) -> list[Rows | None]:
        """The features of each schedule; None for those that `Nests` leaves out. See `Nests` for `forms`."""
        nests = Nests(self._family, self._planner, forms, schedules)
        order: list[Numbers] = []
        parts: list[Array] = []
        alike: list[Numbers] = []
        inlined = self._inlined(nests)
        place = known = 0
        for name, forms_of in nests.present.items():
            rows = nests.funcs[name]
            computed = ~rows.inline & ~nests.left_out
            share = nests.sliding_share(name)
            for stage in (stage for form, _ in forms_of for stage in form.stages):
                own = nests.stages[stage]
                there = np.flatnonzero(computed if own.where is None else computed & own.where)
                if len(there):
                    first, which = self._different(nests, rows, own, there, inlined[stage], share)
                    parts.append(self._facts(nests, rows, own, there[first], inlined[stage], share))
                    alike.append(which + known)
                    known += len(first)
                    order.append(there * len(nests.stages) + place)
                place += 1
        if not parts:
            return [None] * len(schedules)
        keys = np.concatenate(order)
        sequence = np.argsort(keys, kind="stable")
        table = np.concatenate(parts, axis=1)
        found = feature_rows(Facts(*table), self._machine)[np.concatenate(alike)[sequence]]
        counts = np.bincount(keys // len(nests.stages), minlength=len(schedules))
        ends = np.cumsum(counts)
        return [
            None if out else found[end - count : end]
            for out, end, count in zip(nests.left_out.tolist(), ends.tolist(), counts.tolist(), strict=True)
        ]

    def _inlined(self, nests: Nests) -> dict[StageForm, Numbers]:
        """For each stage a number in each nest that is the same where the same Funcs are inlined into it, in the same forms."""
        found: dict[StageForm, Numbers] = {}
        marks: dict[str, Numbers] = {}
        nothing = np.zeros(nests.count, dtype=np.int64)
        for name, forms in reversed(nests.present.items()):
            rows = nests.funcs[name]
            marks[name] = np.zeros_like(nothing)
            for form, own in forms:
                for stage in form.stages:
                    columns = [marks.get(producer, nothing) for producer in stage.producers]
                    found[stage] = combined(columns) if columns else nothing
                if rows.any_inline:
                    first = form.stages[0]
                    mark = combined([found[first], np.full_like(nothing, first.number)])
                    marks[name][own] = np.where(rows.inline, mark, 0)[own]
        return found

    # One stage -----------------------------------------------------------------------------------------------------

    def _different(
        self, nests: Nests, rows: FuncRows, own: StageRows, there: Numbers, inlined: Numbers, share: Array
    ) -> tuple[Numbers, Numbers]:
        """The places of nests, where the stage is computed, for which `_facts` may differ; and for each which it equals."""
        if len(there) < _FEW:
            every = np.arange(len(there))
            return every, every
        return different(self._told_apart_by(nests, rows, own, there, inlined, share))

    def _told_apart_by(
        self, nests: Nests, rows: FuncRows, own: StageRows, there: Numbers, inlined: Numbers, share: Array
    ) -> Iterator[np.ndarray[Any, Any]]:
        """All that `_facts` goes by, of the nests where the stage is computed."""
        assert own.loop_row is not None
        tables: list[np.ndarray[Any, Any]] = [rows.level, rows.store, own.loop_row, scaled(inlined), share]
        tables += [own.kinds, own.sizes, *rows.made, *(end for ends in own.env.values() for end in ends)]
        for name in (rows.func.name, *self._reads.sources(nests, own.form, there, inlined)):
            read = nests.funcs[name]
            tables += [scaled(read.layout_number), *read.stored]
        return (table[there] for table in tables)

    def _facts(
        self, nests: Nests, rows: FuncRows, own: StageRows, there: Numbers, inlined: Numbers, share: Array
    ) -> Array:
        """The facts of one stage in some nests where it is computed: (facts, nests)."""
        stage, func = own.form.stage, rows.func
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
        definition = self._reads.facts(nests, own, there, inlined, ranges)
        written = [ranges[name][1] - ranges[name][0] + 1.0 for name in stage.pure_vars]
        writes = product(written, places.shape) * element
        assert own.loops is not None and own.loop_row is not None
        loops = loop_facts(own.loops)[:, own.loop_row[there]]
        found = np.empty((len(Facts._fields), count))
        found[_STATIC] = self._static_facts(own.form, func)[:, None]
        found[_WHERE] = [
            level, around[each, level], around[each, store], tasks[each, level], share[there]
        ]  # fmt: skip
        found[_LOOPS] = loops
        found[_READS] = definition
        found[_STORAGE] = [
            product(stored, count) * element, _along(stored, first, count) * element,
            product(made, count) * element, _along(made, first, count) * element,
        ]  # fmt: skip
        found[_WRITES] = writes[:, 1:].T
        return found

    def _static_facts(self, form: StageForm, func: Func) -> Array:
        """The facts that no schedule changes."""
        if form not in self._static:
            stage, env = form.stage, form.whole
            minimum = math.prod(int(env[name][1] - env[name][0]) + 1 for name in stage.loop_vars)
            element = sum(kind.bytes for kind in func.types)
            lanes = max(1, self._machine.vector_bytes // max(kind.bytes for kind in func.types))
            region = math.prod(int(env[name][1] - env[name][0]) + 1 for name in func.args)
            forms = patterns(stage, func, form.edges)
            dots = dot_products(stage, self._machine)
            self._static[form] = np.array(
                [stage.key.index, len(func.args), element, lanes, minimum, region, *forms, dots, region * element],
                dtype=float,
            )
        return self._static[form]

    def _places(self, own: StageRows, level: Numbers, store: Numbers, there: Numbers) -> Numbers:
        """The levels of `PLACES` in each nest: (nests, places)."""
        assert own.loops is not None and own.loop_row is not None
        kinds = own.loops.kinds
        depth = np.where((kinds == KINDS[SERIAL]) | (kinds == KINDS[PARALLEL]), np.arange(1, kinds.shape[1] + 1), 0)
        body = (depth.max(axis=1) if kinds.shape[1] else np.zeros(len(kinds), dtype=np.int64))[own.loop_row[there]]
        path = own.kinds[there]
        task = np.where(path == KINDS[PARALLEL], np.arange(path.shape[1]), 0).max(axis=1)
        inside = [level + np.maximum(0, body - outwards) for outwards in range(3)]
        return np.stack([*inside, level, store, task, np.zeros_like(level)], axis=1)


def _numbers(*names: str) -> Numbers:
    """The places of some facts among all."""
    return np.array([Facts._fields.index(name) for name in names])


_STATIC = _numbers(
    "stage", "dimensions", "element_bytes", "lanes", "minimum", "region",
    "pointwise", "transposed", "broadcasts", "sliced", "scatters", "dots", "whole",
)  # fmt: skip
_WHERE = _numbers("depth", "productions", "realizations", "outer_tasks", "share")
_LOOPS, _READS = _numbers(*LOOP_FACTS), _numbers(*READ_FACTS)
_STORAGE = _numbers("stored", "stored_row", "produced", "produced_row")
_WRITES = _numbers(*(f"{place}_writes" for place in PLACES[1:]))


def _along(sides: Sequence[Array], dimension: Numbers, count: int) -> Array:
    """The extent along one dimension, another in each row; 1 where there is none."""
    return np.stack(sides)[dimension, np.arange(count)] if sides else np.ones(count)
