"""Beam search over the decisions, Func by Func, in coarse-to-fine passes.

After Adams et al. 2019 (Learning to Optimize Halide with Tree Search and Random Programs): Funcs are decided from the
outputs to the inputs, the most promising states are kept after each, and later passes refine what earlier ones found.
A cost model here ranks whole schedules only, so a state is always whole: what isn't decided yet is answered as is
likeliest, later as the pass before left it. The search goes on from call to call, a step for each Func.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from autosearch.choices import (
    FirstChooser,
    Option,
    Proposal,
    RandomChooser,
    Replay,
    Space,
    Trace,
    draw,
    func_of,
    kind_of,
)
from autosearch.errors import InfeasibleError
from autosearch.strategies.additive import AdditiveModel
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.unseen import Unseen

State = tuple[float, Trace]
"""A whole schedule: its seconds, measured or predicted, and the trace."""
WIDTH = 32
"""States that are kept after each step."""
CHILDREN = 3
"""New schedules for each state of a full beam in a step."""
COARSE = frozenset(("", "rfactor", "clone", "place", "store"))
"""Kinds of decisions of the first pass, which shape all the rest."""
PASSES = (1.0, 1.0, 0.5, 0.3, 0.2)
"""The share of a Func's decisions that are taken anew in each pass; then the search begins again, from the fastest."""
PROVEN = 0.5
"""Part of the beam that each pass begins with the fastest schedules measured; the rest is what is predicted best."""
SPARE = 4
"""So many times the schedules asked for are looked at, and the best of them proposed."""
MOST_DRAWN = 2
"""So many times as many schedules are drawn in a call, known ones included: on large pipelines drawing takes long, and
most Funcs have few answers."""
PATIENCE = 8
"""Known schedules in a row before a step ends: where a Func has few answers, the next step finds more."""


class Beam:
    """Keeps the most promising schedules, and decides one Func after the other anew in all of them."""

    def __init__(self, space: Space, seed: int = 0, width: int = WIDTH, spare: int = SPARE) -> None:
        self._space = space
        self._width = width
        self._spare = spare
        self._random = random.Random(seed)
        self._fresh = RandomChooser(self._random)
        self._unseen = Unseen()
        self._learned = AdditiveModel()
        self._measured: list[State] = []
        """The fastest, as many as the beam is wide."""
        self._beam: list[State] = []
        self._pass = -1
        self._funcs: list[str] = []
        """What is still to decide in this pass."""
        self._drawn = 0
        """Schedules, in all calls."""

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`. Without a model, schedules are ranked by what was learned of their answers."""
        if predict is None and self._learned.ready:
            predict = self._learned.predict
        looked_at = self._spare * n if predict is not None else n
        found: list[tuple[float, Proposal]] = []
        passes_in_vain = 0
        most = self._drawn + MOST_DRAWN * looked_at
        while len(found) < looked_at and self._drawn < most and passes_in_vain < len(PASSES):
            if not self._funcs:
                passes_in_vain += 1
                self._begin_pass(predict)
                continue
            count = min(looked_at - len(found), CHILDREN * self._width)
            born = self._step(self._funcs.pop(0), count, [one for _, one in found], predict)
            if born:
                found += born
                passes_in_vain = 0
        best = [one for _, one in sorted(found, key=lambda child: child[0])[:n]]
        if len(best) < n:  # little that is new is left around the beam
            best += self._unseen.collect(n - len(best), lambda: draw(self._space, self._fresh), besides=best)
        return best

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
        self._learned.observe(results)
        found = [(one.seconds, one.trace) for one in results if one.seconds is not None and len(one.trace)]
        self._measured = _best(self._measured + found, self._width)

    def _begin_pass(self, predict: Predict | None) -> None:
        """From the fastest measured and, but for the first pass, the best predicted of the pass before."""
        self._pass = (self._pass + 1) % len(PASSES)
        measured = {trace.answers for _, trace in self._measured}
        guessed = [state for state in self._beam if self._pass and state[1].answers not in measured]
        proven = self._measured[: max(int(PROVEN * self._width), self._width - len(guessed))]
        self._beam = self._ranked([*proven, *guessed[: self._width - len(proven)]], predict) or self._first()
        keys = [key for _, trace in self._beam for key, _ in trace if self._pass or kind_of(key) in COARSE]
        self._funcs = list(dict.fromkeys(map(func_of, keys)))

    def _ranked(self, states: Sequence[State], predict: Predict | None) -> list[State]:
        """With seconds that one model predicts for all, for what was measured and what others predicted can't be compared."""
        if predict is None or not states:
            return list(states)
        self._drawn += len(states)
        proposals = [draw(self._space, Replay(trace.by_key, FirstChooser())) for _, trace in states]
        ranked = [(seconds, one.trace) for seconds, one in zip(predict(proposals), proposals, strict=True)]
        return _best(ranked, self._width)

    def _first(self) -> list[State]:
        """The likeliest schedule."""
        try:
            return [(float("inf"), draw(self._space, FirstChooser()).trace)]
        except InfeasibleError:
            return []

    def _step(
        self, func: str, count: int, known: Sequence[Proposal], predict: Predict | None
    ) -> list[tuple[float, Proposal]]:
        """New schedules with this Func decided anew, with their seconds; the best of all there are stay in the beam."""
        coarse, share = self._pass == 0, PASSES[self._pass]
        parents = [trace.by_key for _, trace in self._beam]

        def child() -> Proposal:
            self._drawn += 1
            place = min(self._random.randrange(len(parents)) for _ in range(2))  # the best come first
            return draw(self._space, _Decide(func, parents[place], share, coarse, self._fresh))

        born = self._unseen.collect(count, child, besides=known, patience=PATIENCE)
        if predict is None or not born:
            return [(float("inf"), one) for one in born]
        ranked = list(zip(predict(born), born, strict=True))
        self._beam = _best(self._beam + [(seconds, one.trace) for seconds, one in ranked], self._width)
        return ranked


class _Decide(Replay):
    """Answers as a state does, or as is likeliest, but takes a share of one Func's decisions anew."""

    def __init__(
        self, func: str, answers: Mapping[str, Option], share: float, coarse: bool, fresh: RandomChooser
    ) -> None:
        super().__init__(answers, FirstChooser())
        self._func = func
        self._share = share
        self._coarse = coarse
        self._fresh = fresh

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        mine = func_of(key) == self._func and (not self._coarse or kind_of(key) in COARSE)
        if mine and (self._share >= 1.0 or self._fresh.generator.random() < self._share):
            return self._fresh.choose(key, options, weights)
        return super().choose(key, options, weights)


def _best(states: Sequence[State], count: int) -> list[State]:
    """The fastest few, each once."""
    different = {trace.answers: (seconds, trace) for seconds, trace in reversed(states)}
    return sorted(different.values(), key=lambda state: state[0])[: max(0, count)]
