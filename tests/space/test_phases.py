"""Phases: outputs that may be stated to begin and end at multiples of what their coordinates are divided by."""

from __future__ import annotations

import halide as hl
import pytest

from autosearch.choices import FirstChooser, Recorder, Replay, draw
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.schedule.directives import AlignBounds
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.space.imitate import imitate
from autosearch.space.phases import periods_of
from tests.conftest import TARGET, snapshot_of, space_of
from tests.space.running import assert_right


def _bayer() -> hl.Func:
    """Rows of two kinds, made of a plane of half the height, three columns apart from where they are written."""
    raw = hl.ImageParam(hl.Float(32), 2, "raw")
    x, y = hl.Var("x"), hl.Var("y")
    rows, shifted, out = hl.Func("rows"), hl.Func("shifted"), hl.Func("out")
    rows[x, y] = hl.select(y % 2 == 0, raw[x, y / 2], raw[x, y / 2] * 3 + hl.f32(x % 3))
    shifted[x, y] = rows[x + 3, y] + 1
    out[x, y] = shifted[x, y] + raw[2 * x, 0]
    return out


def _asked(width: int, height: int) -> list[str]:
    snapshot = take(_bayer, TARGET, sizes=[(width, height)])
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
    recorder = Recorder(FirstChooser())
    space.build(recorder)
    return [key for key, _ in recorder.trace if "/phases/" in key]


def test_periods_come_from_what_is_read_at_ones_own_coordinates_or_beside() -> None:
    flow = take(_bayer, TARGET, sizes=[(48, 32)]).flow
    assert periods_of(flow) == {(name, arg): p for name in ("rows", "shifted", "out") for arg, p in (("x", 3), ("y", 2))}
    assert not periods_of(snapshot_of("blur").flow)


def test_it_is_asked_where_the_size_is_a_multiple() -> None:
    assert _asked(48, 32) == ["out/phases/x", "out/phases/y"]
    assert _asked(49, 32) == ["out/phases/y"]
    assert _asked(49, 33) == []


def test_where_the_output_may_be_of_any_size_it_is_not_asked() -> None:
    snapshot = snapshot_of("pyramid")
    free = {"out": frozenset({0})}
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine(), free=free)
    assert set(space.ground(Schedule()).phases["out"]) == {"y"}


@pytest.mark.parametrize("answer", ["aligned", "anywhere"])
def test_so_stated_the_output_is_right_and_the_space_holds_it(answer: str) -> None:
    answers = {"out/phases/x": answer, "out/phases/y": answer, "up/place": "out.0/y@outer"}
    schedule = draw(space_of("pyramid"), Replay(answers, FirstChooser())).schedule
    stated = [step.directive for step in schedule if isinstance(step.directive, AlignBounds)]
    assert stated == ([AlignBounds("x", 2), AlignBounds("y", 2)] if answer == "aligned" else [])
    assert_right("pyramid", schedule)
    assert imitate(space_of("pyramid"), schedule).exact
