"""What stages read in many schedules at once: which Funcs and inputs, where, and in what pieces of memory.

It depends on which Funcs are inlined, so on the schedule; all schedules of a batch are done together, each region with a
mask of the schedules in which it is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from autosearch.cost_model.definition import chain, element_bytes, input_bytes, vector_loads, work, work_facts
from autosearch.cost_model.facts import Facts
from autosearch.cost_model.stage import UNKNOWN_SIDE
from autosearch.pipeline.access import Box
from autosearch.pipeline.array_intervals import Array, ArrayEnv, Ends, filled
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.array_boxes import bounded, hull_of
from autosearch.schedule.forms import StageForm
from autosearch.schedule.loop_arrays import Numbers
from autosearch.schedule.nest_rows import Mask, StageRows, combined
from autosearch.schedule.nests import Nests

PLACES = ("body", "inner", "middle", "production", "realization", "task", "root")
"""Where it is asked what is read: inside which loops, see `Facts`."""
Name = tuple[str, bool]
"""A producer, or an input (`True`)."""
_WORK_FACTS = Facts._fields[Facts._fields.index("adds") : Facts._fields.index("inlined") + 1]
READ_FACTS = (
    *_WORK_FACTS, "dense", "broadcast", "strided", "gathered", "producer",
    *(f"{place}_reads" for place in PLACES), "body_lines", "production_lines", "task_lines", "root_lines", "inner_pieces",
)  # fmt: skip
"""Facts about what is read, and about work, of which inlined Funcs are a part."""
_LINED = [PLACES.index(place) for place in ("body", "production", "task", "root")]


class _Definition(NamedTuple):
    """What is made of one stage with some Funcs inlined."""

    mark: int
    """Another one for each."""
    chain: tuple[StageKey, ...]
    reads: tuple[str, ...]
    """The Funcs in memory that it reads."""
    work: tuple[float, ...]


class Reads:
    """Answers what the stages of one pipeline read."""

    def __init__(self) -> None:
        self._definitions: dict[tuple[StageForm, int], _Definition] = {}
        self._loads: dict[tuple[Any, ...], tuple[float, ...]] = {}

    def sources(self, nests: Nests, stage: StageForm, there: Numbers, inlined: Numbers) -> list[str]:
        """The Funcs in memory that a stage reads in any of the nests where it is computed; `inlined` as in `facts`."""
        marks, first = np.unique(inlined[there], return_index=True)
        known = [self._definition(nests, stage, m, int(there[k])) for m, k in zip(marks.tolist(), first, strict=True)]
        return list(dict.fromkeys(name for one in known for name in one.reads))

    def facts(
        self, nests: Nests, own: StageRows, there: Numbers, inlined: Numbers, ranges: ArrayEnv
    ) -> Array:
        """The facts `READ_FACTS` of one stage in the nests where it is computed: (facts, nests).

        inlined: a number for each nest that is the same where the same Funcs, in the same forms, are inlined into it; ranges:
        of each variable in each nest at each place.
        """
        marks, first, mark = np.unique(inlined[there], return_index=True, return_inverse=True)
        known = [self._definition(nests, own.form, m, int(there[k])) for m, k in zip(marks.tolist(), first, strict=True)]
        work = np.array([one.work for one in known]).T[:, mark.ravel()]
        loads = self._vector_loads(nests, own, known, mark.ravel(), there)
        footprint, producer = self._footprint(nests, own.form, ranges, there)
        return np.concatenate([work, loads, producer[None], footprint])

    def _definition(self, nests: Nests, stage: StageForm, mark: int, row: int) -> _Definition:
        name = (stage, mark)
        if name not in self._definitions:

            def is_inlined(func: str) -> bool:
                return bool(nests.funcs[func].inline[row])

            flow = nests.forms[row].flow
            stages = chain(flow, stage.key, is_inlined)
            producers = (name for one in stages for name in flow.algorithm.producers[one])
            reads = tuple(dict.fromkeys(one for one in producers if not is_inlined(one)))
            self._definitions[name] = _Definition(mark, stages, reads, work_facts(work(flow, stage.key, is_inlined)))
        return self._definitions[name]

    def _vector_loads(
        self, nests: Nests, own: StageRows, known: Sequence[_Definition], mark: Numbers, there: Numbers
    ) -> Array:
        """Loads by how they go with the vector, (kinds, nests)."""
        assert own.loops is not None and own.loop_row is not None
        stage = own.form.stage
        vector = own.loops.vector[own.loop_row[there]]
        lying = {stage.func, *(name for one in known for name in one.reads)}
        varied = [name for name in sorted(lying) if len(nests.funcs[name].layouts) > 1]
        columns = [mark, vector, *(nests.funcs[name].layout_number[there] for name in varied)]
        _, first, row = np.unique(combined(columns), return_index=True, return_inverse=True)
        table = np.empty((4, len(first)))
        for number, place in enumerate(first.tolist()):
            definition, at = known[mark[place]], int(there[place])
            lies = {name: nests.funcs[name].layout(at) for name in (*definition.reads, stage.func)}
            variable = stage.loop_vars[int(vector[place])] if vector[place] >= 0 else None
            key = (own.form, definition.mark, variable, tuple(lies.values()))
            if key not in self._loads:
                self._loads[key] = vector_loads(nests.forms[at].flow, definition.chain, variable, lies)
            table[:, number] = self._loads[key]
        return table[:, row.ravel()]

    def _footprint(self, nests: Nests, stage: StageForm, ranges: ArrayEnv, there: Numbers) -> tuple[Array, Array]:
        """What is read at each place, in the order of the facts; and the largest storage read."""
        count = len(there)
        shape = (count, len(PLACES))
        total, lines, pieces, producer = np.zeros(shape), np.zeros(shape), np.zeros(count), np.zeros(count)
        algorithm = nests.forms[0].flow.algorithm
        for (name, is_input), region in self._regions(nests, stage, ranges, there).items():
            element = input_bytes(algorithm, name) if is_input else element_bytes(nests.funcs[name].func)
            sides, valid = region.sides(shape), region.where
            size = product(sides, shape)
            if valid is not None:
                size = np.where(valid[:, None], size, 0.0)
            total += size * element
            stored: list[Any]
            orders: list[tuple[tuple[int, ...], Numbers | slice]]
            if is_input:
                stored = [side[there] if isinstance(side, np.ndarray) else side for side in nests.inputs[name]]
                orders = [(tuple(range(len(sides))), slice(None))]
            else:
                stored = [side[there] for side in nests.funcs[name].stored]
                held = product(stored, count) * element
                producer = np.maximum(producer, held if valid is None else np.where(valid, held, 0.0))
                orders = list(nests.funcs[name].by_layout(there))
            if not sides:
                lines += size
                pieces += size[:, 1]
                continue
            for order, some in orders:
                lines[some] += size[some] / sides[order[0]][some]
                pieces[some] += size[some, 1] / _run(sides, stored, order, some)
        return np.concatenate([total.T, lines.T[_LINED], pieces[None]]), producer

    def _regions(self, nests: Nests, stage: StageForm, ranges: ArrayEnv, there: Numbers) -> dict[Name, _Region]:
        """The region of each producer in memory and input that is read at each place, and in which nests.

        Consumers come before producers: once a Func's turn comes, all that is read of it is known.
        """
        found: dict[Name, _Region] = {}
        itself = (stage.key.func, False)

        def add(one: StageForm, env: ArrayEnv, where: Mask | None) -> None:
            for read in one.reads:
                name = (read.producer, read.is_input)
                if name != itself or one is stage:
                    region = _Region(read.box(env), where, one.is_bounded)
                    found[name] = found[name].joined(region) if name in found else region

        add(stage, ranges, None)
        for func, forms in nests.present.items():
            name, rows = (func, False), nests.funcs[func]
            if name not in found or name == itself or not rows.any_inline:
                continue
            region, inline = found[name], rows.inline[there]
            where = inline if region.where is None else inline & region.where
            if not where.any():
                continue
            for form, _ in forms:
                first = form.stages[0]
                has = nests.stages[first].where
                inside = where if has is None else where & has[there]
                if inside.any():
                    env = dict(zip(form.func.args, region.within(inside, form.whole), strict=True))
                    add(first, env, None if inside.all() else inside)
            kept = ~inline if region.where is None else ~inline & region.where
            if kept.any():
                found[name] = replace(region, where=kept)
            else:
                del found[name]
        return found


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
            side = filled(high - low + 1.0, shape)
            if not self.bounded:
                side = np.where(np.isfinite(side), side, UNKNOWN_SIDE)
            found.append(side if self.where is None else np.where(self.where[:, None], side, 1.0))
        return found


def product(sides: Sequence[Array], shape: Any) -> Array:
    """Of extents, in each row."""
    if not sides:
        return np.ones(shape)
    found = sides[0]
    for side in sides[1:]:
        found = found * side
    return filled(found, shape)


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
