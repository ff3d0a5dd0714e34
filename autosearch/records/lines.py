"""One line of a log, read quickly: logs hold the same directives and answers over and over, each is parsed once.

In a line as `Log` writes it the texts of the identity, the directives and the answers can be told apart without parsing
them: no string in JSON holds a bare quote. What reads otherwise, or is damaged, is read as any JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import orjson

from autosearch.choices import Option, Trace
from autosearch.errors import AutoSearchError, LogError
from autosearch.records.identity import Identity
from autosearch.records.record import Record, TrialRecord, from_json, trial_from_json
from autosearch.schedule.schedule import Schedule, Step, step_from_json

_SCHEDULE, _TRACE, _TIMES = b',"schedule":[["', b']],"trace":{"', b'},"times":'
"""What lies between a line's head, which says what was measured where, its directives, its answers and the rest."""
_BETWEEN_STEPS, _BETWEEN_ANSWERS = b'],["', b',"'
_MOST = 1 << 17
"""Texts that are remembered, of directives and of answers each."""

Parsed = TypeVar("Parsed")


class LineReader:
    """Reads the lines of one log, or of several."""

    def __init__(self) -> None:
        self._heads = _Remembered(_head)
        self._steps = _Remembered(_step)
        self._answers = _Remembered(_answer)

    def read(self, line: bytes) -> Record:
        """The record in a line. Raises `LogError` with what is wrong."""
        try:
            record = self._quickly(line)
        except (ValueError, TypeError, KeyError, AutoSearchError):
            record = None  # read slowly it tells what is wrong, if anything
        if record is not None:
            return record
        try:
            content = orjson.loads(line)
        except ValueError as error:
            raise LogError(f"not JSON ({error})") from None
        return from_json(content)

    def _quickly(self, line: bytes) -> TrialRecord | None:
        steps = line.find(_SCHEDULE)
        answers = line.find(_TRACE, steps)
        tail = line.find(_TIMES, answers)
        if min(steps, answers, tail) < 0:
            return None
        circumstances, identity = self._heads[line[:steps]]
        content: dict[str, Any] = orjson.loads(b'{"times":' + line[tail + len(_TIMES) :])
        if not content.keys().isdisjoint(circumstances):
            return None
        content.update(circumstances)
        directives = line[steps + len(_SCHEDULE) : answers].split(_BETWEEN_STEPS)
        answered = line[answers + len(_TRACE) : tail].split(_BETWEEN_ANSWERS)
        schedule = Schedule(tuple(map(self._steps.__getitem__, directives)))
        trace = Trace(tuple(map(self._answers.__getitem__, answered)))
        return trial_from_json(content, identity, schedule, trace)


class _Remembered(dict[bytes, Parsed], Generic[Parsed]):
    """What texts stand for."""

    def __init__(self, parse: Callable[[bytes], Parsed]) -> None:
        super().__init__()
        self.parse = parse

    def __missing__(self, text: bytes) -> Parsed:
        parsed = self.parse(text)
        if len(self) < _MOST:
            self[text] = parsed
        return parsed


def _head(text: bytes) -> tuple[dict[str, Any], Identity]:
    content: dict[str, Any] = orjson.loads(text + b"}")
    return content, Identity.from_json(content["identity"])


def _step(text: bytes) -> Step:
    return step_from_json(orjson.loads(b'["' + text + b"]"))


def _answer(text: bytes) -> tuple[str, Option]:
    content: dict[str, Any] = orjson.loads(b'{"' + text + b"}")
    (answer,) = Trace.from_json(content).answers
    return answer
