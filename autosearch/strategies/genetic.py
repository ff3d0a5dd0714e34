"""Genetic search over traces: tournaments, mutation by kind of decision, crossover of whole Funcs.

The population is simply the best schedules measured so far, so that it survives restarts with the log. After Ansor
(Zheng et al. 2020, evolutionary search over complete programs), with traces instead of programs. Where it finds nothing
better for long, another population begins beside it, on an island.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from autosearch.choices import Option, Proposal, RandomChooser, Replay, Space, Trace, draw, func_of, kind_of
from autosearch.strategies.bandit import Bandit
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.change import KIND_WEIGHTS, PLACEMENT_KINDS, to_forget
from autosearch.strategies.island import Island, Member
from autosearch.strategies.unseen import Unseen

_Answers = tuple[tuple[str, Option], ...]
POPULATION = 32
GENERATIONS, LEAST_BORN = 4, 16
"""Generations bred between two measurements, where a model predicts how good they are; so many each at least: for a few the
model takes as long as for many."""
NICHE = 8
"""The best of each niche that are kept besides: schedules alike in what shapes all the rest."""
FROM_NICHE = 0.3
"""Share of parents that come of any niche: its best may be far behind and still lead further."""
NICHE_KINDS = ("", "rfactor", "clone")
"""Kinds of decisions that set niches apart: the style, and which Funcs are made."""
PLACEMENTS, FROM_PLACEMENT = 6, 0.25
"""Share of parents that are the best of their placement, one of so many placements: the second best may need but a better
tile to be the best, and wouldn't get it where all parents have the same placement."""
FIRST = 64
"""Measurements before breeding starts: until then all is drawn at random, so that no early winner crowds out the rest."""
OPERATORS: Mapping[str, float] = {"fresh": 0.2, "neighbour": 0.2, "cross": 0.2, "mutate": 0.4}
"""The share of proposals that each operator makes in the beginning; a bandit learns during the run which are worth it.

fresh: drawn at random, so that the population can't collapse; neighbour: one of the fastest schedules measured but for one
Func or decision; cross: each Func from either of two parents; mutate: a parent with a few decisions changed.
"""
SHARPNESS = (1.5, 2.0, 4.0)
"""How closely random draws keep to what an expert would try: where much must be right together, closely pays."""
STAYS = 0.5
"""Share of neighbours that only have one decision changed, most often about loops."""
ON_ISLAND, SETTLERS = 0.3, 8
"""Where the search stagnates, the share of proposals for the island, whose first so many are drawn at random."""
GATHERED = 0.15
"""Share of children in which other Funcs are placed where one of them is: what slides, slides together."""
REDRAWN_FUNC = 0.15
"""Share of children for which one Func is decided anew."""


class Genetic:
    """Breeds new schedules from the best ones measured."""

    def __init__(self, space: Space, seed: int = 0, first: int = FIRST) -> None:
        """`first`: how many schedules are measured before breeding starts."""
        self._space = space
        self._first = first
        self._random = random.Random(seed)
        self._fresh = [RandomChooser(self._random, sharpness) for sharpness in SHARPNESS]
        self._anywhere = RandomChooser(self._random, 0.3)
        self._unseen = Unseen()
        self._population: list[Member] = []
        self._niches: dict[_Answers, list[Member]] = {}
        self._placements: dict[_Answers, Member] = {}
        """The best of each placement of all Funcs."""
        self._operators = Bandit(OPERATORS)
        self._island = Island()

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`. With a model, several generations are bred by what it predicts."""
        if predict is None:
            return self._unseen.collect(n, lambda: self._breed(self._population))
        found: list[Proposal] = []
        parents = self._population
        ranked = list(self._population)
        generations = max(1, min(GENERATIONS, n // LEAST_BORN))
        for generation in range(generations):
            born = self._unseen.collect(-(-n // generations), lambda: self._breed(parents), besides=found)  # noqa: B023
            found += born
            if generation + 1 < generations:
                ranked += [(seconds, one.trace) for seconds, one in zip(predict(born), born, strict=True)]
                parents = sorted(ranked, key=lambda member: member[0])[:POPULATION]
        return found[:n]

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
        self._operators.observe(results)
        self._island.observe(results)
        found = [(r.seconds, r.trace) for r in results if r.seconds is not None and len(r.trace)]
        ranked = sorted(self._population + found, key=lambda member: member[0])
        self._population = ranked[:POPULATION]
        for member in found:
            placement = _of_kinds(member[1], PLACEMENT_KINDS)
            self._placements[placement] = min(self._placements.get(placement, member), member, key=lambda one: one[0])
            key = _of_kinds(member[1], NICHE_KINDS)
            self._niches[key] = sorted([*self._niches.get(key, ()), member], key=lambda one: one[0])[:NICHE]

    def _breed(self, parents: Sequence[Member]) -> Proposal:
        if len(parents) < 2 or len(self._unseen.measured) < self._first:
            return self._draw()
        if self._island.open and self._random.random() < ON_ISLAND:
            return self._settle()
        (operator,) = self._operators.draw(self._random)
        if operator == "fresh":
            proposal = self._draw()
        elif operator == "neighbour" and self._placements:
            fastest = sorted(self._placements.values(), key=lambda one: one[0])[:PLACEMENTS]
            proposal = self._neighbour(fastest[min(self._random.randrange(len(fastest)) for _ in range(2))][1])
        else:
            other = self._parent(parents) if operator == "cross" else None
            proposal = self._child(self._parent(parents), other)
        self._operators.made(operator, proposal.schedule.digest)
        return proposal

    def _draw(self) -> Proposal:
        return draw(self._space, self._random.choice(self._fresh))

    def _settle(self) -> Proposal:
        """A schedule for the island: drawn at random, or a child of those there."""
        settlers = self._island.members
        if len(settlers) < SETTLERS:
            proposal = self._draw()
        else:
            one, other = (min(self._random.choices(settlers, k=2), key=lambda member: member[0])[1] for _ in range(2))
            proposal = self._child(one, other if self._random.random() < OPERATORS["cross"] else None)
        self._island.settle(proposal.schedule.digest)
        return proposal

    def _child(self, parent: Trace, other: Trace | None) -> Proposal:
        """A parent, crossed with another where there is one, with a few decisions changed."""
        answers = dict(parent.answers)
        if other is not None:
            answers = self._cross(answers, other.by_key)
            mutations = self._random.choice((0, 1))
        else:
            mutations = self._random.choice((1, 1, 1, 2, 2, 3, 4))
        change = self._pick(answers, mutations)
        forgotten = self._to_forget(answers, change)
        if self._random.random() < GATHERED:
            gathered = self._gather(answers)
            change -= set(gathered)
            forgotten |= self._to_forget(answers, set(gathered))
            answers.update(gathered)
        for key in forgotten:
            answers.pop(key, None)
        return draw(self._space, _Mutation(answers, change, self._random, self._fresh[0]))

    def _neighbour(self, parent: Trace) -> Proposal:
        """The parent with one Func somewhere else, whose loops are decided anew, or with one other decision."""
        places = [key for key, _ in parent if kind_of(key) in PLACEMENT_KINDS]
        if not places or self._random.random() < STAYS:
            answers = parent.by_key
            return draw(self._space, _Mutation(answers, self._pick(answers, 1), self._random, self._fresh[0]))
        moved = self._random.choice(places)
        func = func_of(moved)
        kept = {key: answer for key, answer in parent if func_of(key) != func or kind_of(key) in PLACEMENT_KINDS}
        return draw(self._space, _Mutation(kept, {moved}, self._random, self._anywhere))

    def _parent(self, parents: Sequence[Member]) -> Trace:
        """The best of three drawn at random; `parents` come best first."""
        if self._placements and self._random.random() < FROM_PLACEMENT:
            return self._random.choice(sorted(self._placements.values(), key=lambda one: one[0])[:PLACEMENTS])[1]
        if len(self._niches) > 1 and self._random.random() < FROM_NICHE:
            parents = self._random.choice(list(self._niches.values()))
        return parents[min(self._random.randrange(len(parents)) for _ in range(3))][1]

    def _cross(self, one: Mapping[str, Option], other: Mapping[str, Option]) -> dict[str, Option]:
        """Each Func's answers from either parent."""
        from_other = {
            func: self._random.random() < 0.5 for func in dict.fromkeys(func_of(key) for key in (*one, *other))
        }
        child = {key: answer for key, answer in one.items() if not from_other[func_of(key)]}
        child.update((key, answer) for key, answer in other.items() if from_other[func_of(key)])
        return child

    def _pick(self, answers: Mapping[str, Option], count: int) -> set[str]:
        """The keys whose answers are to change."""
        keys = list(answers)
        if not keys or not count:
            return set()
        weights = [KIND_WEIGHTS.get(kind_of(key), 1.0) for key in keys]
        return set(self._random.choices(keys, weights, k=count))

    def _gather(self, answers: Mapping[str, Option]) -> dict[str, Option]:
        """Answers that place several Funcs where one of them is placed and stored."""
        funcs = [func_of(key) for key in answers if kind_of(key) == "place"]
        if not funcs:
            return {}
        one = self._random.choice(funcs)
        share = self._random.random()
        chosen = {kind: answer for kind in ("place", "store") if (answer := answers.get(f"{one}/{kind}")) is not None}
        return {
            f"{func}/{kind}": answer
            for func in funcs
            if func != one and self._random.random() < share
            for kind, answer in chosen.items()
        }

    def _to_forget(self, answers: Mapping[str, Option], change: set[str]) -> set[str]:
        """The keys to be asked anew, whatever the answer: now and then of a whole Func."""
        forgotten = to_forget(answers, change, self._random)
        if answers and self._random.random() < REDRAWN_FUNC:
            func = func_of(self._random.choice(list(answers)))
            forgotten |= {key for key in answers if func_of(key) == func and key not in change}
        return forgotten


def _of_kinds(trace: Trace, kinds: Sequence[str]) -> _Answers:
    """The answers of some kinds of questions."""
    return tuple(answer for answer in trace if kind_of(answer[0]) in kinds)


class _Mutation(Replay):
    """Answers as the parent did, but for the keys to change: numbers move a little, words are drawn anew.

    Questions that the parent was never asked are answered as an expert would: what is new should have its chance.
    """

    def __init__(
        self, answers: Mapping[str, Option], change: set[str], generator: random.Random, fresh: RandomChooser
    ) -> None:
        super().__init__(answers, RandomChooser(generator, SHARPNESS[1]))
        self._change = change
        self._random = generator
        self._fresh = fresh

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if key not in self._change:
            return super().choose(key, options, weights)
        current = self.answers.get(key)
        if current in options and isinstance(current, int) and len(options) > 2 and self._random.random() < 0.5:
            place = options.index(current) + self._random.choice((-2, -1, -1, 1, 1, 2))
            return options[max(0, min(place, len(options) - 1))]
        others = [place for place, option in enumerate(options) if option != current]
        chances = [weights[place] for place in others] if weights is not None else None
        return self._fresh.choose(key, [options[place] for place in others], chances)
