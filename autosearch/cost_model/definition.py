"""What a stage's definition says, with those of the Funcs inlined into it: its work, and how its loads go.

Nothing here depends on extents: only on which Funcs are inlined, on how others lie in memory, on which variable is
vectorized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from autosearch.machine import Machine
from autosearch.pipeline.access import Edge, Slope
from autosearch.pipeline.bounds import Dataflow
from autosearch.pipeline.ir import Algorithm, Func, Stage, StageKey
from autosearch.pipeline.operations import is_scatter, narrowing, operations

INLINED = "inlined"
"""Beside the kinds of operations: calls of inlined Funcs."""
IsInlined = Callable[[str], bool]

LOGIC = tuple(
    kind + suffix
    for kind in ("eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "select")
    for suffix in ("", "_f")
)
_KINDS: tuple[tuple[str, ...], ...] = (
    ("add", "sub", "min", "max"), ("add_f", "sub_f", "min_f", "max_f"), ("mul",), ("mul_f",), ("div", "mod"),
    ("div_f", "mod_f"), ("call", "call_f"), LOGIC, ("cast", "cast_f", "reinterpret", "reinterpret_f"), ("index",),
    ("load",),
)  # fmt: skip
"""The kinds of operations that are one fact each."""
LOADS = ("dense", "broadcast", "strided", "gathered")
"""How a load goes with a vector."""


def chain(flow: Dataflow, key: StageKey, is_inlined: IsInlined) -> tuple[StageKey, ...]:
    """The stage itself and the inlined Funcs that it is made of, consumers first."""
    producers = flow.algorithm.producers
    found = [key]
    wanted = {name for name in producers[key] if is_inlined(name)}
    if wanted:
        for func in reversed(flow.algorithm.funcs):
            if func.name in wanted:
                inner = StageKey(func.name)
                found.append(inner)
                wanted.update(name for name in producers[inner] if is_inlined(name))
    return tuple(found)


def work(flow: Dataflow, key: StageKey, is_inlined: IsInlined) -> dict[str, float]:
    """Operations by kind of one evaluation, with those of inlined callees for each of their calls."""
    totals: dict[str, float] = dict(operations(flow.algorithm.stage(key)))
    for edge in flow.edges[key]:
        if edge.is_input or edge.producer == key.func or not is_inlined(edge.producer):
            continue
        for kind, count in work(flow, StageKey(edge.producer), is_inlined).items():
            totals[kind] = totals.get(kind, 0.0) + count * edge.loads
        totals["load"] = totals.get("load", 0.0) - edge.loads
        totals[INLINED] = totals.get(INLINED, 0.0) + edge.loads
    return totals


def all_operations(work: Mapping[str, float]) -> float:
    """Operations of one evaluation, loads included, index arithmetic left out."""
    return sum(work.values()) - work.get("index", 0.0) - work.get(INLINED, 0.0)


def work_facts(work: Mapping[str, float]) -> tuple[float, ...]:
    """The facts about work, from `adds` to `inlined`, see `Facts`."""
    return (
        *(sum(work.get(kind, 0.0) for kind in kinds) for kinds in _KINDS), all_operations(work), work.get(INLINED, 0.0)
    )  # fmt: skip


class Patterns(NamedTuple):
    """Loads of a stage's definition, by how their indices follow its variables."""

    pointwise: float
    """Each dimension with the variable of the same place, one step a step."""
    transposed: float
    """Each with one variable, in another order."""
    broadcasts: float
    """Not with all variables."""
    sliced: float
    """At a constant in some dimension."""
    scatters: float
    """1 where the stage writes where data or a reduction variable says."""


def patterns(stage: Stage, func: Func, edges: Iterable[Edge]) -> Patterns:
    """How the loads of a definition go with its variables."""
    pointwise = transposed = broadcasts = sliced = 0.0
    for edge in edges:
        for slopes, count in edge.slopes:
            places = _places(slopes, func.args)
            pointwise += count * (
                places == list(range(len(func.args)))
                and all(coefficient == 1 for slope in slopes for _, coefficient in slope)
            )
            transposed += count * (places is not None and len(set(places)) == len(places) and places != sorted(places))
            moved = {variable for slope in slopes for variable, _ in slope}
            broadcasts += count * any(name not in moved for name in stage.loop_vars)
            sliced += count * any(not slope for slope in slopes)
    return Patterns(pointwise, transposed, broadcasts, sliced, float(is_scatter(stage)))


def dot_products(stage: Stage, machine: Machine) -> int:
    """Products of narrow integers that one instruction can add up; 1 where the stage adds up none."""
    return min(narrowing(stage), machine.dot_products)


def _places(slopes: tuple[Slope, ...], args: tuple[str, ...]) -> list[int] | None:
    """For each dimension of what is read the place of the one pure variable that moves it; None where it isn't one."""
    if any(len(slope) != 1 or slope[0][0] not in args for slope in slopes):
        return None
    return [args.index(slope[0][0]) for slope in slopes]


def read_bytes(algorithm: Algorithm, name: str, is_input: bool) -> int:
    """Bytes of an element of a Func or input that is read."""
    return input_bytes(algorithm, name) if is_input else element_bytes(algorithm.func(name))


def input_bytes(algorithm: Algorithm, name: str) -> int:
    """Bytes of an element of an input, or of a constant buffer."""
    buffers = {one.name: one.type for one in algorithm.inputs}
    buffers.update((image.name, image.type) for image in algorithm.images)
    return buffers[name].bytes


def element_bytes(func: Func) -> int:
    """Bytes of an element of a Func."""
    return sum(kind.bytes for kind in func.types) or 4


def vector_loads(
    flow: Dataflow, chain: Sequence[StageKey], variable: str | None, layouts: Mapping[str, Sequence[int]]
) -> tuple[float, ...]:
    """Loads of one evaluation, by how they go with the vector, in the order of `LOADS`; none where there is no vector.

    chain: the stage and the Funcs inlined into it; variable: the one that is vectorized; layouts: how Funcs in memory lie.
    """
    found = dict.fromkeys(LOADS, 0.0)
    if variable is None:
        return tuple(found.values())
    stage, inlined = chain[0], {key.func for key in chain[1:]}
    pending: list[tuple[StageKey, float, dict[str, float | None]]] = [(stage, 1.0, {variable: 1.0})]
    while pending:
        key, times, along = pending.pop()
        for edge in flow.edges[key]:
            if not edge.is_input and edge.producer == stage.func and key != stage:
                continue
            for slopes, count in edge.slopes:
                moves = [_combine(slope, along) for slope in slopes]
                if not edge.is_input and edge.producer in inlined:
                    args = flow.algorithm.func(edge.producer).args
                    pending.append((StageKey(edge.producer), times * count, dict(zip(args, moves, strict=True))))
                else:
                    layout = range(len(moves)) if edge.is_input else layouts[edge.producer]
                    found[_access_kind([moves[dimension] for dimension in layout])] += times * count
    return tuple(found.values())


def _combine(slope: Slope, along: Mapping[str, float | None]) -> float | None:
    """How far an index moves where its variables move as `along` says; None where that can't be told."""
    total = 0.0
    for variable, coefficient in slope:
        moved = along.get(variable, 0.0)
        if moved == 0.0:
            continue
        if moved is None or coefficient is None:
            return None
        total += coefficient * moved
    return total


def _access_kind(moves: Sequence[float | None]) -> str:
    """What a load is whose index moves so, along each dimension from the innermost in memory outwards, from one lane of
    the vector to the next."""
    if None in moves:
        return "gathered"
    if not any(moves):
        return "broadcast"
    return "dense" if abs(moves[0] or 0.0) == 1.0 and not any(moves[1:]) else "strided"
