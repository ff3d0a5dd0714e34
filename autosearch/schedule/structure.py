"""Directives that change which Funcs a pipeline has, and the algorithm that they leave to be scheduled.

`rfactor`, `clone_in` and `in_` make a new Func. Such directives come first in a schedule; the rest is for the algorithm that
results, which is derived by applying them to a copy and reading it back. Source: Halide's src/Func.cpp
(`Stage::rfactor`, `Func::clone_in`, `Func::in`).
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace

import halide as hl

from autosearch.errors import ScheduleError
from autosearch.pipeline.decode import decode_algorithm, deep_recursion
from autosearch.pipeline.flatbuffer import read_pipeline
from autosearch.pipeline.ir import Algorithm, Expr, Func, Stage, called
from autosearch.pipeline.snapshot import Snapshot, func_order
from autosearch.pipeline.unschedule import unschedule
from autosearch.schedule.apply import apply
from autosearch.schedule.directives import ALL, COPYING
from autosearch.schedule.nest import LoopNest, build_nest
from autosearch.schedule.schedule import Schedule


class Structures:
    """What remains to be scheduled under each structural part, derived once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._derived: dict[Schedule, Snapshot | ScheduleError] = {Schedule(): snapshot}
        self._snapshot = snapshot

    def derive(self, structure: Schedule) -> Snapshot:
        """The pipeline after the directives of `structure`. Raises `ScheduleError` where Halide refuses them."""
        if structure not in self._derived:
            try:
                self._derived[structure] = _derive(self._snapshot, structure)
            except ScheduleError as error:
                self._derived[structure] = error
        found = self._derived[structure]
        if isinstance(found, ScheduleError):
            raise found
        return found

    def nest(self, schedule: Schedule) -> LoopNest:
        """The loop nest of a schedule of the pipeline. Raises `ScheduleError`, see `build_nest`."""
        derived = self.derive(schedule.structure)
        return build_nest(derived.flow, derived.regions, schedule.rest)


def _derive(snapshot: Snapshot, structure: Schedule) -> Snapshot:
    pipeline = snapshot.fresh()
    funcs = apply(structure, pipeline, snapshot.algorithm)
    names = {func.name(): name for name, func in funcs.items()}
    try:
        data = hl.serialize_pipeline(pipeline)
    except hl.HalideError as error:
        raise ScheduleError(f"Halide can't serialize the pipeline after {structure}: {error}") from error
    copies = {d.func: (step.stage.func, d) for step in structure if isinstance(d := step.directive, COPYING)}

    def with_copies(name: str) -> Iterator[str]:
        yield name
        for made, (source, _) in copies.items():
            if source == names[name]:
                yield from with_copies(funcs[made].name())

    order = tuple(one for name in func_order(pipeline) for one in with_copies(name))
    with deep_recursion():
        root = read_pipeline(data)
        algorithm = decode_algorithm(root, order, names)
        for source, copy in copies.values():  # Halide has consumers call their copies when it lowers, not before
            readers = [func.name for func in algorithm.funcs] if copy.consumer == ALL else [copy.consumer]
            algorithm = _redirect(algorithm, {*readers} - {source, copy.func}, source, copy.func)
        known = snapshot.algorithm.by_name  # of what stays as it was, all that was worked out is still true
        unchanged = (known[func.name] if known.get(func.name) == func else func for func in algorithm.funcs)
        algorithm = replace(algorithm, funcs=tuple(unchanged))
    return replace(snapshot, data=unschedule(data, root), given=None, algorithm=_reachable(algorithm))


def _reachable(algorithm: Algorithm) -> Algorithm:
    """The algorithm without the Funcs that no output needs any more."""
    needed = set(algorithm.outputs)
    for func in reversed(algorithm.funcs):
        if func.name in needed:
            needed.update(name for stage in func.stages for name in called(stage))
    places = [place for place, func in enumerate(algorithm.funcs) if func.name in needed]
    return replace(
        algorithm,
        funcs=tuple(algorithm.funcs[place] for place in places),
        halide_names=tuple(algorithm.halide_names[place] for place in places),
    )


def _redirect(algorithm: Algorithm, readers: Set[str], source: str, copy: str) -> Algorithm:
    """The algorithm in which the Funcs `readers` call `copy` instead of `source`."""

    def expression(one: Expr) -> Expr:
        args = tuple(expression(arg) for arg in one.args)
        return replace(one, args=args, value=copy if (one.op, one.value) == ("func", source) else one.value)

    def stage(one: Stage) -> Stage:
        rvars = tuple(replace(v, min=expression(v.min), extent=expression(v.extent)) for v in one.rvars)
        return Stage(
            one.func, one.index, tuple(map(expression, one.args)), tuple(map(expression, one.values)), rvars,
            None if one.predicate is None else expression(one.predicate),
        )  # fmt: skip

    def func(one: Func) -> Func:
        return replace(one, stages=tuple(map(stage, one.stages))) if one.name in readers else one

    return replace(algorithm, funcs=tuple(map(func, algorithm.funcs)))
