"""A user's own space: a function that schedules Funcs as it would in Halide, with knobs in the place of numbers.

    def blur(t):
        rows = t.knob("rows", [8, 16, 32, 64])
        t["blur_y"].split("y", "y", "yi", rows).parallel("y").vectorize("x", t.knob("lanes", [8, 16]))
        if t.knob("slide", ["no", "yes"]) == "yes":
            t["blur_x"].store_at("blur_y", "y").compute_at("blur_y", "yi").vectorize("x", 8)
        else:
            t["blur_x"].compute_at("blur_y", "y").vectorize("x", 8)

    autosearch.tune(pipeline, template=blur)

It is asked through the same protocol as the rules, so that it is searched, logged and replayed like them. Funcs that it
doesn't mention are scheduled by the rules around it, or, after `t.alone()`, stay inlined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from autosearch.choices import Chooser, Option
from autosearch.errors import InfeasibleError, ScheduleError
from autosearch.pipeline.bounds import Regions, extents
from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.schedule.directives import DIRECTIVES
from autosearch.schedule.schedule import Schedule, Step, step_from_json

_MARKS = ("vectorize", "unroll", "parallel")
_LISTS = ("reorder", "reorder_storage")
_LEVELS = ("compute_at", "store_at", "hoist_storage")


class Template:
    """What a template's function is given: the knobs, and the Funcs to schedule."""

    def __init__(self, chooser: Chooser, algorithm: Algorithm, regions: Regions) -> None:
        self._chooser = chooser
        self._algorithm = algorithm
        self._regions = regions
        self.steps: list[Step] = []
        self.mentioned: set[str] = set()
        """Funcs that are scheduled by it."""

    def knob(self, name: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Any:
        """One of `options`, words or whole numbers; which ones there are may depend on knobs asked for before.

        `weights` say how often each is worth a try. Knobs of one Func are best called `FUNC/NAME`: a search exchanges them
        together. Raises `ScheduleError` for options that make no sense.
        """
        if not options or len(set(options)) != len(options) or not all(type(one) in (int, str) for one in options):
            raise ScheduleError(
                f"knob {name!r} needs different options, words or whole numbers, but has {list(options)}"
            )
        if weights is not None and (len(weights) != len(options) or min(weights) <= 0):
            raise ScheduleError(f"knob {name!r} needs as many weights as options, all positive")
        order = sorted(range(len(options)), key=lambda place: (isinstance(options[place], str), options[place]))
        ordered = order if all(isinstance(one, int) for one in options) else range(len(options))
        chances = None if weights is None else [weights[place] for place in ordered]
        return self._chooser.choose(_key(name), [options[place] for place in ordered], chances)

    def factor(self, name: str, extent: int, least: int = 1, most: int | None = None) -> int:
        """A knob for the factor of a split of a loop that runs `extent` iterations: what divides it, and powers of two."""
        limit = min(extent, most if most is not None else extent)
        found = [n for n in range(least, limit + 1) if extent % n == 0 or n & (n - 1) == 0]
        if not found:
            raise InfeasibleError(f"knob {name!r}: no factor from {least} to {limit} suits {extent} iterations")
        answer: int = self.knob(name, found)
        return answer

    def require(self, condition: bool, why: str = "") -> None:
        """Give this combination of knobs up where a condition doesn't hold: it is not measured, nor counted."""
        if not condition:
            raise InfeasibleError(why or "a condition of the template does not hold")

    def extents(self, func: str) -> dict[str, int]:
        """How much of a Func is needed at the sizes tuned for: the extent of each of its variables."""
        one = self._func(func)
        return dict(zip(one.args, extents(self._regions.funcs[func]), strict=True))

    def alone(self) -> None:
        """Leave all Funcs that the template doesn't mention as they are, instead of to the rules."""
        self.mentioned |= set(self._algorithm.by_name)

    def __getitem__(self, func: str) -> Stage:
        """A Func to schedule; to mention it is to take it from the rules."""
        self._func(func)
        self.mentioned.add(func)
        return Stage(self, StageKey(func))

    def _func(self, name: str) -> Any:
        if name not in self._algorithm.by_name:
            known = ", ".join(self._algorithm.by_name)
            raise ScheduleError(f"the template mentions Func {name!r}, but the pipeline's are {known}")
        return self._algorithm.by_name[name]

    def add(self, stage: StageKey, method: str, arguments: Sequence[Any]) -> None:
        """One directive, checked. Raises `ScheduleError`."""
        given = [self._plain(stage, one) for one in arguments]
        if method in _MARKS and len(given) > 1:
            loop, factor, *tail = given
            inner = f"{loop}_{method[0]}"
            self.add(stage, "split", [loop, loop, inner, factor, *tail])
            given = [loop if method == "parallel" else inner]
        if method in _LISTS or method in _LEVELS:
            given = [given]
        elif method == "split" and len(given) == 4:
            given.append("Auto")
        elif method in ("atomic", "align_bounds") and len(given) in (0, 2):
            given.append(False if method == "atomic" else 0)
        self.steps.append(step_from_json([str(stage), method, *given]))

    def _plain(self, stage: StageKey, argument: Any) -> Any:
        """An argument as schedules hold it: enum values by name, reduction variables as in `k.x` or, of one dimension, `k`."""
        value = getattr(argument, "value", argument) if not isinstance(argument, (str, int)) else argument
        if not isinstance(value, str):
            return value
        own = self._algorithm.stage(stage)
        reductions = {one.name for one in own.rvars}
        for name in (value.replace(".", ""), f"{value}x"):
            if value not in own.pure_vars and name in reductions:
                return name
        return value


class Stage:
    """One stage of a Func: its methods are Halide's, with names in the place of Funcs and variables."""

    def __init__(self, template: Template, key: StageKey) -> None:
        self._template = template
        self._key = key

    def update(self, number: int = 0) -> Stage:
        """An update definition."""
        if number + 1 >= len(self._template._func(self._key.func).stages):
            raise ScheduleError(f"the template schedules update {number} of {self._key.func}, which has no such update")
        return Stage(self._template, StageKey(self._key.func, number + 1))

    def inline(self) -> Stage:
        """Leave the Func as it is: computed wherever it is used."""
        return self

    def __getattr__(self, method: str) -> Callable[..., Stage]:
        if method.startswith("_") or method not in DIRECTIVES:
            raise AttributeError(f"there is no directive {method!r}; there are {', '.join(sorted(DIRECTIVES))}")

        def call(*arguments: Any) -> Stage:
            self._template.add(self._key, method, arguments)
            return self

        return call


def run_template(
    function: Callable[[Template], object], chooser: Chooser, algorithm: Algorithm, regions: Regions
) -> Mapping[str, Schedule]:
    """The part of each Func that a template mentions.

    Raises `InfeasibleError`, `ScheduleError`, or what the function raises.
    """
    template = Template(chooser, algorithm, regions)
    function(template)
    parts: dict[str, list[Step]] = {name: [] for name in template.mentioned}
    for step in template.steps:
        parts[step.stage.func].append(step)
    return {name: Schedule(tuple(steps)) for name, steps in parts.items()}


def _key(name: str) -> str:
    """The question's key: its first part is what a search exchanges as a whole."""
    return name if "/" in name else f"{name}/knob"
