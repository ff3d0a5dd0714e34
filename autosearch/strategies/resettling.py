"""What may follow a Func that is given other loops: what it reads, and clones made for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autosearch.choices import ROOT, Option, RandomChooser, Replay, Trace, func_of, is_of_loops, kind_of

RESETTLED = 0.5
"""Share of Funcs that are placed anew where another, which had no loops before, now offers its own."""
CLONE = "clone"


class Resettling(Replay):
    """Answers as a trace does; but what may be computed in loops that come only with the change is placed anew now and then.

    Where a Func that was inlined is computed by itself, what it reads is often best computed in its loops.
    """

    def __init__(
        self, before: Trace, answers: Mapping[str, Option], changed: str, otherwise: RandomChooser, opposed: str = ""
    ) -> None:
        """`changed`: the question that is answered otherwise than before; `opposed`: one that is answered by whatever
        `answers` don't say."""
        super().__init__(answers, otherwise)
        self._changed = changed
        self._opposed = opposed
        self._before = before
        self._random = otherwise.generator
        self._had_loops = {func_of(key) for key, _ in before if is_of_loops(key)}
        self._near = {func_of(changed)}
        """The Func that was changed, and what may be computed in loops that come with that."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if key == self._opposed:
            return next(option for option in options if option != self.answers.get(key))
        if key != self._changed and kind_of(key) == "place":
            levels = (option for option in options if isinstance(option, str) and "/" in option)
            if any(func_of(level) not in self._had_loops for level in levels):
                self._near.add(func_of(key))
                if self._random.random() < RESETTLED:
                    return self.otherwise.choose(key, options, weights)
                if key not in self.answers and func_of(key) in self._had_loops and ROOT in options:
                    return ROOT  # nobody asked: there was no other place
        return super().choose(key, options, weights)

    @property
    def clones(self) -> list[str]:
        """The questions for clones that would be read near what was changed."""
        return [key for key, _ in self._before if kind_of(key) == CLONE and key.rsplit("/", 1)[1] in self._near]
