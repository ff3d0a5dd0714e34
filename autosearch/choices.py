"""The protocol between a space and whoever searches it: named questions with finite answers, one at a time.

It belongs to neither: spaces and strategies both speak it and don't know one another. A space asks
`chooser.choose(key, options, weights)`; later questions depend on earlier answers. The answers are a `Trace`. Random
drawing, replaying, mutating, crossing, tree search and imitation are all choosers.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, Protocol, overload

from autosearch.errors import ScheduleError
from autosearch.schedule.schedule import Schedule

Option = str | int
"""An answer: a word or a number. Where the options of a question are numbers, they are in ascending order."""


STYLE, INLINING = "style", "inlining"
"""The keys of the questions how the whole schedule is laid out and what is inlined all over it, in spaces that ask them."""

ROOT = "root"
"""The answer to where a Func is computed that there always is."""


class Later(Sequence[float]):
    """Weights that are worked out only if somebody asks for them: who answers from a trace needs none."""

    def __init__(self, make: Callable[[], Sequence[float]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Sequence[float]:
        return self._make()

    @overload
    def __getitem__(self, place: int) -> float: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[float]: ...

    def __getitem__(self, place: int | slice) -> float | Sequence[float]:
        return self._made[place]

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[float]:
        return iter(self._made)


class Chooser(Protocol):
    """Answers a space's questions."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        """One of `options`. `weights` (as many, positive, any sum) say how often an expert would take each.

        They are good for the length of the call.
        """
        ...


@dataclass(frozen=True)
class Trace:
    """The answers that led to one schedule, by key, in the order in which they were asked for."""

    answers: tuple[tuple[str, Option], ...] = ()

    @cached_property
    def by_key(self) -> Mapping[str, Option]:
        return dict(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def __iter__(self) -> Iterator[tuple[str, Option]]:
        return iter(self.answers)

    def to_json(self) -> dict[str, Option]:
        """As a plain dict; JSON keeps its order."""
        return dict(self.answers)

    @staticmethod
    def from_json(content: Any) -> Trace:
        """The inverse of `to_json`. Raises `ScheduleError` on anything malformed."""
        if not isinstance(content, dict):
            raise ScheduleError("a trace must be a JSON object of answers")
        if not {*map(type, content.values())} <= {str, int}:
            key, answer = next((k, v) for k, v in content.items() if type(v) not in (str, int))
            raise ScheduleError(f"the answer to {key!r} in a trace must be a word or a number, not {answer!r}")
        return Trace(tuple(content.items()))


class Space(Protocol):
    """All schedules that can be made by answering questions."""

    def build(self, chooser: Chooser) -> Schedule:
        """Ask `chooser` every question, in order, and return the schedule that the answers make.

        The same answers always make the same schedule; no key is asked twice in one walk.
        """
        ...


@dataclass(frozen=True)
class Proposal:
    """A schedule of a space and the answers that lead to it."""

    trace: Trace
    schedule: Schedule


def draw(space: Space, chooser: Chooser) -> Proposal:
    """The schedule that the answers of `chooser` make, with their record."""
    recorder = Recorder(chooser)
    schedule = space.build(recorder)
    return Proposal(recorder.trace, schedule)


def func_of(key: str) -> str:
    """The Func that a question is about: `blur_x` of `blur_x.1/unroll/x`. Crossover exchanges whole Funcs."""
    stage = key.split("/", 1)[0]
    head, dot, tail = stage.rpartition(".")
    return head if dot and tail.isdigit() else stage


def is_of_loops(key: str) -> bool:
    """Whether a question is about the loops of a stage, as `blur_x.1/unroll/x` is and `blur_x/place` isn't."""
    return func_of(key) != key.split("/", 1)[0]


def kind_of(key: str) -> str:
    """The kind of decision of a question: `unroll` of `blur_x.1/unroll/x`."""
    parts = key.split("/")
    return parts[1].rstrip("0123456789") if len(parts) > 1 else ""


class Recorder:
    """Passes questions on to another chooser and keeps the answers."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser = chooser
        self.answers: dict[str, Option] = {}

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if key in self.answers:
            raise ValueError(f"the space asks {key!r} twice")
        answer = options[0] if len(options) == 1 else self.chooser.choose(key, options, weights)
        if len(options) > 1:
            self.answers[key] = answer
        return answer

    @property
    def trace(self) -> Trace:
        return Trace(tuple(self.answers.items()))


class RandomChooser:
    """Draws every answer by its weight, raised to the power of `sharpness`: the more, the more often the likeliest."""

    def __init__(self, generator: random.Random, sharpness: float = 1.0) -> None:
        self.generator = generator
        self.sharpness = sharpness

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if weights is None:
            return options[int(self.generator.random() * len(options))]
        if self.sharpness != 1.0:
            weights = [weight**self.sharpness for weight in weights]
        cumulated = list(accumulate(weights))
        place = bisect_left(cumulated, self.generator.random() * cumulated[-1])
        return options[min(place, len(options) - 1)]


class Replay:
    """Answers from a trace; the nearest legal answer where the trace's own isn't legal; else asks another chooser."""

    def __init__(self, answers: Mapping[str, Option], otherwise: Chooser) -> None:
        self.answers = answers
        self.otherwise = otherwise
        self.exact = True
        """Whether every question so far was answered as the trace says."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        wanted = self.answers.get(key)
        if wanted is None:
            return self.otherwise.choose(key, options, weights)
        if wanted in options:
            return wanted
        self.exact = False
        near = nearest(wanted, options)
        return near if near is not None else self.otherwise.choose(key, options, weights)


class FirstChooser:
    """Always takes the likeliest answer, the first of equals: the space's default schedule."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if weights is None:
            return options[0]
        return options[max(range(len(options)), key=weights.__getitem__)]


def nearest(wanted: Option, options: Sequence[Option]) -> Option | None:
    """The option closest to `wanted` where both are numbers, else None."""
    numbers = [option for option in options if isinstance(option, int)]
    if not isinstance(wanted, int) or not numbers:
        return None
    return min(numbers, key=lambda option: abs(option - wanted))
