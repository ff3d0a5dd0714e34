"""Channels: dimensions that are short as soon as those of the outputs are, and what is looked up beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from autosearch.pipeline.bounds import Dataflow, Regions, extents
from autosearch.space.constant import ConstantExtents, Short, Stated

MAX_BOUND_EXTENT = 4
"""Output dimensions this short (colour channels) may be stated to have exactly the extent tuned for."""
CHANNELS = 16
"""Elements along a dimension that is fixed then, and lies in one or two vectors."""

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
