"""A schedule: an immutable list of directives, each for one stage. Data that can be hashed, compared, stored, printed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache, cached_property
from itertools import groupby
from operator import attrgetter
from typing import Any, get_args, get_origin, get_type_hints

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import DIRECTIVES, STRUCTURAL, At, Directive

_STRUCTURAL = frozenset(STRUCTURAL)
_STAGE, _DIRECTIVE = attrgetter("stage"), attrgetter("directive")
_UPDATE = re.compile(r"^(.+)\.update\((\d+)\)$")


@dataclass(frozen=True)
class Step:
    """One directive and the stage that it is for."""

    stage: StageKey
    directive: Directive


@dataclass(frozen=True)
class Schedule:
    """Directives in the order in which they are applied. The empty schedule is Halide's default."""

    steps: tuple[Step, ...] = ()

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    @cached_property
    def by_stage(self) -> dict[StageKey, tuple[Directive, ...]]:
        """The directives of each stage that has any, in order."""
        grouped: dict[StageKey, tuple[Directive, ...]] = {}
        for stage, steps in groupby(self.steps, _STAGE):  # mostly those of a stage follow one another
            run = tuple(map(_DIRECTIVE, steps))
            grouped[stage] = grouped[stage] + run if stage in grouped else run
        return grouped

    def of(self, stage: StageKey) -> tuple[Directive, ...]:
        """The directives of one stage."""
        return self.by_stage.get(stage, ())

    @cached_property
    def structure(self) -> Schedule:
        """The part that changes which Funcs there are: up to the last `rfactor`, `clone_in` or `in_`."""
        if _STRUCTURAL.isdisjoint(map(type, map(_DIRECTIVE, self.steps))):
            return _EMPTY
        last = max(place for place, step in enumerate(self.steps) if type(step.directive) in _STRUCTURAL)
        return Schedule(self.steps[: last + 1])

    @cached_property
    def rest(self) -> Schedule:
        """The part after `structure`, for the Funcs that there are then."""
        return Schedule(self.steps[len(self.structure) :]) if self.structure.steps else self

    @cached_property
    def digest(self) -> str:
        """A short hash of the content: equal schedules have equal digests, in any process."""
        text = json.dumps(self.to_json(), separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def to_json(self) -> list[list[Any]]:
        """As plain lists: `["blur_x", "split", "x", "xo", "xi", 8, "GuardWithIf"]`."""
        return [[str(step.stage), step.directive.method, *_encode(step.directive)] for step in self.steps]

    @staticmethod
    def from_json(content: Any) -> Schedule:
        """The inverse of `to_json`. Raises `ScheduleError` on anything malformed."""
        if not isinstance(content, list):
            raise ScheduleError("a schedule must be a JSON list of directives")
        return Schedule(tuple(step_from_json(entry) for entry in content))

    @staticmethod
    def of_steps(steps: Sequence[tuple[StageKey, Directive]]) -> Schedule:
        """From pairs of stage and directive."""
        return Schedule(tuple(Step(stage, directive) for stage, directive in steps))

    def __str__(self) -> str:
        from autosearch.schedule.source import plain_text

        return plain_text(self)


_EMPTY = Schedule()


def parse_stage(text: str) -> StageKey:
    """The stage that `blur_x` or `prod.update(0)` names. Raises `ScheduleError`."""
    update = _UPDATE.match(text)
    if update:
        return StageKey(update[1], int(update[2]) + 1)
    if not text:
        raise ScheduleError("a directive names no stage")
    return StageKey(text)


def _encode(directive: Directive) -> list[Any]:
    return [_plain(getattr(directive, f.name)) for f in fields(directive)]


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, At):
        return [value.func, value.var]
    return list(value) if isinstance(value, tuple) else value


@cache
def _field_types(cls: Any) -> tuple[tuple[str, Any], ...]:
    hints = get_type_hints(cls)
    return tuple((f.name, hints[f.name]) for f in fields(cls))


def step_from_json(entry: Any) -> Step:
    """The step that `["blur_x", "vectorize", "xi"]` stands for. Raises `ScheduleError` on anything malformed."""
    if not isinstance(entry, list) or len(entry) < 2 or not all(isinstance(part, str) for part in entry[:2]):
        raise ScheduleError(f"not a directive: {_shorten(entry)}")
    cls = DIRECTIVES.get(entry[1])
    if cls is None:
        raise ScheduleError(f"unknown directive {_shorten(entry[1])}; known ones are {', '.join(sorted(DIRECTIVES))}")
    types: tuple[tuple[str, Any], ...] = _field_types(cls)
    values = entry[2:]
    if len(values) != len(types):
        raise ScheduleError(f"{entry[1]} takes {len(types)} values, but {len(values)} were given: {_shorten(entry)}")
    decoded = {name: _decode_value(kind, value, entry) for (name, kind), value in zip(types, values, strict=True)}
    return Step(parse_stage(entry[0]), cls(**decoded))


def _decode_value(kind: Any, value: Any, entry: Any) -> Any:
    if kind is bool or kind is int:
        if isinstance(value, kind) and isinstance(value, bool) == (kind is bool) and abs(value) < 2**31:
            return value
    elif kind is str:
        if isinstance(value, str) and value:
            return value
    elif kind is At:
        if isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) and part for part in value):
            return At(value[0], value[1])
    elif get_origin(kind) is tuple and get_args(kind)[0] is str:
        if isinstance(value, list) and all(isinstance(part, str) and part for part in value):
            return tuple(value)
    elif get_origin(kind) is tuple:
        if isinstance(value, list) and all(type(part) is int and abs(part) < 2**31 for part in value):
            return tuple(value)
    elif isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError:
            pass
    raise ScheduleError(f"{_shorten(value)} is not a valid value in the directive {_shorten(entry)}")


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 120 else text[:117] + "..."
