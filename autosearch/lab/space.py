"""A recording as a space to search: its questions are those that were answered, their options those that were taken.

The answers of all points make a tree. A walk down from its root meets, at each node, the question asked there, with the
answers by which a recorded point can still be reached; so every walk ends at one. A sample is sparser than its space: after
some answers a single point is left, and what else could have been answered there isn't known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autosearch.choices import Chooser, Option
from autosearch.errors import LogError
from autosearch.lab.recording import Point, Recording
from autosearch.schedule.schedule import Schedule

Answers = tuple[tuple[str, Option], ...]


class RecordedSpace:
    """Implements `autosearch.choices.Space`. An answer weighs as many points as it leads to.

    Random draws are therefore uniform over the points, whether these are all of a space or a random sample.
    """

    def __init__(self, recording: Recording) -> None:
        """Raises `LogError` where the points can't be of one space: after the same answers, different questions."""
        self.recording = recording
        self._points = {point.schedule.digest: point for point in recording.points}
        answers = [point.trace.answers for point in recording.points]
        self._root = _tree(recording, answers)

    def build(self, chooser: Chooser) -> Schedule:
        """See `autosearch.choices.Space`."""
        node = self._root
        while isinstance(node, _Question):
            answer = chooser.choose(node.key, node.options, node.weights)
            node = node.below[node.options.index(answer)]
        return node

    def point(self, digest: str) -> Point:
        """The point whose schedule has this digest."""
        return self._points[digest]


class _Question:
    """A node of the tree at which more than one answer was given."""

    __slots__ = ("below", "key", "options", "weights")

    def __init__(self, key: str, counts: Mapping[Option, int]) -> None:
        self.key = key
        self.options = sorted(counts, key=lambda option: (isinstance(option, str), option))
        self.weights = [float(counts[option]) for option in self.options]
        self.below: list[_Question | Schedule] = []
        """As many as there are options."""


def _tree(recording: Recording, answers: Sequence[Answers]) -> _Question | Schedule:
    """The root. No recursion: a file may hold traces of any length."""
    root: list[_Question | Schedule] = []
    left = [(root, list(range(len(answers))), 0)]
    while left:
        parent, places, depth = left.pop()
        key, given, depth = _next_question(recording, answers, places, depth)
        if not given:
            parent.append(recording.points[places[0]].schedule)
            continue
        question = _Question(key, {option: len(there) for option, there in given.items()})
        parent.append(question)
        branches = [(question.below, given[option], depth + 1) for option in question.options]
        left += reversed(branches)  # the first option's branch is next, so that branches come in order
    return root[0]


def _next_question(
    recording: Recording, answers: Sequence[Answers], places: Sequence[int], depth: int
) -> tuple[str, dict[Option, list[int]], int]:
    """The first question from this depth on that these points answer differently, who answers how, and its depth.

    No answers where there is one point only. Raises `LogError` where the points are asked different questions.
    """
    while len(places) > 1:
        keys = {answers[place][depth][0] if depth < len(answers[place]) else None for place in places}
        key = next(iter(keys))
        if len(keys) > 1 or key is None:
            asked = " or ".join(sorted("nothing" if one is None else repr(one) for one in keys))
            raise LogError(
                f"the points of {recording.name!r} are not of one space: after the same answers, {asked} is asked; "
                "record them anew with one version of AutoSearch"
            )
        given: dict[Option, list[int]] = {}
        for place in places:
            given.setdefault(answers[place][depth][1], []).append(place)
        if len(given) > 1:
            return key, given, depth
        depth += 1
    return "", {}, depth
