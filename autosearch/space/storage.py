"""The question in which order the dimensions of a Func lie in memory.

As declared; or as its consumer walks through them: what one iteration reads after the other is then contiguous, which
matters most where an input is packed for a tile; or, where which element is read depends on data, with the candidates
near one another, or with the channels of each element together, so that they make a vector.
"""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.choices import Chooser
from autosearch.pipeline.ir import Func, StageKey
from autosearch.schedule.directives import Directive, ReorderStorage
from autosearch.schedule.loops import VECTORIZED
from autosearch.schedule.nest import LoopNest
from autosearch.space.ground import Ground
from autosearch.space.style import Style

DECLARED, READ, GATHERED = "declared", "read", "gathered"
_OF_COPIES, _OF_OTHERS = (0.5, 0.5), (0.93, 0.07)
"""How likely each answer is: a copy is there to be read well, whatever the order in which it is made."""
_CHANNELS_FIRST = 0.03
_IN_STYLE = 3.0


def choose_storage(nest: LoopNest, ground: Ground, func: Func, chooser: Chooser, style: Style) -> list[Directive]:
    """Ask how `func`, whose consumers are all in the nest, is laid out."""
    copies = ground.is_copy(func)
    declared, other = _OF_COPIES if copies else _OF_OTHERS
    ways, weights = {DECLARED: func.args}, [declared]
    for channel in ground.channels[func.name]:
        order = channels_first(ground, func, channel)
        if order != func.args:
            ways[together(channel)] = order
            weights.append(_IN_STYLE if style is Style.CHANNELS else _CHANNELS_FIRST)
    for way, order in ((GATHERED, gathered_near(ground, func)), (READ, order_read(nest, func))):
        if order not in ways.values():
            ways[way] = order
            weights.append(other)
    if len(ways) == 1:
        return []
    order = ways[str(chooser.choose(f"{func.name}/storage", list(ways), weights))]
    return [ReorderStorage(order)] if order != func.args else []


def together(channel: str) -> str:
    """The answer that puts a dimension first, and other channels next."""
    return f"{channel} first"


def channels_first(ground: Ground, func: Func, first: str) -> tuple[str, ...]:
    """The dimensions of a Func, one of its channels innermost, then the others, the last declared first, then those whose
    coordinates depend on data."""
    channels, gathered = ground.channels[func.name], ground.gathered[func.name]
    names = [first, *(name for name in reversed(func.args) if name in channels), *gathered, *func.args]
    return tuple(dict.fromkeys(names))


def gathered_near(ground: Ground, func: Func) -> tuple[str, ...]:
    """The dimensions of a Func, those whose coordinates depend on data after the first."""
    return tuple(dict.fromkeys((*func.args[:1], *ground.gathered[func.name], *func.args)))


def storage_answer(ground: Ground, func: Func, layout: Sequence[int]) -> str:
    """The answer that lays a Func out so, as near as there is one."""
    order = tuple(func.args[place] for place in layout)
    if order == func.args:
        return DECLARED
    for channel in ground.channels[func.name]:
        if order == channels_first(ground, func, channel):
            return together(channel)
    return GATHERED if order == gathered_near(ground, func) else READ


def order_read(nest: LoopNest, func: Func) -> tuple[str, ...]:
    """The dimensions of a Func, those first that change fastest as the consumer that reads most walks through them."""
    readers = [key for key in nest.algorithm.consumers[func.name] if key in nest.stages and key.func != func.name]
    if not readers or holds_pairs(nest, func):
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


def holds_pairs(nest: LoopNest, func: Func) -> bool:
    """Whether a consumer takes several products at once, whose factors the Func holds side by side: `f(k % 2, x, k / 2)`."""
    for key in nest.algorithm.consumers[func.name]:
        if key in nest.stages and nest.stages[key].loops.kinds.count(VECTORIZED) > 1:
            for edge in nest.flow.edges[key]:
                if edge.producer == func.name and not edge.is_input:
                    return any(access.index and access.index[0] is None for access in edge.accesses)
    return False


def _speeds(nest: LoopNest, key: StageKey) -> dict[str, int]:
    """For each variable of a stage how far inside its innermost loop is; the vectorized one is innermost of all."""
    loops = nest.stages[key].loops
    depths: dict[str, int] = {}
    for depth, (loop, kind) in enumerate(zip(loops.order, loops.kinds, strict=True), start=1):
        innermost = len(loops.order) + 1 if kind == VECTORIZED else depth
        variable = loops.variables[loops.variable_of(loop)]
        depths[variable] = max(depths.get(variable, 0), innermost)
    return depths
