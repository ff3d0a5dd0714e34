"""What Funcs are under each of a pipeline's structures.

`rfactor`, `clone_in` and `in_` change some Funcs and leave the others as they are, the same objects. A Func's forms are the
different ones that it has under any structure; loop nests of many structures are looked at together, form by form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from autosearch.pipeline.access import Box, Edge
from autosearch.pipeline.array_intervals import ArrayEnv, Ends, compile_edge
from autosearch.pipeline.bounds import Dataflow, Regions, is_finite
from autosearch.pipeline.intervals import Bindings, Interval, constant_value
from autosearch.pipeline.ir import Func, Stage, StageKey

Reader = Callable[[ArrayEnv], list[Ends]]
"""From ranges of variables to the region that is read, or written."""


class Read(NamedTuple):
    """What a stage reads of one producer, its own Func included, or of an input."""

    producer: str
    is_input: bool
    box: Reader
    bounded: bool
    """Whether it is, wherever variables are: a smaller range of them gives no larger region."""


@dataclass(frozen=True, eq=False)
class StageForm:
    """A stage of one form of a Func."""

    number: int
    """Another one for each of a pipeline's structures."""
    stage: Stage
    whole: Mapping[str, Interval]
    """The ranges of its variables when all of its Func that is needed is computed at once."""
    domain: Mapping[str, Interval]
    """Those of its reduction variables."""
    edges: tuple[Edge, ...]
    producers: tuple[str, ...]
    store: Edge | None
    """What it writes, where it is an update."""
    bindings: Bindings

    @property
    def key(self) -> StageKey:
        return self.stage.key

    @cached_property
    def reads(self) -> tuple[Read, ...]:
        return tuple(
            Read(edge.producer, edge.is_input, compile_edge(edge, self.bindings), is_finite(edge.box(self.whole)))
            for edge in self.edges
        )

    @cached_property
    def is_bounded(self) -> bool:
        """Whether all that it reads is."""
        return all(read.bounded for read in self.reads)

    def reads_of(self, producer: str) -> Iterator[Read]:
        return (read for read in self.reads if read.producer == producer and not read.is_input)

    @cached_property
    def touches(self) -> tuple[Reader, ...]:
        """What an update writes, and reads, of its own Func."""
        assert self.store is not None
        return (compile_edge(self.store, self.bindings), *(read.box for read in self.reads_of(self.key.func)))


@dataclass(frozen=True, eq=False)
class FuncForm:
    """A Func under some structures, with the region that is needed of it."""

    func: Func
    whole: Box
    is_output: bool
    stages: tuple[StageForm, ...]

    @cached_property
    def bounds(self) -> Mapping[int, Interval]:
        """The dimensions on which it has an explicit `bound()`, with it."""
        found: dict[int, Interval] = {}
        bindings = self.stages[0].bindings
        for name, low, size in self.func.bounds:
            first = constant_value(low, bindings) if low is not None else None
            count = constant_value(size, bindings) if size is not None else None
            if first is not None and count is not None:
                found[self.func.args.index(name)] = (int(first), int(first + count - 1))
        return found


@dataclass(frozen=True, eq=False)
class Forms:
    """The Funcs that there are under one structure."""

    flow: Dataflow
    inputs: Mapping[str, Box]
    """The region that is read of each input."""
    funcs: Mapping[str, FuncForm]

    @cached_property
    def keys(self) -> frozenset[StageKey]:
        return frozenset(stage.key for stage in self.flow.algorithm.stages)


class Family:
    """The structures of one pipeline that are looked at together."""

    def __init__(self) -> None:
        self._order: list[str] = []
        self._forms: dict[str, list[FuncForm]] = {}
        self._stages = 0

    @property
    def order(self) -> Sequence[str]:
        """The names of all Funcs, producers first."""
        return self._order

    def join(self, flow: Dataflow, regions: Regions) -> Forms | None:
        """The Funcs under one more structure; None where it differs too much from the others: a Func of the same name has
        other dimensions, or Funcs come in another order."""
        order = _merged(self._order, [func.name for func in flow.algorithm.funcs])
        if order is None or not all(map(self._is_alike, flow.algorithm.funcs)):
            return None
        self._order = order
        funcs = {func.name: self._form(func, flow, regions) for func in flow.algorithm.funcs}
        return Forms(flow, regions.inputs, funcs)

    def _is_alike(self, func: Func) -> bool:
        known = self._forms.get(func.name)
        return known is None or (func.args, func.types) == (known[0].func.args, known[0].func.types)

    def _form(self, func: Func, flow: Dataflow, regions: Regions) -> FuncForm:
        whole = regions.funcs[func.name]
        forms = self._forms.setdefault(func.name, [])
        for form in forms:
            if form.whole == whole and (form.func is func or form.func == func):
                return form
        stages = tuple(self._stage(stage, flow, whole) for stage in func.stages)
        forms.append(FuncForm(func, whole, func.name in flow.algorithm.outputs, stages))
        return forms[-1]

    def _stage(self, stage: Stage, flow: Dataflow, whole: Box) -> StageForm:
        self._stages += 1
        key = stage.key
        return StageForm(
            self._stages, stage, flow.environment(stage, whole), flow.domains[key], flow.edges[key],
            flow.algorithm.producers[key], flow.stores.get(key), flow.bindings,
        )  # fmt: skip


def _merged(order: Sequence[str], names: Sequence[str]) -> list[str] | None:
    """`order` with the names that it lacks, each after the one that comes before it; None where theirs is another order."""
    found = list(order)
    place = 0
    for name in names:
        if name not in order:
            found.insert(place, name)
            place += 1
        elif (now := found.index(name)) >= place:
            place = now + 1
        else:
            return None
    return found
