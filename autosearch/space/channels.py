"""Channels: dimensions that are short as soon as those of the outputs are, and what is looked up beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from autosearch.pipeline.access import Affine, Edge
from autosearch.pipeline.bounds import Dataflow, Regions, extents
from autosearch.space.constant import ConstantExtents, Short, Stated

MAX_BOUND_EXTENT = 8
"""Output dimensions this short (channels of colour or sound) may be stated to have exactly the extent tuned for."""
CHANNELS = 16
"""Elements along a dimension that is fixed then, and lies in one or two vectors."""

_LARGE = 16
"""What has at least one element for so many of an output is worth sharing: a table isn't."""

ByFunc = Mapping[str, tuple[str, ...]]
"""Dimensions of each Func."""


def output_channels(flow: Dataflow, regions: Regions, is_free: Callable[[str, int], bool]) -> Stated:
    """The dimensions of outputs whose extents may be stated; not those that are free: they may be of any extent."""
    return frozenset(
        (name, arg)
        for name in flow.algorithm.outputs
        for place, arg in enumerate(flow.algorithm.func(name).args)
        if extents(regions.funcs[name])[place] <= MAX_BOUND_EXTENT and not is_free(name, place)
    )


def channels_of(flow: Dataflow, regions: Regions, constant: ConstantExtents, stated: Stated, short: Short) -> ByFunc:
    """For each Func its short dimensions, where they are fixed as soon as the channels of outputs are."""
    found = constant.dimensions(stated, short)
    return {
        func.name: tuple(
            arg
            for arg, extent in zip(func.args, extents(regions.funcs[func.name]), strict=True)
            if arg in found[func.name] and extent <= CHANNELS
        )
        for func in flow.algorithm.funcs
    }


def gathered_of(flow: Dataflow) -> ByFunc:
    """For each Func the dimensions whose coordinate depends on data, where it is read or where what reads it is."""
    found: dict[str, tuple[str, ...]] = {}
    for func in reversed(flow.algorithm.funcs):
        edges = [
            edge
            for key in flow.algorithm.consumers[func.name]
            for edge in flow.edges[key]
            if edge.producer == func.name and not edge.is_input and key.func != func.name
        ]
        found[func.name] = tuple(
            arg
            for place, arg in enumerate(func.args)
            if any(
                node.op in ("func", "image") or (node.op == "var" and node.value in found[edge.consumer.func])
                for edge in edges
                for index in edge.indices[place]
                for node in index.walk()
            )
        )
    return found


def sharing_of(flow: Dataflow, regions: Regions) -> ByFunc:
    """For each output the dimensions whose iterations are made of the same: something large doesn't depend on them."""
    return {
        name: tuple(arg for arg in flow.algorithm.func(name).args if _shares(flow, regions, name, arg))
        for name in flow.algorithm.outputs
    }


def _shares(flow: Dataflow, regions: Regions, output: str, dimension: str) -> bool:
    least = math.prod(extents(regions.funcs[output])) / _LARGE
    pending, seen = [(output, dimension)], {(output, dimension)}
    while pending:
        name, moving = pending.pop()
        for stage in flow.algorithm.func(name).stages:
            for edge in flow.edges[stage.key]:
                if edge.is_input or edge.producer == name:
                    continue
                large = math.prod(extents(regions.funcs[edge.producer])) >= least
                moves = [_moving(edge, site, moving) for site in edge.sites]
                if large and not all(moves):
                    return True
                args = flow.algorithm.func(edge.producer).args
                moved = {(edge.producer, args[place]) for places in moves for place in places}
                pending += moved - seen
                seen |= moved
    return False


def _moving(edge: Edge, site: Sequence[Affine | int], variable: str) -> list[int]:
    """The dimensions of what is read along which a load moves with a variable."""
    return [
        place
        for place, (index, indices) in enumerate(zip(site, edge.indices, strict=True))
        if (
            any(name == variable for name, _ in index.coefficients)
            if isinstance(index, Affine)
            else any(node.op == "var" and node.value == variable for one in indices for node in one.walk())
        )
    ]
