"""Where a Func may be computed and stored: where Halide lets it, and where storing further out pays."""

from __future__ import annotations

import math
from typing import Any

import halide as hl
import numpy as np
import pytest

from autosearch.choices import INLINING, STYLE, FirstChooser, Option, Recorder, Replay, draw
from autosearch.machine import Machine
from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.snapshot import take
from autosearch.schedule.apply import apply
from autosearch.schedule.directives import Split, StoreRoot, Tail
from autosearch.schedule.nest import ROOT, LoopNest, Position, build_nest
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from autosearch.space.cpu import CpuSpace
from autosearch.space.ground import Effort
from autosearch.space.placement import (
    FuncFacts,
    Reader,
    choose_placement,
    computable_levels,
    label_of,
    moved_dimensions,
    storable_levels,
)
from autosearch.space.style import Inlining, Style
from tests.conftest import TARGET, random_proposal, snapshot_of, space_of
from tests.schedule.oracle import lower, scheduled
from tests.space.asking import Weighing, likeliest, weights_of
from tests.space.running import assert_right


def _name(nest: LoopNest, position: Position | None) -> str:
    return "root" if position is None else nest.level(position).name


def _halide_accepts(sample: str, content: list[list[Any]]) -> bool:
    try:
        lower(scheduled(snapshot_of(sample), Schedule.from_json(content)))
    except hl.HalideError:
        return False
    return True


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("sample", "name"), [("blur", "blur_x"), ("sharpen", "gray"), ("matmul", "product")])
def test_computable_levels_are_those_that_halide_accepts(sample: str, name: str, seed: int) -> None:
    funcs = [func.name for func in snapshot_of(sample).algorithm.funcs]
    consumers = funcs[funcs.index(name) + 1 :]
    steps = [step for step in random_proposal(sample, seed).schedule.to_json() if step[0].split(".")[0] in consumers]
    nest = space_of(sample).nest(Schedule.from_json(steps))
    levels = {(p.stage.func, nest.level(p).name) for p in computable_levels(nest, name)}
    for key in nest.uses(name):
        loops = nest.stages[key].loops
        for loop, kind in zip(loops.loop_names, loops.kinds, strict=True):
            # Halide also allows it within a vectorized loop, where each lane would compute its own: never useful.
            if kind != "vectorized":
                accepted = _halide_accepts(sample, [*steps, [name, "compute_at", [key.func, loop]]])
                offered = (key.func, loop) in levels
                assert accepted == offered or (accepted and nest.sliding_consumers(name))


def _blur_nest(steps: list[list[Any]], place: list[list[Any]]) -> tuple[LoopNest, Position]:
    nest = space_of("blur").nest(Schedule.from_json([*steps, *place]))
    compute = nest.placements["blur_x"].compute
    assert compute is not None
    return nest, compute


AT_ROWS = [["blur_x", "compute_at", ["blur_y", "y"]]]
AT_COLUMNS = [["blur_x", "compute_at", ["blur_y", "x"]]]
STRIPS: list[list[Any]] = [["blur_y", "split", "y", "yo", "yi", 8, "GuardWithIf"]]


@pytest.mark.parametrize(
    ("steps", "place", "stores"),
    [
        ([], AT_ROWS, ["root"]),
        ([["blur_y", "parallel", "y"]], AT_ROWS, []),
        (STRIPS, [["blur_x", "compute_at", ["blur_y", "yi"]]], ["yo"]),
        ([*STRIPS, ["blur_y", "parallel", "yo"]], [["blur_x", "compute_at", ["blur_y", "yi"]]], ["yo"]),
        (STRIPS, [["blur_x", "compute_at", ["blur_y", "yo"]]], ["root"]),
        ([], AT_COLUMNS, ["root"]),  # past x, in which neighbours share nothing, along y
        ([["blur_y", "reorder", ["y", "x"]]], AT_ROWS, ["x"]),
    ],
)
def test_storage_goes_outside_of_the_first_loop_that_shares(
    steps: list[list[Any]], place: list[list[Any]], stores: list[str]
) -> None:
    nest, compute = _blur_nest(steps, place)
    found = storable_levels(nest, "blur_x", compute)
    assert [_name(nest, position) for position in found] == stores
    for position in found:
        assert nest.sliding_between("blur_x", compute, position) < 1


CHAIN: list[list[Any]] = [
    ["out", "split", "y", "yo", "yi", 8, "GuardWithIf"],
    ["smooth", "compute_at", ["out", "x"]],
    ["smooth", "store_at", ["out", "yo"]],
]


def _chain() -> LoopNest:
    """Three stencils in a row; the second slides down strips of the third."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    gray, smooth, out = hl.Func("gray"), hl.Func("smooth"), hl.Func("out")
    gray[x, y] = image[x, y] + image[x, y + 1]
    smooth[x, y] = gray[x, y] + gray[x, y + 1]
    out[x, y] = smooth[x, y] + smooth[x, y + 1]
    out.set_estimates([(0, 32), (0, 32)])
    snapshot = take(out, hl.get_host_target())
    return build_nest(snapshot.flow, snapshot.regions, Schedule.from_json(CHAIN))


def test_nothing_is_computed_on_the_way_of_a_consumer_that_slides() -> None:
    """Its loop starts earlier than its consumers need: Halide would compute a producer there beyond the input."""
    nest = _chain()
    assert {placement.store != placement.compute for placement in nest.sliding_consumers("gray")} == {True}
    assert [_name(nest, position) for position in computable_levels(nest, "gray")][:3] == ["yo", "x", "y"]


def test_nothing_is_computed_where_a_consumer_slides_and_another_reads_beside_it() -> None:
    """Halide starts that loop earlier to fill the one, and would compute what the other reads then, before the input."""
    steps = [["smooth", "compute_at", ["out", "y"]], ["smooth", "store_at", ["out", "yo"]]]
    strips = [["out", "split", "y", "yo", "y", 8, "ShiftInwards"], ["out", "reorder", ["x", "c", "y", "yo"]]]
    nest = space_of("sharpen").nest(Schedule.from_json([*strips, *steps]))
    assert nest.placements["smooth"].store != nest.placements["smooth"].compute
    assert [_name(nest, position) for position in computable_levels(nest, "image_im")] == ["yo"]
    nest = space_of("sharpen").nest(Schedule.from_json([*strips, *steps[:1]]))
    assert [_name(nest, position) for position in computable_levels(nest, "image_im")] == ["yo", "y"]


def test_what_may_be_computed_beforehand_is() -> None:
    """Gray reads the image clamped to it, so that it does no harm to compute it before where it is needed."""
    ground = space_of("sharpen").ground(Schedule())
    assert ground.has_room("gray") and not ground.has_room("image_im")


def test_a_producer_slides_only_with_its_consumer() -> None:
    nest = _chain()
    strip, column, *_ = computable_levels(nest, "gray")
    assert [_name(nest, position) for position in storable_levels(nest, "gray", column)] == ["yo"]
    assert storable_levels(nest, "gray", strip) == []


def test_a_slid_func_adds_one_row_at_a_time() -> None:
    nest = _chain()
    assert moved_dimensions(nest, "smooth", nest.placements["smooth"]) == {0: 1, 1: 1}
    assert moved_dimensions(nest, "gray", ROOT) == {}


def test_tiles_that_only_overlap_at_the_end_share_nothing() -> None:
    """The last of 13 tiles of 5 in 64 is shifted inwards: no reason to store further out."""
    space = space_of("sharpen")
    steps = [["out", "split", "y", "yo", "yi", 5, "ShiftInwards"], ["smooth", "compute_at", ["out", "yo"]]]
    nest = space.nest(Schedule.from_json(steps))
    compute = nest.placements["smooth"].compute
    assert compute is not None and storable_levels(nest, "smooth", compute) == []


def test_what_one_core_would_do_alone_is_likelier_computed_whole() -> None:
    readers = {StageKey("blur_y"): Reader(3, 1)}
    facts = FuncFacts(Style.FREE, Inlining.FREELY, False, readers, Effort(30.0, 0.0), math.inf, False, False, False)
    func, labels = snapshot_of("blur").algorithm.func("blur_x"), {StageKey("blur_y"): ("yo", "yi", "x")}
    ratios = []
    for more in ([], [["blur_y", "parallel", "yo"]]):
        nest, chooser = space_of("blur").nest(Schedule.from_json([*STRIPS, *more])), Weighing()
        choose_placement(nest, func, facts, labels, chooser, Machine(cores=4))
        weights = chooser.weights["blur_x/place"]
        ratios.append(weights["root"] / weights["blur_y.0/yo"])
    assert ratios[0] > 4 * ratios[1]


def test_what_a_reduction_reads_over_and_over_is_not_converted_each_time() -> None:
    """A copy, which costs nothing anew, may as well be inline."""
    image, other = hl.ImageParam(hl.Int(8), 2, "image"), hl.ImageParam(hl.Int(16), 2, "other")
    x, y, k = hl.Var("x"), hl.Var("y"), hl.RDom([(0, 256)], "k")
    wide, product = hl.Func("wide"), hl.Func("product")
    wide[x, y] = hl.i16(image[x, y])
    product[x, y] += hl.i32(wide[k.x, y]) * other[x, k.x]
    product.set_estimates([(0, 256), (0, 256)])
    weights = weights_of(product, Style.REGISTERS)
    assert weights["wide/place"]["inline"] < weights["wide/place"]["root"]
    assert weights["other_im/place"]["inline"] >= weights["other_im/place"]["root"]


def test_what_is_dear_only_by_what_it_reads_is_not_computed_at_each_use() -> None:
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    ratios = []
    for dear in (False, True):
        point, half, out = hl.Func("point"), hl.Func("half"), hl.Func("out")
        point[x, y] = hl.exp(hl.sin(hl.exp(image[x, y]))) if dear else image[x, y] * 2
        half[x, y] = point[x, y] + 1
        out[x, y] = half[x - 1, y] + half[x, y] + half[x + 1, y]
        out.set_estimates([(1, 510), (0, 512)])
        place = weights_of(out, Style.FREE)["half/place"]
        ratios.append(place["inline"] / max(weight for answer, weight in place.items() if answer != "inline"))
    assert ratios[0] > 2 * ratios[1]


@pytest.mark.parametrize("inlining", ["freely", "dear"])
def test_a_clone_is_rarely_inlined_whatever_else_is(inlining: str) -> None:
    """Inline as the Func itself is, it would be of no use."""
    image = hl.ImageParam(hl.Float(32), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    point, half, out = hl.Func("point"), hl.Func("half"), hl.Func("out")
    point[x, y] = image[x, y] * 2 + 1
    half[x, y] = point[2 * x - 1, y] + point[2 * x, y] + point[2 * x + 1, y]
    out[x, y] = half[x / 2, y] + point[x, y]
    out.set_estimates([(2, 508), (0, 512)])
    snapshot = take(out, TARGET)
    chooser = Weighing({STYLE: "rows", INLINING: inlining, "point/clone/half": "clone", "half/place": "root"})
    structures = Structures(snapshot).derive
    CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine(), structures).build(chooser)
    clone, itself = (chooser.weights[f"{name}/place"] for name in ("point_in_half", "point"))
    assert clone["inline"] < 0.1 * sum(clone.values())
    assert likeliest(itself) == "inline"


def test_labels_outlive_other_loops() -> None:
    labels = {snapshot_of("blur").algorithm.func("blur_y").stages[0].key: ("y@outer", "x@tile0")}
    position = Position(next(iter(labels)), 2)
    assert label_of(position, labels) == "blur_y.0/x@tile0"


def test_what_is_read_at_a_fraction_of_a_coordinate_may_slide() -> None:
    """`down` at (x / 2, y / 2), on the way up a pyramid; the padded input, at a clamped coordinate, may not."""
    answers: dict[str, Option] = {
        "out.0/tiles": 0, "out.0/parallel": 0, "up/place": "inline", "down/place": "out.0/y@outer", "down/store": "root",
    }  # fmt: skip
    asked = Recorder(Replay(answers, FirstChooser()))
    schedule = space_of("pyramid").build(asked)
    assert StoreRoot() in schedule.of(StageKey("down")) and "lambda_0/store" not in asked.trace.by_key
    assert_right("pyramid", schedule)


def test_what_slides_at_fractions_of_a_coordinate_is_not_shifted_inwards() -> None:
    """Fewer rows are new at times than a tile has."""
    answers: dict[str, Option] = {
        "out.0/tiles": 1, "out.0/tile0/x": 0, "out.0/tile0/y": 7, "out.0/parallel": 0, "up/place": "inline",
        "down/place": "out.0/y@outer", "down/store": "root", "down.0/vector": "none", "down.0/unroll/y": 2,
    }  # fmt: skip
    schedule = draw(space_of("pyramid"), Replay(answers, FirstChooser())).schedule
    own = schedule.of(StageKey("down"))
    assert StoreRoot() in own and [one.tail for one in own if isinstance(one, Split)] == [Tail.GUARD_WITH_IF]
    assert_right("pyramid", schedule)


def _two_windows() -> hl.Pipeline:
    """What reads two rows each of two Funcs, of which `first` is realized first."""
    x, y = hl.Var("x"), hl.Var("y")
    source, first, second, out = (hl.Func(name) for name in ("source", "first", "second", "out"))
    source[x, y] = hl.i32((x * 7 + y * 13) % 101)
    first[x, y] = source[x, y] * 3
    second[x, y] = source[x, y] * 5
    out[x, y] = first[x, y - 1] + first[x, y] + second[x, y - 1] + second[x, y]
    out.set_estimates([(0, 64), (0, 64)])
    return hl.Pipeline([out])


ROWS_OF_TILES: list[list[Any]] = [
    ["out", "split", "x", "xo", "xi", 16, "ShiftInwards"],
    ["out", "split", "y", "yo", "yi", 8, "ShiftInwards"],
    ["out", "reorder", ["xi", "xo", "yi", "yo"]],
    ["out", "vectorize", "xi"],
    ["source", "compute_root"],
]


@pytest.mark.parametrize("outer", ["first", "second"])
def test_no_window_is_filled_further_in_than_that_of_what_is_realized_later(outer: str) -> None:
    """Halide 21 computes the wrong thing there: if it ever gets it right, this test says so."""
    snapshot = take(_two_windows(), TARGET)
    inner = "first" if outer == "second" else "second"
    at: list[list[Any]] = [
        ["second", "compute_at", ["out", "yi" if outer == "second" else "xo"]],
        ["second", "store_at", ["out", "yo"]],
        ["first", "compute_at", ["out", "yi" if outer == "first" else "xo"]],
    ]
    nest = build_nest(snapshot.flow, snapshot.regions, Schedule.from_json(ROWS_OF_TILES + at))
    compute = nest.placements["first"].compute
    assert compute is not None
    allowed = ["yo"] if inner == "second" else []
    assert [_name(nest, position) for position in storable_levels(nest, "first", compute)] == allowed

    def result(schedule: Schedule) -> Any:
        pipeline = snapshot.fresh()
        apply(schedule, pipeline, snapshot.algorithm)
        return np.asarray(pipeline.realize([64, 64]))

    slid = Schedule.from_json([*ROWS_OF_TILES, *at, ["first", "store_at", ["out", "yo"]]])
    assert np.array_equal(result(slid), result(Schedule())) == bool(allowed)
