"""Whether to state what is computed of a Func, where Halide can't know it: extents of channels, where outputs begin and end."""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.choices import Chooser
from autosearch.pipeline.bounds import extents, hull
from autosearch.pipeline.ir import Func
from autosearch.schedule.directives import AlignBounds, Bound, BoundExtent, Directive
from autosearch.schedule.nest import LoopNest
from autosearch.space.ground import Ground
from autosearch.space.phases import ALIGNED, ANYWHERE


def choose_bounds(
    nest: LoopNest, ground: Ground, func: Func, constant: frozenset[str], chooser: Chooser
) -> list[Bound]:
    """Ask whether to state the extents of channels that Halide doesn't know to be `constant` where they are computed."""
    result = []
    box = ground.regions.funcs[func.name]
    box = hull(box, nest.required(func.name, None) or box)  # with what the tails of consumers add
    for place, (arg, (low, _), extent) in enumerate(zip(func.args, box, extents(box), strict=True)):
        if arg in ground.channels[func.name] and arg not in constant and not ground.is_free(func, place):
            answer = chooser.choose(f"{func.name}/bound/{arg}", ["exact", "any"], [0.8, 0.2])
            if answer == "exact":
                result.append(Bound(arg, int(low), extent))
    return result


def choose_alignment(ground: Ground, func: Func, bounds: Sequence[Bound], chooser: Chooser) -> list[AlignBounds]:
    """Ask whether to state that an output begins and ends where its phases do, where that isn't said already."""
    stated = {bound.dim for bound in bounds}
    return [
        AlignBounds(arg, period)
        for arg, period in ground.phases[func.name].items()
        if arg not in stated
        and chooser.choose(f"{func.name}/phases/{arg}", [ALIGNED, ANYWHERE], [0.7, 0.3]) == ALIGNED
    ]


def suffices(nest: LoopNest, func: Func, directives: Sequence[Directive]) -> bool:
    """Whether the bounds that `directives` of `func` state hold all that the Funcs decided so far need of it.

    Halide looks only when the kernel runs. What is needed may be more than in the schedule that they come from: tails of
    other loops round it up.
    """
    box = nest.required(func.name, None)
    if box is None:
        return True
    needed = dict(zip(func.args, zip(box, extents(box), strict=True), strict=True))
    for one in directives:
        if isinstance(one, Bound):
            (low, high), _ = needed[one.dim]
            if low < one.min or high >= one.min + one.extent:
                return False
        elif isinstance(one, BoundExtent) and needed[one.dim][1] > one.extent:
            return False
    return True
