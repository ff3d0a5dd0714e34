"""Look-ups: loads at places that data says, of which each lane of a vector is loaded by itself.

Vectors are taken apart for such loads and put together again, which takes longer than a few scalar operations: where an
evaluation does little else, it is as fast in few lanes or none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from autosearch.pipeline.access import Edge
from autosearch.pipeline.bounds import Dataflow, Regions, extents
from autosearch.pipeline.ir import Func, StageKey
from autosearch.pipeline.operations import body_size

MANY = 1 / 20
"""Look-ups for each operation or load, from which on they may as well be done in few lanes."""


def lookups_of(flow: Dataflow, regions: Regions) -> Mapping[str, float]:
    """For each pure Func how many look-ups there are for each operation or load; where it has more of them together with what
    only it reads, and inlines as a rule, so many."""
    together: dict[str, tuple[float, float]] = {}
    shares: dict[str, float] = {}
    for func in flow.algorithm.funcs:
        if not func.is_pure or func.extern or not func.args:
            continue
        key = StageKey(func.name)
        edges = [edge for edge in flow.edges[key] if not edge.is_input]
        own = looked_up = sum(_count(edge, func, regions) for edge in edges)
        size = body = max(1.0, float(body_size(func.stages[0])))
        for edge in edges:
            if edge.producer in together and flow.algorithm.consumers[edge.producer] == (key,) and _by_element(edge, func):
                looked_up += edge.loads * together[edge.producer][0]
                body += edge.loads * together[edge.producer][1]
        together[func.name] = looked_up, body
        shares[func.name] = max(own / size, looked_up / body)
    return shares


def _count(edge: Edge, func: Func, regions: Regions) -> float:
    """Look-ups of one evaluation; those that are the same for all channels are done once for them."""
    nodes = [node for indices in edge.indices for index in indices for node in index.walk()]
    if not any(node.op in ("func", "image") for node in nodes):
        return 0.0
    varying = {node.value for node in nodes if node.op == "var"}
    sizes = zip(func.args, extents(regions.funcs[func.name]), strict=True)
    alike = math.prod(size for arg, size in sizes if arg not in varying)
    return sum(count for slopes, count in edge.slopes if any(moved is None for one in slopes for _, moved in one)) / alike


def _by_element(edge: Edge, func: Func) -> bool:
    """Whether what is read of a Func lies along the row as what is made of it does."""
    indices = [index for access in edge.accesses for index in access.index]
    along = [index for index in indices if index is not None and func.args[0] in dict(index.coefficients)]
    return None not in indices and all(index.coefficients == ((func.args[0], 1),) and not index.constant for index in along)
