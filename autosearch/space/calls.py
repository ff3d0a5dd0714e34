"""How often one evaluation of a stage calls a Func, when what is between them is inlined.

Calls with the same index are one: the compiler evaluates a common subexpression once. A 3x3 window of a Func that reads
3x3 pixels itself reads 25 of them, not 81.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autosearch.pipeline.access import Affine, Edge

MOST_SITES = 400
"""Distinct indices kept track of; beyond, calls are only counted."""

Symbol = str | tuple["Site", "Symbol"]
"""A variable, an index that isn't affine, or such an index where an inlined Func is called."""
Index = tuple[frozenset[tuple[Symbol, int]], int]
"""Symbols with their coefficients, and a constant."""
Site = tuple[Index, ...]
"""Where a Func is called: an index for each dimension."""


@dataclass(frozen=True)
class Calls:
    """The calls of one Func in one evaluation of a stage."""

    count: int
    sites: frozenset[Site]
    """Their indices; empty where there are too many."""

    def __or__(self, other: Calls) -> Calls:
        """All of both."""
        if not self.sites or not other.sites:
            return Calls(self.count + other.count, frozenset())
        return _counted(self.sites | other.sites)

    def inline(self, inner: Calls, args: Sequence[str]) -> Calls:
        """The calls of another Func, of which every evaluation of this one, whose variables are `args`, makes `inner`."""
        count = self.count * inner.count
        if not self.sites or not inner.sites or count > 4 * MOST_SITES:
            return Calls(count, frozenset())
        return _counted(frozenset(_inlined(site, outer, args) for outer in self.sites for site in inner.sites))


def calls_of(edge: Edge) -> Calls:
    """The calls that the text of a stage makes."""
    sites = set()
    for site in edge.sites:
        sites.add(tuple(_index(index, f"{edge.consumer}:{edge.producer}") for index in site))
    return _counted(frozenset(sites))


def _counted(sites: frozenset[Site]) -> Calls:
    return Calls(len(sites), sites if len(sites) <= MOST_SITES else frozenset())


def _index(index: Affine | int, name: str) -> Index:
    if isinstance(index, int):
        return frozenset([(f"{name}:{index}", 1)]), 0
    return frozenset((variable, factor) for variable, factor in index.coefficients), index.constant


def _inlined(site: Site, outer: Site, args: Sequence[str]) -> Site:
    at = dict(zip(args, outer, strict=True))
    result = []
    for symbols, constant in site:
        found: dict[Symbol, int] = {}
        for symbol, factor in symbols:
            known = at.get(symbol) if isinstance(symbol, str) else None
            if known is None:
                found[outer, symbol] = found.get((outer, symbol), 0) + factor
                continue
            constant += factor * known[1]
            for inner, by in known[0]:
                found[inner] = found.get(inner, 0) + factor * by
        result.append((frozenset(item for item in found.items() if item[1]), constant))
    return tuple(result)
