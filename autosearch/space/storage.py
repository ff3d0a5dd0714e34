"""The question in which order the dimensions of a Func lie in memory.

As declared, or as its consumer walks through them: what one iteration reads after the other is then contiguous, which
matters most where an input is packed for a tile.
"""

from __future__ import annotations

from autosearch.choices import Chooser
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import Directive, ReorderStorage
from autosearch.schedule.loops import VECTORIZED
from autosearch.schedule.nest import LoopNest

DECLARED, READ = "declared", "read"
_OF_COPIES, _OF_OTHERS = (0.5, 0.5), (0.93, 0.07)
"""How likely each answer is: a copy is there to be read well, whatever the order in which it is made."""


def choose_storage(nest: LoopNest, func: Func, copies: bool, chooser: Chooser) -> list[Directive]:
    """Ask how `func`, whose consumers are all in the nest, is laid out. `copies`: it computes nothing."""
    order = order_read(nest, func)
    if order == func.args:
        return []
    weights = _OF_COPIES if copies else _OF_OTHERS
    answer = chooser.choose(f"{func.name}/storage", [DECLARED, READ], weights)
    return [ReorderStorage(order)] if answer == READ else []


def order_read(nest: LoopNest, func: Func) -> tuple[str, ...]:
    """The dimensions of a Func, those first that change fastest as the consumer that reads most walks through them."""
    readers = [key for key in nest.algorithm.consumers[func.name] if key in nest.stages and key.func != func.name]
    if not readers:
        return func.args
    reader = max(readers, key=lambda key: nest.stages[key].points * nest.productions(key.func))
    speed = _speeds(nest, reader)
    speeds = [0] * len(func.args)
    for edge in nest.flow.edges[reader]:
        if edge.producer != func.name or edge.is_input:
            continue
        for access in edge.accesses:
            for place, index in enumerate(access.index):
                for variable, _ in index.coefficients if index is not None else ():
                    speeds[place] = max(speeds[place], speed.get(variable, 0))
    places = sorted(range(len(func.args)), key=lambda place: -speeds[place])
    return tuple(func.args[place] for place in places)


def _speeds(nest: LoopNest, key: StageKey) -> dict[str, int]:
    """For each variable of a stage how far inside its innermost loop is; the vectorized one is innermost of all."""
    loops = nest.stages[key].loops
    depths: dict[str, int] = {}
    for depth, (loop, kind) in enumerate(zip(loops.order, loops.kinds, strict=True), start=1):
        innermost = len(loops.order) + 1 if kind == VECTORIZED else depth
        variable = loops.variables[loops.variable_of(loop)]
        depths[variable] = max(depths.get(variable, 0), innermost)
    return depths
