"""Monte-Carlo tree search over a space's questions, with what is known of single answers as the roll-out.

From the first question on, answers are chosen by how fast the schedules below them were, by the space's weights and by
how rarely they were tried (PUCT, Rosin 2011). Where the tree ends, the rest is drawn by the answers' own records,
wherever in the tree they were given (all moves as first, Brügmann 1993): spaces are far deeper than a tree can grow.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from autosearch.choices import Option, Proposal, RandomChooser, Space, Trace, draw
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.observed import FAILED
from autosearch.strategies.unseen import Unseen

EXPLORATION = 0.4
"""Weight of rarely tried answers against fast ones."""
UNTRIED = 0.8
"""An answer never tried is taken to be this good, relative to the answers tried beside it."""
GREED = 4.0
"""How much likelier a roll-out takes answers of fast schedules: their quality to this power."""
SHARPNESS = 2.0
"""How closely roll-outs keep to what an expert would try: the space's weights to this power."""
CHUNKS, LEAST_OF_CHUNK = 4, 16
"""Roll-outs between two measurements come in so many parts, each guided by the model's predictions of those before; so many
in each at least: for a few the model takes as long as for many."""

Path = tuple[Option, ...]


@dataclass
class _Tally:
    """What is known of the schedules that share something: logarithms of seconds."""

    count: int = 0
    total: float = 0.0
    best: float = math.inf

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.best = min(self.best, value)

    def quality(self, fastest: float) -> float:
        """1 for the fastest known, less for slower: between the best and the mean of them."""
        return math.exp(min(0.0, fastest - 0.5 * (self.best + self.total / self.count)))


class TreeSearch:
    """Grows a tree of answers towards the fast schedules."""

    def __init__(self, space: Space, seed: int = 0) -> None:
        self._space = space
        self._random = random.Random(seed)
        self._fresh = RandomChooser(self._random)
        self._unseen = Unseen()
        self._fastest = math.inf
        self._tree: dict[Path, _Tally] = {(): _Tally()}
        self._answers: dict[tuple[str, Option], _Tally] = {}
        self._guesses: dict[tuple[str, Option], _Tally] = {}
        self._pending: dict[Path, int] = {}
        """Proposals under way below each node."""
        self._met: set[str] = set()
        self._in_vain = 0
        """Walks in a row that led to a schedule known already: the next ones stray further."""

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        found: list[Proposal] = []
        self._guesses, self._pending, self._met, self._in_vain = {}, {}, set(), 0
        size = n if predict is None else max(LEAST_OF_CHUNK, -(-n // CHUNKS))
        while len(found) < n:
            born = self._unseen.collect(min(size, n - len(found)), self._walk, besides=found)
            if not born:
                break
            found += born
            if predict is not None and len(found) < n:
                for proposal, seconds in zip(born, predict(born), strict=True):
                    _tally(self._guesses, proposal.trace, math.log(seconds))
        return found

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
        times = [result.seconds for result in results if result.seconds is not None and len(result.trace)]
        self._fastest = min([self._fastest, *map(math.log, times)])
        for result in results:
            if len(result.trace):
                slow = self._fastest if math.isfinite(self._fastest) else 0.0
                value = math.log(result.seconds) if result.seconds is not None else slow + FAILED
                _tally(self._answers, result.trace, value)
                self._grow(result.trace, value)

    def _grow(self, trace: Trace, value: float) -> None:
        """Count a result in the nodes on its way; the tree grows by one node."""
        path: Path = ()
        for _, answer in trace:
            new = path not in self._tree
            self._tree.setdefault(path, _Tally()).add(value)
            if new:
                return
            path = (*path, answer)

    def _walk(self) -> Proposal:
        proposal = draw(self._space, _Walk(self))
        digest = proposal.schedule.digest
        known = digest in self._met or digest in self._unseen.measured
        self._in_vain = self._in_vain + 1 if known else 0
        self._met.add(digest)
        return proposal

    def select(self, path: Path, options: Sequence[Option], weights: Sequence[float]) -> Option:
        """The answer to take at a node of the tree."""
        tallies = [self._tree.get((*path, option)) for option in options]
        known = [tally.quality(self._fastest) for tally in tallies if tally is not None and tally.count]
        untried = UNTRIED * sum(known) / len(known) if known else 1.0
        visits = math.sqrt(self._tree[path].count + self._pending.get(path, 0) + 1)
        scores = []
        for option, tally, weight in zip(options, tallies, weights, strict=True):
            tried = self._pending.get((*path, option), 0) + (tally.count if tally is not None else 0)
            quality = tally.quality(self._fastest) if tally is not None and tally.count else untried
            scores.append(quality + EXPLORATION * (1 + self._in_vain) * weight * visits / (1 + tried))
        chosen = options[max(range(len(options)), key=scores.__getitem__)]
        below = (*path, chosen)
        self._pending[below] = self._pending.get(below, 0) + 1
        return chosen

    def roll(self, key: str, options: Sequence[Option], weights: Sequence[float]) -> Option:
        """An answer below the tree: by the space's weights, and by what came of it elsewhere."""
        qualities = [self._quality((key, option)) for option in options]
        known = [quality for quality in qualities if quality is not None]
        untried = UNTRIED * max(known) if known else 1.0
        chances = [
            weight**SHARPNESS * (untried if quality is None else quality) ** (GREED / (1 + self._in_vain))
            for weight, quality in zip(weights, qualities, strict=True)
        ]
        return self._fresh.choose(key, options, chances)

    def contains(self, path: Path) -> bool:
        """Whether the tree has grown this far."""
        return path in self._tree

    def _quality(self, answer: tuple[str, Option]) -> float | None:
        tallies = [table[answer] for table in (self._answers, self._guesses) if answer in table]
        if not tallies:
            return None
        fastest = min([self._fastest, *(tally.best for tally in tallies)])
        return sum(tally.quality(fastest) for tally in tallies) / len(tallies)


class _Walk:
    """One way from the root of the tree to a schedule."""

    def __init__(self, search: TreeSearch) -> None:
        self._search = search
        self._path: Path = ()
        self._inside = True

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        """See `Chooser.choose`."""
        total = sum(weights) if weights is not None else float(len(options))
        shares = [weight / total for weight in weights] if weights is not None else [1.0 / total] * len(options)
        self._inside = self._inside and self._search.contains(self._path)
        if not self._inside:
            return self._search.roll(key, options, shares)
        answer = self._search.select(self._path, options, shares)
        self._path = (*self._path, answer)
        return answer


def _tally(table: dict[tuple[str, Option], _Tally], trace: Trace, value: float) -> None:
    for answer in trace:
        table.setdefault(answer, _Tally()).add(value)
