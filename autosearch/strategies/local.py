"""Local search: each schedule that differs from the fastest in one decision comes up, in turn.

Mutation, being random, may not come to what one decision is missing for long: of fifty Funcs it seldom moves the one that
matters, and then somewhere else. Here nothing is proposed again before all else was.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from autosearch.choices import STYLE, Option, Proposal, RandomChooser, Replay, Space, Trace, draw, kind_of
from autosearch.errors import InfeasibleError
from autosearch.lots import in_order_drawn
from autosearch.strategies.base import Predict, Result
from autosearch.strategies.change import KIND_WEIGHTS, TRIES, to_forget
from autosearch.strategies.resettling import CLONE, Resettling
from autosearch.strategies.unseen import Unseen

FEW = 8
"""So many of the fastest have neighbours proposed: those of the second once the first has none left."""
OF_STYLES, CLOSE = 0.3, 1.2
"""Share of changes that are of the fastest schedule of another style, if that takes at most so many times as long as the
fastest of all: where one style led early, another needs as many changes to show what it is worth."""
NEAR = 2
"""Numbers change by so many places among the options at most."""
FLATTENED, SHARPENED = 0.3, 2.0
"""How much the weights of the space count: for what comes up first, and for what a change leads to."""
WAYS = 4
"""Where a change leaves things to be decided anew and there is a model: so many ways to decide them, of which it picks one."""
OPEN_KINDS = ("", "as", "place", "vector", *TRIES)
"""Kinds of decisions that leave others open."""

_Move = tuple[str, Option, bool]
"""A question, another answer to it, and whether a clone that is read in the loops that come with it is made too, or is no
more."""


class LocalSearch:
    """Changes the fastest schedules, one decision at a time."""

    def __init__(self, space: Space, seed: int = 0) -> None:
        self._space = space
        self._random = random.Random(seed)
        self._anything = RandomChooser(self._random)
        self._likely = RandomChooser(self._random, SHARPENED)
        self._unseen = Unseen()
        self._fastest: list[tuple[float, Trace]] = []
        self._of_styles: dict[Option, tuple[float, Trace]] = {}
        """The fastest of each style."""
        self._left: dict[Trace, list[_Move]] = {}
        """Of each of the fastest, what was not yet proposed, what should come first at the end. Where nothing is left, all
        comes up again after the next results: what a change leads to is decided at random."""

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`. With a model, each change is made in a few ways, of which it picks one."""
        made: dict[str, list[Proposal]] = {}

        def change() -> Proposal:
            first, *others = self._next(1 if predict is None else WAYS)
            made[first.schedule.digest] = others
            return first

        found = self._unseen.collect(n, change)
        if predict is None or not found:
            return found
        ways = _different([[one, *made[one.schedule.digest]] for one in found], self._unseen.measured)
        flat = [one for same in ways for one in same]
        expected = dict(zip((one.schedule.digest for one in flat), predict(flat), strict=True))
        return [min(same, key=lambda one: expected[one.schedule.digest]) for same in ways]

    def observe(self, results: Sequence[Result]) -> None:
        """See `Strategy.observe`."""
        self._unseen.observe(results)
        found = [(one.seconds, one.trace) for one in results if one.seconds is not None and len(one.trace)]
        self._fastest = sorted(self._fastest + found, key=lambda one: one[0])[:FEW]
        for seconds, trace in found:
            style = trace.by_key.get(STYLE, "")
            if style not in self._of_styles or seconds < self._of_styles[style][0]:
                self._of_styles[style] = seconds, trace
        known = {trace for _, trace in [*self._fastest, *self._of_styles.values()]}
        left = {trace: moves for trace, moves in self._left.items() if trace in known}
        self._left = left if any(left.values()) else {}

    def _next(self, ways: int) -> list[Proposal]:
        """The next neighbour of the fastest that has one left, made in so many ways; a random schedule where none has."""
        for trace in self._in_turn():
            if trace not in self._left:
                self._left[trace] = self._moves(trace)
            if self._left[trace]:
                move = self._left[trace].pop()
                made = [self._moved(trace, move)]
                for _ in range(ways - 1 if kind_of(move[0]) in OPEN_KINDS else 0):
                    with suppress(InfeasibleError):
                        made.append(self._moved(trace, move))
                return made
        return [draw(self._space, self._anything)]

    def _in_turn(self) -> list[Trace]:
        """Whose neighbours come next: the fastest first, or now and then that of another style."""
        fastest = [trace for _, trace in self._fastest]
        others = [
            trace
            for seconds, trace in self._of_styles.values()
            if trace != fastest[0] and seconds <= CLOSE * self._fastest[0][0]
        ]
        if others and self._random.random() < OF_STYLES:
            return [self._random.choice(others), *fastest]
        return fastest

    def _moves(self, trace: Trace) -> list[_Move]:
        """All single changes, some several times, in random order, the likelier rather at the end.

        None where the space knows the trace no more.
        """
        asked = _Asked(trace.by_key, self._likely)
        try:
            draw(self._space, asked)
        except InfeasibleError:
            return []
        clones = any(kind_of(key) == CLONE for key in asked.others)
        weighted = [
            ((key, option, clone), weight)
            for key, others in asked.others.items()
            for option, weight in others.items()
            for _ in range(TRIES.get(kind_of(key), 1))
            for clone in ((False, True) if clones and kind_of(key) == "place" else (False,))
        ]
        order = in_order_drawn([weight for _, weight in weighted], self._random)
        return [weighted[place][0] for place in reversed(order)]

    def _moved(self, trace: Trace, move: _Move) -> Proposal:
        key, option, clone = move
        forgotten = to_forget(trace.by_key, [key], self._random)
        told = {**{one: answer for one, answer in trace if one not in forgotten}, key: option}
        settling = Resettling(trace, told, key, self._likely)
        made = draw(self._space, settling)
        if not clone:
            return made
        if not settling.clones:
            raise InfeasibleError("no clone would be read there")
        return draw(self._space, Resettling(trace, told, key, self._likely, self._random.choice(settling.clones)))


def _different(ways: Sequence[Sequence[Proposal]], known: Collection[str]) -> list[list[Proposal]]:
    """Of each, the first, which is new, and what else is: in no two of them is the same."""
    seen = {*known, *(same[0].schedule.digest for same in ways)}
    found = []
    for first, *others in ways:
        new = {one.schedule.digest: one for one in others if one.schedule.digest not in seen}
        seen.update(new)
        found.append([first, *new.values()])
    return found


class _Asked(Replay):
    """Answers as a trace does, and keeps what else could be answered, with weights."""

    def __init__(self, answers: Mapping[str, Option], otherwise: RandomChooser) -> None:
        super().__init__(answers, otherwise)
        self.others: dict[str, dict[Option, float]] = {}

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        answer = super().choose(key, options, weights)
        place = options.index(answer)
        near = [
            other
            for other, option in enumerate(options)
            if other != place and (isinstance(option, str) or isinstance(answer, str) or abs(other - place) <= NEAR)
        ]
        chances = [weights[other] ** FLATTENED if weights is not None else 1.0 for other in near]
        each = KIND_WEIGHTS.get(kind_of(key), 1.0) / sum(chances) if near else 0.0
        self.others[key] = {options[other]: each * chance for other, chance in zip(near, chances, strict=True)}
        return answer
