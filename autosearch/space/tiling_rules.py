"""The questions that shape the loops of one stage: vector, register tile, cache tiles, order, parallel loops, tails.

The weights say what an expert would try first; every option is legal by construction, as far as it can be told.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from autosearch.choices import Chooser
from autosearch.pipeline.operations import is_scatter, varying_share, writes_by_data
from autosearch.schedule.directives import Tail
from autosearch.space.lookups import MANY
from autosearch.space.stage_facts import SHORT, StageFacts
from autosearch.space.style import TILT, Style, tilted
from autosearch.space.tiling import OUTER, TASK, UNROLL, VECTOR, Band, Tiling
from autosearch.space.tiling_options import (
    ALL,
    APART,
    FEW_LANES,
    ROW,
    in_order,
    parts_likely,
    reduction_first,
    tile_sizes,
    turned,
    unroll_counts,
    vector_widths,
    worth_a_vector,
)

_NONE = "none"
_DOTS = (1.0, 2.0, 0.7)
"""How likely one product, pairs and fours are."""
MAX_TILE_BANDS = 3
MAX_UNROLLED = 64
"""Most copies of a stage's body that a register tile makes, of one native vector each."""
MAX_BODY = 400
"""Most operations and loads of native vectors that an unrolled body holds; longer ones take the compiler seconds."""
MAX_LONG_BODY = 450
"""Operations on native vectors from which on a body takes the compiler so long that it is rarely worth trying."""
MAX_WIDE_BODY = 1700
"""The same where it is one evaluation in wide vectors."""
_LONG_CHAIN, _SIDE_BY_SIDE = 100, 4
"""From so many operations and loads on one evaluation is too long for the processor to begin the next before its end: a few
vectors side by side hide what each operation waits for the one before."""
_RARELY = 0.03
"""How much less likely such an answer is."""
_USUAL_TILES = {Style.ROWS: 1, Style.TILES: 1, Style.REGISTERS: 0}
"""Bands of tiles that stages computed at root usually have."""
_TILE_WIDTH, _TILE_HEIGHT = (64, 512), (8, 128)
"""Elements along the first and the other dimensions of tiles that suit the caches."""
_TASKS = 2
"""Tasks for each core, at least."""
_GOOD_TASKS = 4, 64
"""For each core: fewer don't balance well, handing out more takes time."""
_LARGEST_TASK = 13
"""Power of two that is the most iterations of a parallel loop in one task: of a signal, unlike an image, there are many."""
_SQUARE = 20.0
"""How likely what is transposed is a square of lanes at a time, where not unrolled is 10."""
_SCALAR = 4.0
"""How likely scalars are for a look-up with each operation, where vectors are about 1: never as much, and less for fewer."""
_LONG_ROW = 64
"""Elements from which on scalars are unrolled along a row: fewer are channels, which others make vectors of."""
_PLANES = 0.15
"""How likely planes are made one after the other."""

TailOptions = Callable[[str, int, int], Sequence[Tail]]
"""The tails for splitting a variable by a factor in a body of so many native vectors, the likeliest first."""


def choose_tiling(facts: StageFacts, chooser: Chooser, prefix: str, tails: TailOptions) -> tuple[Tiling, int]:
    """Ask for all bands of a stage; returns them and the native vectors of the body that vectors and unrolling make.

    Vectors whose lanes lie apart in memory count once for each lane.

    Keys start with `prefix`, e.g. `blur_x.0`.
    """
    return _Rules(facts, chooser, prefix).run(tails)


class _Rules:
    def __init__(self, facts: StageFacts, chooser: Chooser, prefix: str) -> None:
        self.facts = facts
        self.chooser = chooser
        self.prefix = prefix
        self.left = dict(facts.extents)
        """Iterations of each variable not yet given to a band; 0 once its last loop is placed."""
        self.order = facts.order
        self.sizes = dict.fromkeys(self.order, 1)
        """Iterations of each variable given to bands so far: the factor of its outermost split, in the end."""
        self.vectors = 1
        """Native vectors that one vector loop takes."""
        self.vectorized = ""
        """The variable that lanes are of, if any."""
        self.unrolled = 1
        self.grown = 1.0
        """How many times as large as without it unrolling makes the body: less, where copies have much in common."""

    def run(self, tails: TailOptions) -> tuple[Tiling, int]:
        bands = [band for band in (self.vector(), self.unroll()) if band is not None]
        bands += self.tiles()
        outer = self.arrange([name for name in self.order if self.left[name]], OUTER, [])
        planes = self.planes(outer)
        parallel, fused = self.parallel(outer[: len(outer) - planes], planes > 0)
        bands += self.outermost(outer, parallel if not planes else 0)
        tiling = Tiling((*(band for band in bands[:-1] if band.loops), bands[-1]), parallel, fused, planes=planes)
        copies = math.ceil(self.vectors * self.grown)
        tails_chosen = self.tails(tiling, tails, copies)
        return replace(tiling, tails=tails_chosen), copies * (self.facts.lanes if self.lies_apart else 1)

    # Bands ---------------------------------------------------------------------------------------------------------

    def vector(self) -> Band | None:
        facts = self.facts
        candidates = [name for name in facts.vectorizable if facts.extents[name] > 1]
        if not candidates:
            return None
        enough = worth_a_vector(facts.lanes, candidates[0] == facts.dense)
        first = 0.92 if facts.extents[candidates[0]] >= enough else 0.5
        rest = (0.97 - first) / max(1, len(candidates) - 1)
        if facts.body * facts.lanes > MAX_LONG_BODY:  # what lies apart is loaded lane by lane
            rest *= _RARELY
        # Where data says where they are written, or a scan runs along the row, it takes as many stores as there are lanes.
        along_row = candidates[0] in facts.stage.pure_vars and facts.dense not in facts.stage.pure_vars
        scalar = min(0.4, _SCALAR * facts.lookups) if facts.lookups >= MANY else 0.03
        none = 3.0 if writes_by_data(facts.stage) or along_row else scalar
        weights = [none, first, *([rest] * (len(candidates) - 1))]
        chosen = self.chooser.choose(f"{self.prefix}/vector", [_NONE, *candidates], weights)
        if chosen == _NONE:
            if self.looks_up_rows and facts.dense in self.order:  # LLVM makes vectors of what neighbours store
                self.order = tuple(dict.fromkeys((facts.dense, *self.order)))
            return None
        name = str(chosen)
        width = int(self.chooser.choose(f"{self.prefix}/width", *self.widths(name)))
        dots = self.dot() if name in facts.stage.pure_vars else ()
        self.vectors = max(1, width // facts.lanes)
        self.vectorized = name
        self.take(name, width)
        return Band(VECTOR, (*dots, (name, width if self.left[name] else ALL)))

    def widths(self, name: str) -> tuple[Sequence[int], Sequence[float]]:
        facts = self.facts
        widths, weights = vector_widths(facts.lanes, facts.extents[name], name in facts.constant)
        if facts.body >= _LONG_CHAIN:
            few = [facts.lanes <= width <= _SIDE_BY_SIDE * facts.lanes for width in widths]
            weights = tuple(max(weights) if side else w for w, side in zip(weights, few, strict=True))
        if facts.apart:
            weights = parts_likely(widths, weights, facts.lanes, APART)
        if facts.lookups >= MANY:
            weights = parts_likely(widths, weights, facts.indices, FEW_LANES)
        long = [facts.body * width > MAX_WIDE_BODY * facts.lanes for width in widths]
        return widths, [w * _RARELY if far else w for w, far in zip(weights, long, strict=True)]

    def dot(self) -> tuple[tuple[str, int], ...]:
        """Ask how many products one instruction adds up, where they are of narrow integers: a second loop of the vector."""
        facts = self.facts
        for rvar in facts.stage.rvars if facts.dots else ():
            counts = [n for n in (1, 2, 4) if n == 1 or facts.extents[rvar.name] % n == 0]
            if len(counts) > 1:
                count = int(self.chooser.choose(f"{self.prefix}/dot/{rvar.name}", counts, _DOTS[: len(counts)]))
                if count > 1:
                    self.take(rvar.name, count)
                    return ((rvar.name, count if self.left[rvar.name] else ALL),)
        return ()

    def unroll(self) -> Band | None:
        facts, loops = self.facts, list[tuple[str, int]]()
        most = max(3, MAX_BODY // max(1, facts.body))
        for name in self.order:
            share = varying_share(facts.stage, name)
            room = most / (self.vectors * self.grown)
            budget = min(MAX_UNROLLED // self.copies, int(1 + (room - 1) / share)) if room >= 1 else 0
            if not self.left[name] or self.left[name] == 1 or budget <= 1:
                continue
            reduction = facts.stage.is_rvar(name)
            lanes = is_scatter(facts.stage) and not reduction  # few histograms side by side: in turn
            if reduction and facts.ordered and name != self.innermost_reduction():
                continue
            whole = name in facts.constant and self.left[name] == facts.extents[name]
            inside = not facts.spreads and not facts.slides
            covers = inside and not reduction and self.copies * self.left[name] <= facts.accumulators
            shares = name in facts.sharing
            counts, weights = self.nestable(name, *unroll_counts(self.left[name], budget, whole, covers, shares, reduction))
            if lanes:
                weights = tilted(weights, [count == self.left[name] for count in counts])
            elif self.looks_up_rows and not self.vectorized and name == facts.dense:
                weights = [ROW.get(count, w) for count, w in zip(counts, weights, strict=True)]
            elif name == facts.transposed:
                weights = [_SQUARE if count == facts.lanes else w for count, w in zip(counts, weights, strict=True)]
            elif facts.style is Style.REGISTERS and not reduction:
                weights = self.register_weights(name, counts)
            count = self.choose_unroll(name, counts, weights)
            if count > 1:
                self.unrolled *= count
                self.grown *= 1 + (count - 1) * share
                self.take(name, count)
                loops.append((name, count if self.left[name] else ALL))
        if not loops:
            return None
        arranged = self.arrange([name for name, _ in loops], UNROLL, [])
        sizes = dict(loops)
        return Band(UNROLL, tuple((name, sizes[name]) for name in arranged))

    def choose_unroll(self, name: str, counts: Sequence[int], weights: Sequence[float]) -> int:
        """Ask for one of the counts. All that is left is an answer of its own: it stays so when a consumer's tile grows."""
        left = self.left[name]
        named = {ALL if count == left and not self.facts.slides else count: count for count in counts}
        options, chances = zip(*sorted(zip(named, weights, strict=True)), strict=True)
        return named[int(self.chooser.choose(f"{self.prefix}/unroll/{name}", options, chances))]

    def tiles(self) -> list[Band]:
        splittable = [name for name in self.order if self.left[name] > 1]
        if not splittable:
            return []
        weights = [0.25, 0.5, 0.2, 0.05] if self.facts.spreads else [0.85, 0.11, 0.03, 0.01]
        if self.facts.spreads and self.facts.style in _USUAL_TILES:
            weights[_USUAL_TILES[self.facts.style]] *= TILT
        most = MAX_TILE_BANDS if math.prod(self.left[n] for n in splittable) > 16 else 1
        count = int(self.chooser.choose(f"{self.prefix}/tiles", range(most + 1), weights[: most + 1]))
        bands = []
        for number in range(count):
            band = self.tile(number)
            if band is not None:
                bands.append(band)
        return bands

    def tile(self, number: int) -> Band | None:
        loops: dict[str, int] = {}
        role = f"tile{number}"
        for name in self.order:
            if self.left[name] < 2:
                continue
            if self.facts.stage.is_rvar(name) and self.facts.ordered and not self.may_tile_ordered(name):
                continue
            counts, weights = self.nestable(name, *tile_sizes(self.left[name], self.facts.stage.is_rvar(name)))
            if self.facts.is_short(name):  # few channels are all together or each by itself
                weights = [w if count in (ALL, 1) else w * _RARELY for count, w in zip(counts, weights, strict=True)]
            if self.facts.spreads and name == self.slowest():
                weights = [w * _RARELY if count == ALL else w for count, w in zip(counts, weights, strict=True)]
            if self.facts.spreads and self.facts.style in (Style.ROWS, Style.TILES):
                weights = tilted(weights, [self.suits(name, count) for count in counts])
            count = int(self.chooser.choose(f"{self.prefix}/{role}/{name}", counts, weights))
            if count == ALL:
                loops[name] = ALL
                self.left[name] = 0
            elif count > 1:
                self.take(name, count)
                loops[name] = count if self.left[name] else ALL
        if not loops:
            return None
        arranged = self.arrange(list(loops), role, [])
        return Band(role, tuple((name, loops[name]) for name in arranged))

    def register_weights(self, name: str, counts: Sequence[int]) -> list[float]:
        """How likely each count is in a register tile: enough accumulators to hide latency, few enough to fit."""
        if not self.facts.spreads:
            whole = self.copies * self.left[name] <= self.facts.accumulators
            return [TILT if count == self.left[name] and whole else 1.0 if count == 1 else 0.1 for count in counts]
        if not self.facts.reads_reduction or self.facts.is_short(name):
            return [4.0 if count == 1 else 0.1 for count in counts]
        pure = self.facts.long
        if name != pure[-1] and self.copies < self.facts.accumulators // 2:  # a square tile loads least
            return [2.0 if count == 1 else 4.0 if self.copies * count <= 4 else 0.5 for count in counts]
        weights = []
        for count in counts:
            fits, many = (
                self.copies * count <= self.facts.accumulators,
                self.copies * count > self.facts.accumulators // 2,
            )
            weights.append((TILT if many else 2.0) if fits else 0.1)
        return weights

    def suits(self, name: str, count: int) -> bool:
        """Whether the style would give so many iterations of a variable to a tile of the outermost loops."""
        if self.facts.stage.is_rvar(name):
            return False
        if self.facts.is_short(name):
            return count == ALL or (count == 1 and name not in (*self.facts.channels, *self.facts.sharing))
        pure = self.facts.long
        if self.facts.style is Style.ROWS and name != pure[-1]:
            return count == ALL
        enough = self.left[name] >= count * _TASKS * self.facts.cores or name != pure[-1]
        smallest, largest = _TILE_WIDTH if name == pure[0] and len(pure) > 1 else _TILE_HEIGHT
        return count > 1 and smallest <= count * self.sizes[name] <= largest and enough

    def slowest(self) -> str | None:
        """The variable whose outermost loop would be parallel: inside a tile as a whole it leaves one task."""
        return self.facts.long[-1] if self.facts.long else None

    @property
    def looks_up_rows(self) -> bool:
        """Whether it looks up enough, along rows that are long, for scalars to be unrolled along them."""
        return self.facts.lookups >= MANY and self.facts.extents.get(self.facts.dense, 1) >= _LONG_ROW

    @property
    def lies_apart(self) -> bool:
        """Whether the lanes of a vector aren't neighbours in memory."""
        return self.vectorized in self.facts.stage.pure_vars and self.vectorized != self.facts.dense

    @property
    def copies(self) -> int:
        """Native vectors of the body so far."""
        return self.vectors * self.unrolled

    def take(self, name: str, count: int) -> None:
        """Give `count` iterations of what is left of a variable to a band; nothing is left of a constant used up."""
        self.sizes[name] *= count
        if name in self.facts.constant and count == self.left[name]:
            self.left[name] = 0
        else:
            self.left[name] = max(1, -(-self.left[name] // count))

    def nestable(
        self, name: str, counts: Sequence[int], weights: Sequence[float]
    ) -> tuple[Sequence[int], Sequence[float]]:
        """Those of the counts that a further band may take of a variable: one split is always legal, nested ones aren't."""
        size, extent = self.sizes[name], self.facts.extents[name]
        if size == 1 or math.isinf(self.facts.nested[name]):
            return counts, weights
        divides = name in self.facts.exact
        kept = [
            (count, weight)
            for count, weight in zip(counts, weights, strict=True)
            if count <= 1 or size * count <= self.facts.nested[name] or (divides and extent % (size * count) == 0)
        ]
        return [count for count, _ in kept], [weight for _, weight in kept]

    # Order ---------------------------------------------------------------------------------------------------------

    def arrange(self, names: list[str], role: str, chosen: list[str]) -> list[str]:
        """Ask for the order of a band's loops, innermost first, one at a time."""
        remaining = list(names)
        while len(remaining) > 1:
            legal = self.may_be_next(remaining)
            if role == OUTER and self.facts.spreads and self.facts.style is Style.REGISTERS:
                weights = turned(len(legal), remaining[0] == names[0] and bool(chosen))
            else:
                weights = self.order_weights(legal, role)
            key = f"{self.prefix}/order/{role}/{len(chosen)}"
            answer = str(self.chooser.choose(key, legal, weights))
            chosen.append(answer)
            remaining.remove(answer)
        return chosen + remaining

    def order_weights(self, legal: Sequence[str], role: str) -> list[float]:
        """How likely each of the loops is to be the next one: a reduction's may as well be outside of a pure one.

        Not where the last pure one is to be parallel, nor where lanes are of the reduction, or data says where they write.
        """
        stage = self.facts.stage
        pure = [place for place, name in enumerate(legal) if name in stage.pure_vars]
        needed = 1 if role == OUTER and self.facts.spreads else 0
        if len(pure) <= needed or pure[0] == 0 or self.vectorized not in stage.pure_vars or writes_by_data(stage):
            return in_order(len(legal))
        return reduction_first(len(legal), pure[0], legal[0] in self.facts.scanned)

    def may_be_next(self, remaining: list[str]) -> list[str]:
        """Which of the loops may be the next further out, in the order of preference."""
        if not self.facts.ordered:
            return remaining
        reductions = [name for name in remaining if self.facts.stage.is_rvar(name)]
        return [name for name in remaining if name not in reductions[1:]]

    def innermost_reduction(self) -> str | None:
        names = [name for name in self.order if self.facts.stage.is_rvar(name)]
        return names[0] if names else None

    def may_tile_ordered(self, name: str) -> bool:
        """In an ordered reduction a loop may only go into a tile when all that are inside it are used up."""
        names = [rvar.name for rvar in self.facts.stage.rvars]
        return all(self.left[inner] == 0 for inner in names[: names.index(name)])

    # Parallel loops and tails --------------------------------------------------------------------------------------

    def planes(self, outer: Sequence[str]) -> int:
        """Ask whether the outermost loop, where it is over channels, stays serial around parallel ones (innermost first).

        What is computed in it is then one plane, of which a cache holds more.
        """
        if len(outer) < 2 or not self.facts.at_root or not 1 < self.left[outer[-1]] <= SHORT:
            return 0
        if outer[-1] not in self.facts.stage.pure_vars or outer[-2] not in self.facts.parallelizable:
            return 0
        return int(self.chooser.choose(f"{self.prefix}/planes", [0, 1], [1.0 - _PLANES, _PLANES]))

    def parallel(self, outer: Sequence[str], in_planes: bool) -> tuple[int, bool]:
        """How many of the outer loops (innermost first) are parallel, counted from outside, and whether fused."""
        most = 0
        for name in reversed(outer):
            if name not in self.facts.parallelizable:
                break
            most += 1
        if most == 0:
            return 0, False
        weights = [0.03 if self.facts.spreads else 0.97] + [0.02] * most
        if self.facts.spreads:
            weights[1] = 0.2
            weights[self.enough(outer, most) if self.facts.is_much else 0] = 0.75
        count = int(self.chooser.choose(f"{self.prefix}/parallel", range(most + 1), weights))
        if count < 2:
            return count, False
        # Inside other loops Halide 21 may lose the bounds of what a fused loop reads; and nobody would fuse there.
        may_fuse = self.facts.at_root and not self.facts.may_be_empty and not in_planes
        ways, chances = (["fused", "nested"], [0.8, 0.2]) if may_fuse else (["nested"], [1.0])
        return count, self.chooser.choose(f"{self.prefix}/parallel_loops", ways, chances) == "fused"

    def enough(self, outer: Sequence[str], most: int) -> int:
        """How many of the outer loops, from outside, make enough tasks for all cores."""
        tasks = 1
        for count in range(1, most + 1):
            tasks *= self.left[outer[-count]]
            if tasks >= _TASKS * self.facts.cores:
                return count
        return most

    def outermost(self, outer: Sequence[str], parallel: int) -> list[Band]:
        """What remains of each variable, innermost first; several iterations of a parallel loop may make one task."""
        loops = tuple((name, ALL) for name in outer)
        size = self.task(outer[-1]) if parallel == 1 else 1
        if size == 1:
            return [Band(OUTER, loops)]
        return [Band(OUTER, loops[:-1]), Band(TASK, ((outer[-1], size),)), Band(OUTER, loops[-1:])]

    def task(self, name: str) -> int:
        """Ask how many iterations of a parallel loop make one task (`parallel(y, 16)`)."""
        if not self.facts.spreads or self.facts.stage.is_rvar(name):
            return 1
        cores, iterations = self.facts.cores, self.left[name]
        sizes = [1 << e for e in range(_LARGEST_TASK + 1) if e == 0 or iterations >= (1 << e) * _TASKS * cores]
        few, many = (cores * tasks for tasks in _GOOD_TASKS)
        weights = []
        for size in sizes:
            weights.append(1.0 if few <= iterations // size <= many else 0.1 if size > 1 else 0.5)
            if size == 1 and iterations <= many:
                weights[0] = 4.0
        size = int(self.chooser.choose(f"{self.prefix}/task", *self.nestable(name, sizes, weights)))
        if size > 1:
            self.take(name, size)
        return size

    def tails(self, tiling: Tiling, options: TailOptions, copies: int) -> dict[str, Tail]:
        result: dict[str, Tail] = {}
        for name in self.order:
            own = [count for variable, _, count in tiling.loops if variable == name]
            if len(own) < 2:
                continue
            factor = math.prod(own[:-1])
            legal = list(options(name, factor, copies))
            if len(own) > 2 and len(legal) > 1 and not math.isinf(self.facts.nested[name]):
                legal = legal[:-1]  # not the guard, see `nested`
            weights = [0.8] + [0.2 / max(1, len(legal) - 1)] * (len(legal) - 1)
            answer = self.chooser.choose(f"{self.prefix}/tail/{name}", [tail.value for tail in legal], weights)
            result[name] = Tail(answer)
        return result
