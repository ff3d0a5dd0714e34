"""Templates: knobs are questions like any other, directives are Halide's, and what doesn't fit is told."""

from __future__ import annotations

import random
from collections.abc import Callable

import halide as hl
import pytest

from autosearch.choices import FirstChooser, RandomChooser, Replay, draw
from autosearch.errors import ArgumentError, ScheduleError
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.space.template import Template
from autosearch.spaces import kept_schedules, make_space, part_of
from tests.conftest import TARGET, snapshot_of
from tests.samples import blur
from tests.schedule.oracle import lower, scheduled


def _blur(t: Template) -> None:
    rows = t.knob("rows", [32, 8, 16])
    t["blur_y"].split("y", "y", "yi", rows).parallel("y").vectorize("x", t.knob("blur_y/lanes", [8, 16]))
    if t.knob("blur_x/slide", ["no", "yes"]) == "yes":
        t["blur_x"].store_at("blur_y", "y").compute_at("blur_y", "yi").vectorize("x", 8)
    else:
        t["blur_x"].compute_at("blur_y", "y").unroll("y", t.factor("blur_x/copies", 4))


def _space(name: str, function: Callable[[Template], object]) -> CpuSpace:
    return make_space(snapshot_of(name), Machine(), template=function)


def test_the_knobs_are_its_questions_and_the_directives_its_schedule() -> None:
    space = _space("blur", _blur)
    proposal = draw(space, FirstChooser())
    asked = {"rows/knob": 8, "blur_y/lanes": 8, "blur_x/slide": "no", "blur_x/copies": 1}
    assert asked.items() <= proposal.trace.to_json().items()
    assert str(proposal.schedule) == (
        "blur_y.parallel(y, 8).vectorize(x, 8)\nblur_x.compute_at(blur_y, y).unroll(y, 1)"
    )
    again = space.build(Replay(proposal.trace.by_key, FirstChooser()))
    assert again == proposal.schedule


@pytest.mark.parametrize("seed", range(6))
def test_halide_takes_what_it_makes(seed: int) -> None:
    lower(scheduled(snapshot_of("blur"), draw(_space("blur", _blur), RandomChooser(random.Random(seed))).schedule))


@pytest.mark.parametrize("seed", range(6))
def test_the_rules_schedule_the_rest_around_it(seed: int) -> None:
    def smooth(t: Template) -> None:
        t["out"].split("y", "y", "yi", t.knob("out/rows", [8, 16])).parallel("y")

    proposal = draw(_space("sharpen", smooth), RandomChooser(random.Random(seed)))
    assert part_of(proposal.schedule, "out").to_json()[1] == ["out", "parallel", "y"]
    assert "smooth/place" in proposal.trace.by_key and "out.0/vector" not in proposal.trace.by_key
    lower(scheduled(snapshot_of("sharpen"), proposal.schedule))


def test_alone_it_leaves_the_rest_as_it_is() -> None:
    def only(t: Template) -> None:
        t["out"].parallel("y")
        t.alone()

    assert draw(_space("sharpen", only), FirstChooser()).schedule.to_json() == [["out", "parallel", "y"]]


def test_no_style_is_asked_for_where_nothing_is_left_to_the_rules() -> None:
    """It would be a question without an effect: every schedule would be there five times."""

    def alone(t: Template) -> None:
        _blur(t)
        t.alone()

    assert "style" in draw(_space("blur", _blur), FirstChooser()).trace.by_key  # the input's Func is left
    assert "style" not in draw(_space("blur", alone), FirstChooser()).trace.by_key


def test_updates_and_reduction_variables_go_by_the_names_of_the_algorithm() -> None:
    def product(t: Template) -> None:
        t["product"].compute_root().vectorize("x", 8)
        t["product"].update().split("k", "ko", "ki", 8).reorder("x", "ki", "y", "ko").atomic().parallel("y")
        t["out"].vectorize("x", 8)

    schedule = draw(_space("matmul", product), FirstChooser()).schedule
    assert ["product.update(0)", "split", "kx", "ko", "ki", 8, "Auto"] in schedule.to_json()
    lower(scheduled(snapshot_of("matmul"), schedule))


def test_knobs_may_depend_on_one_another_and_combinations_be_ruled_out() -> None:
    def nested(t: Template) -> None:
        tile = t.knob("tile", [8, 16, 32])
        inner = t.knob("inner", [n for n in (2, 4, 8, 16) if n < tile])
        t.require(tile * inner <= 64, "too large")
        t["blur_y"].split("x", "x", "xi", tile).split("xi", "xi", "xii", inner)
        t["blur_x"].inline()

    space = _space("blur", nested)
    made = set()
    for seed in range(60):
        try:
            answers = draw(space, RandomChooser(random.Random(seed))).trace.by_key
            made.add((answers["tile/knob"], answers["inner/knob"]))
        except ScheduleError as error:
            assert str(error) == "too large"
    assert made == {(8, 2), (8, 4), (16, 2), (16, 4), (32, 2)}


def _mistake(*lines: Callable[[Template], object]) -> Callable[[Template], None]:
    def template(t: Template) -> None:
        for line in lines:
            line(t)

    return template


MISTAKES = {
    "no such Func": (lambda t: t["blur_z"], "mentions Func 'blur_z', but the pipeline's are"),
    "no such loop": (lambda t: t["blur_y"].vectorize("xi"), "blur_y has no loop 'xi'"),
    "no such level": (
        lambda t: [t["blur_y"].parallel("y"), t["blur_x"].compute_at("blur_y", "yi")],
        r"can't be computed or stored at \(blur_y, yi\)",
    ),
    "no such update": (lambda t: t["blur_x"].update(), "schedules update 0 of blur_x, which has no such update"),
    "no such tail": (lambda t: t["blur_y"].split("x", "x", "xi", 8, "Never"), "'Never' is not a valid value"),
    "no options": (lambda t: t.knob("tile", []), "knob 'tile' needs different options"),
    "options twice": (lambda t: t.knob("tile", [8, 8]), "knob 'tile' needs different options"),
    "options that are no answers": (lambda t: t.knob("tile", [0.5]), "knob 'tile' needs different options"),
    "weights": (lambda t: t.knob("tile", [1, 2], [1.0]), "as many weights as options"),
    "a knob asked twice": (lambda t: [t.knob("tile", [1, 2]), t.knob("tile", [1, 2])], "asks 'tile/knob' twice"),
    "an error of its own": (lambda t: 1 / 0, "the template template failed: ZeroDivisionError: division by zero"),
    "no such directive": (lambda t: t["blur_y"].dance(), "there is no directive 'dance'; there are align_bounds,"),
    "never": (lambda t: t.require(False, "nothing goes"), "makes no schedule for this pipeline: nothing goes"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_before_anything_is_measured(mistake: str) -> None:
    line, says = MISTAKES[mistake]
    with pytest.raises((ScheduleError, ArgumentError), match=says):
        draw(_space("blur", _mistake(line)), FirstChooser())


# Keeping what is scheduled ------------------------------------------------------------------------------------------


def _given() -> Snapshot:
    out = blur()
    y, yi = hl.Var("y"), hl.Var("yi")
    out.split(y, y, yi, 16).parallel(y)
    return take(out, TARGET)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_stays_as_it_is(seed: int) -> None:
    snapshot = _given()
    kept = kept_schedules(snapshot, "scheduled")
    assert list(kept) == ["blur_y"] and len(kept["blur_y"]) == 2
    proposal = draw(make_space(snapshot, Machine(), kept), RandomChooser(random.Random(seed)))
    assert part_of(proposal.schedule, "blur_y") == kept["blur_y"]
    lower(scheduled(snapshot, proposal.schedule))


def test_the_rest_is_searched() -> None:
    snapshot = _given()
    space = make_space(snapshot, Machine(), kept_schedules(snapshot, ["blur_y"]))
    made = {draw(space, RandomChooser(random.Random(seed))).schedule for seed in range(30)}
    assert len({part_of(one, "blur_x") for one in made}) > 8
    assert not any("rfactor" in str(one) for one in made)


def test_what_can_not_be_kept() -> None:
    with pytest.raises(ArgumentError, match="carries a schedule, and this one carries none"):
        kept_schedules(snapshot_of("blur"), "scheduled")
    with pytest.raises(ArgumentError, match="names Func 'blur', but the pipeline's are image_im, blur_x, blur_y"):
        kept_schedules(_given(), ["blur"])
    out = blur()
    y, yi = hl.Var("y"), hl.Var("yi")
    out.split(y, y, yi, 16)
    rows = hl.Pipeline([out]).get_func(1)
    rows.compute_at(out, y)
    snapshot = take(out, TARGET)
    with pytest.raises(ArgumentError, match="blur_x is computed or stored at a loop of blur_y: keep that one too"):
        kept_schedules(snapshot, ["blur_x"])
    assert kept_schedules(snapshot, ["blur_x", "blur_y"]).keys() == {"blur_x", "blur_y"}
    with pytest.raises(ArgumentError, match="exclude each other"):
        make_space(snapshot, Machine(), {"blur_x": Schedule()}, _blur)
