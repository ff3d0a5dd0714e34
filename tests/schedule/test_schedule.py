"""Schedules as data: equality, digests, JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from enum import Enum
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.errors import ScheduleError
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import DIRECTIVES, At, Directive, Parallel, Split
from autosearch.schedule.schedule import Schedule, Step, parse_stage
from tests.conftest import random_proposal
from tests.schedule.examples import EXAMPLES

NAMES = st.text(min_size=1, max_size=6)
NUMBERS = st.integers(-(2**31) + 1, 2**31 - 1)


def _values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a directive's field."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    known = {str: NAMES, int: NUMBERS, bool: st.booleans(), At: st.builds(At, NAMES, NAMES)}
    several = NUMBERS if get_args(kind)[:1] == (int,) else NAMES
    return known.get(kind, st.lists(several, max_size=3).map(tuple))


def _directives(cls: type[Directive]) -> st.SearchStrategy[Directive]:
    hints = get_type_hints(cls)
    return st.builds(cls, **{f.name: _values(hints[f.name]) for f in fields(cls)})


STAGES = st.builds(StageKey, st.from_regex(r"[a-z_]\w{0,5}", fullmatch=True), st.integers(0, 3))
STEPS = st.one_of([_directives(cls) for cls in DIRECTIVES.values()])
SCHEDULES = st.lists(st.builds(Step, STAGES, STEPS), max_size=6).map(lambda steps: Schedule(tuple(steps)))


@settings(max_examples=100, deadline=None)
@given(SCHEDULES)
def test_a_schedule_survives_json(schedule: Schedule) -> None:
    again = Schedule.from_json(json.loads(json.dumps(schedule.to_json())))
    assert again == schedule and hash(again) == hash(schedule)
    assert again.digest == schedule.digest


@settings(max_examples=50, deadline=None)
@given(SCHEDULES, SCHEDULES)
def test_digests_tell_schedules_apart(one: Schedule, other: Schedule) -> None:
    assert (one.digest == other.digest) == (one == other)


def test_digests_are_the_same_in_every_process() -> None:
    schedule = random_proposal("sharpen", 1).schedule
    script = (
        "import json, sys; from autosearch.schedule.schedule import Schedule;"
        "print(Schedule.from_json(json.load(sys.stdin)).digest)"
    )
    text = json.dumps(schedule.to_json())
    other = subprocess.run([sys.executable, "-c", script], input=text, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == schedule.digest


@settings(max_examples=50, deadline=None)
@given(SCHEDULES)
def test_steps_are_grouped_by_stage_in_order(schedule: Schedule) -> None:
    grouped = [(stage, d) for stage, directives in schedule.by_stage.items() for d in directives]
    assert sorted(map(repr, grouped)) == sorted(repr((step.stage, step.directive)) for step in schedule)
    for stage in schedule.by_stage:
        assert schedule.of(stage) == tuple(step.directive for step in schedule if step.stage == stage)
    assert schedule.of(StageKey("no such Func")) == ()


def test_examples_hold_every_directive() -> None:
    assert EXAMPLES.keys() == DIRECTIVES.keys()
    for method, (_, content) in EXAMPLES.items():
        schedule = Schedule.from_json(content)
        assert schedule.to_json() == content
        assert any(step.directive.method == method for step in schedule)


def test_the_form_in_json() -> None:
    steps = [(StageKey("f"), Split("x", "xo", "xi", 8)), (StageKey("f", 2), Parallel("xo"))]
    schedule = Schedule.of_steps(steps)
    assert schedule.to_json() == [["f", "split", "x", "xo", "xi", 8, "Auto"], ["f.update(1)", "parallel", "xo"]]
    assert len(schedule) == 2 and len(Schedule()) == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"f": "parallel"}, "must be a JSON list"),
        ([["f"]], "not a directive"),
        (["f.parallel(y)"], "not a directive"),
        ([["f", "paralel", "y"]], "unknown directive 'paralel'; known ones are align_bounds"),
        ([["f", "parallel"]], "takes 1 values, but 0 were given"),
        ([["f", "parallel", ""]], "'' is not a valid value"),
        ([["f", "parallel", 3]], "3 is not a valid value"),
        ([["f", "split", "x", "xo", "xi", "8", "Auto"]], "'8' is not a valid value"),
        ([["f", "split", "x", "xo", "xi", True, "Auto"]], "True is not a valid value"),
        ([["f", "split", "x", "xo", "xi", 2**40, "Auto"]], "is not a valid value"),
        ([["f", "split", "x", "xo", "xi", 8, "Sideways"]], "'Sideways' is not a valid value"),
        ([["f", "compute_at", ["g"]]], "is not a valid value"),
        ([["f", "reorder", "xy"]], "'xy' is not a valid value"),
        ([["f", "atomic", 1]], "1 is not a valid value"),
        ([["", "parallel", "y"]], "names no stage"),
    ],
)
def test_malformed_schedules_are_refused(content: object, says: str) -> None:
    with pytest.raises(ScheduleError, match=says):
        Schedule.from_json(content)


@settings(max_examples=50, deadline=None)
@given(STAGES)
def test_stages_have_readable_names(stage: StageKey) -> None:
    assert parse_stage(str(stage)) == stage
