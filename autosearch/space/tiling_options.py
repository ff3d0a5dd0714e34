"""What a stage's loops may be given, and how likely an expert would take each: vector widths, unrolled copies, tiles, orders.

Options and weights go together and depend on numbers alone; which of them are legal is for `tiling_rules` to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache

ALL = 0
"""Iterations of a loop that takes all that is left of its variable."""
JUNK = 0.2
"""How likely vectors are that a known extent doesn't fill. Halide 21 computes no more of producers for the lanes beyond: they
work on what happens to be in memory, and how long that takes depends on what it is (denormal numbers, it seems)."""

FEW_LANES: Mapping[int, float] = {1: 0.6, 2: 1.0, 4: 0.6}
"""How likely parts of a vector of indices are for look-ups: wider ones are taken apart for the loads."""
APART: Mapping[int, float] = {2: 0.9, 4: 0.4}
"""How likely parts of a native vector are for what reads elements apart, and so loads several to fill one."""
ROW: Mapping[int, float] = {1: 1.0, 4: 10.0, 8: 20.0, 16: 10.0}
"""How likely so many scalars of a row are for look-ups."""


def in_order(count: int) -> list[float]:
    """How likely each of the loops left is to be the next: the first most of the time."""
    return [0.85] + [0.15 / max(1, count - 1)] * (count - 1)


def reduction_first(count: int, pure: int, scan: bool) -> list[float]:
    """The same where the first loop is a reduction's, and the first pure one is at place `pure`.

    With the reduction innermost each step waits for the one before, unless a body holds several. `scan`: its steps are rows
    of the Func.
    """
    likely = {0: 0.2, pure: 0.7} if scan else {0: 0.5, pure: 0.4}
    return [likely.get(place, 0.1 / max(1, count - 2)) for place in range(count)]


def turned(count: int, passed_over: bool) -> list[float]:
    """The same where the first variable may as well end up outermost, so that what it alone selects is read once.

    `passed_over`: it isn't the innermost, and is likely to be passed over again.
    """
    if count == 1:
        return [1.0]
    first = 0.2 if passed_over else 0.5
    if count == 2:
        return [first, 1.0 - first]
    return [first, 0.9 - first] + [0.1 / (count - 2)] * (count - 2)


def worth_a_vector(lanes: int, dense: bool) -> int:
    """Iterations from which a vector pays: half of one of neighbours is better than a whole one of what lies apart."""
    return lanes // 2 if dense else lanes


@lru_cache(maxsize=4096)
def vector_widths(lanes: int, extent: int, constant: bool) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Vector widths: powers of two around the native one, and the whole of a short constant extent."""
    reach = max(2, 1 << (extent - 1).bit_length())
    widths = [w for w in (2, 4, 8, 16, 32, 64, 128) if min(reach, lanes // 8) <= w <= min(reach, lanes * 8)]
    if constant and extent <= 4 * lanes:
        widths = sorted({*widths, extent})
    weights = []
    for width in widths:
        away = abs(math.log2(width / lanes))
        weight = {0.0: 1.0, 1.0: 0.25 if width > lanes else 0.1}.get(away, 0.04)
        if constant and width > extent:
            weight *= JUNK
        elif constant and width == extent >= lanes // 2:
            weight = max(weight, 0.5)
        weights.append(weight)
    return tuple(widths), tuple(weights)


def parts_likely(
    widths: Sequence[int], weights: Sequence[float], whole: int, parts: Mapping[int, float]
) -> tuple[float, ...]:
    """The weights of vector widths where `parts` of a vector of `whole` lanes are so likely, the likeliest width being 1."""
    most = max(weights)
    return tuple(max(w, most * parts.get(whole // width, 0.0)) for width, w in zip(widths, weights, strict=True))


@lru_cache(maxsize=4096)
def unroll_counts(
    left: int, budget: int, whole: bool, covers: bool, shares: bool, reduction: bool
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Iterations of a loop of the register tile; 1 for none.

    `covers`: taking all that is left covers the variable, so that what a tile computes stays in registers. `shares`: all
    iterations are made of the same.
    """
    counts = [c for c in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 24, 32) if c <= min(left, budget)]
    if whole and left <= budget and left not in counts:
        counts.append(left)
    weights = [{1: 10.0, 2: 1.0, 4: 1.0, 3: 0.4, 8: 0.4}.get(count, 0.15) for count in counts]
    if whole and left <= 4:
        weights[-1] = 30.0 if shares else 6.0
    elif whole and reduction and left <= 8:
        weights[-1] = 3.0
    elif covers and left in counts:
        weights[counts.index(left)] = 6.0
    return tuple(counts), tuple(weights)


@lru_cache(maxsize=4096)
def tile_sizes(left: int, reduction: bool) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Iterations of a tile's loop: ALL for all that is left, 1 for none, else powers of two and a few others."""
    fine = [n for n in range(2, 17) if n <= left]
    coarse = [n for e in range(4, 14) for n in ((1 << e), 3 << (e - 1), 5 << (e - 2)) if 16 < n < left]
    divisors = [n for n in range(17, min(left, 1025)) if left % n == 0]
    counts = [ALL, 1, *sorted({*fine, *coarse, *divisors})]
    weights = [4.0 if not reduction else 2.0, 4.0 if reduction else 1.5]
    powers = [n for n in counts[2:] if n & (n - 1) == 0]
    for count in counts[2:]:
        share = 4.0 / max(1, len(powers)) if count in powers else 1.0 / max(1, len(counts) - 2 - len(powers))
        weights.append(share)
    return tuple(counts), tuple(weights)
