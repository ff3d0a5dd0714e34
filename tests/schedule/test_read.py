"""Reading a schedule back from a scheduled pipeline: what was applied, by us, by hand or by an autoscheduler."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import halide as hl
import pytest

from autosearch.errors import ScheduleError
from autosearch.measure.autoschedulers import estimated_pipeline
from autosearch.measure.check import Tolerance
from autosearch.measure.kernel import Source
from autosearch.pipeline.snapshot import Snapshot, funcs_of, take
from autosearch.schedule.copies import without_idle_copies
from autosearch.schedule.describe import describe
from autosearch.schedule.nest import build_nest
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, random_proposal, snapshot_of
from tests.samples import blur, matmul, sharpen
from tests.schedule.examples import EXAMPLES
from tests.schedule.oracle import Line, loop_nest, scheduled


def _nameless(lines: list[Line]) -> list[Line]:
    return [replace(line, name="") if line.is_loop else line for line in lines]


def _read(pipeline: hl.Pipeline, snapshot: Snapshot) -> Schedule:
    return read_schedule(hl.serialize_pipeline(pipeline), snapshot.algorithm)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_schedule_comes_back(sample: str, seed: int) -> None:
    snapshot = snapshot_of(sample)
    schedule = random_proposal(sample, seed).schedule
    pipeline = scheduled(snapshot, schedule, exact=True)
    found = _read(pipeline, snapshot)
    nests = [build_nest(snapshot.flow, snapshot.regions, one) for one in (schedule, found)]
    assert describe(nests[1]) == describe(nests[0])
    again = scheduled(snapshot, found, exact=True)
    assert _read(again, snapshot) == found
    assert _nameless(loop_nest(again)) == _nameless(loop_nest(pipeline))


@pytest.mark.parametrize("method", [m for m in EXAMPLES if m not in ("rfactor", "specialize")])
def test_every_directive_comes_back(method: str) -> None:
    sample, content = EXAMPLES[method]
    snapshot = snapshot_of(sample)
    assert _read(scheduled(snapshot, Schedule.from_json(content)), snapshot).to_json() == content


def test_bounds_that_the_algorithm_states_are_no_part_of_what_is_read() -> None:
    out = blur()
    out.bound(out.args()[0], 0, 96).align_bounds(out.args()[1], 4)
    snapshot = take(out, TARGET)
    assert snapshot.given is None and _read(scheduled(snapshot, Schedule()), snapshot) == Schedule()


def test_a_schedule_written_by_hand() -> None:
    out = blur()
    x, y = out.args()
    xo, yo, xi, yi, tile = (hl.Var(name) for name in ("xo", "yo", "xi", "yi", "tile"))
    out.tile(x, y, xo, yo, xi, yi, 32, 8, hl.TailStrategy.GuardWithIf).fuse(xo, yo, tile).parallel(tile)
    out.vectorize(xi, 8, hl.TailStrategy.RoundUp).rename(yi, hl.Var("row"))
    blur_x = next(func for func in funcs_of(hl.Pipeline([out])) if func.name().startswith("blur_x"))
    blur_x.compute_at(out, tile).store_in(hl.MemoryType.Stack)
    snapshot = take(out, TARGET)
    assert snapshot.given is not None
    assert read_schedule(snapshot.given, snapshot.algorithm).to_json() == [
        ["blur_y", "split", "x", "xo", "xi", 32, "GuardWithIf"],
        ["blur_y", "split", "y", "yo", "row", 8, "GuardWithIf"],
        ["blur_y", "fuse", "xo", "yo", "tile"],
        ["blur_y", "split", "xi", "xi", "xii", 8, "RoundUp"],
        ["blur_y", "reorder", ["xii", "xi", "row", "tile"]],
        ["blur_y", "vectorize", "xii"],
        ["blur_y", "parallel", "tile"],
        ["blur_x", "compute_at", ["blur_y", "tile"]],
        ["blur_x", "store_in", "Stack"],
    ]


@pytest.mark.parametrize("name", ["Mullapudi2016", "Adams2019"])
@pytest.mark.parametrize("sample", ["blur", "matmul"])
def test_what_an_autoscheduler_applied(sample: str, name: str) -> None:
    snapshot = snapshot_of(sample)
    hl.load_plugin(os.path.join(hl.install_dir(), "lib64", f"libautoschedule_{name.lower()}.so"))
    source = Source(snapshot.data, snapshot.parameters, snapshot.algorithm, snapshot.sizes, str(TARGET), Tolerance(0.0))
    pipeline = estimated_pipeline(source)
    parameters = {"parallelism": "2"} | ({"beam_size": "1"} if name == "Adams2019" else {})
    pipeline.apply_autoscheduler(TARGET, hl.AutoschedulerParams(name, parameters))
    found = _read(pipeline, snapshot)
    assert any(step.directive.method == "vectorize" for step in found)
    assert _nameless(loop_nest(scheduled(snapshot, found))) == _nameless(loop_nest(pipeline))


def _with_blur(change: Callable[[hl.Func, hl.Func], object]) -> Callable[[], hl.Func]:
    def build() -> hl.Func:
        out = blur()
        change(out, next(func for func in funcs_of(hl.Pipeline([out])) if func.name().startswith("blur_x")))
        return out

    return build


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda out, _: out.specialize(hl.Expr(True)), r"blur_y uses specialize\(\)"),
        (lambda _, inner: inner.compute_root().memoize(), "blur_x uses memoize"),
        (lambda out, inner: inner.compute_at(hl.LoopLevel(out, hl.Var.outermost())), "Var::outermost"),
        (lambda _, inner: inner.compute_root().store_in(hl.MemoryType.LockedCache), "stored in LockedCache"),
        (lambda out, _: out.gpu_blocks(out.args()[1]), "a loop of kind GPUBlock"),
        (lambda out, _: out.split(out.args()[0], hl.Var("o"), hl.Var("i"), hl.Param(hl.Int(32), "n", 8)), "constant"),
    ],
)
def test_what_cannot_be_expressed_is_named(change: Callable[[hl.Func, hl.Func], object], says: str) -> None:
    snapshot = take(_with_blur(change), TARGET)
    assert snapshot.given is not None
    with pytest.raises(ScheduleError, match=says):
        read_schedule(snapshot.given, snapshot.algorithm)


def test_funcs_that_the_schedule_added_are_named() -> None:
    out = blur()
    pipeline = hl.Pipeline([out])
    snapshot = take(out, TARGET)
    inner = next(func for func in funcs_of(pipeline) if func.name().startswith("blur_x"))
    inner.in_().compute_root()
    found = read_schedule(hl.serialize_pipeline(pipeline), snapshot.algorithm)
    assert found.to_json() == [["blur_x", "in_", "*", "blur_x_in"], ["blur_x_in", "compute_root"]]


def test_a_copy_for_some_of_the_readers_is_named() -> None:
    out = sharpen()
    gray, smooth = (
        next(func for func in funcs_of(hl.Pipeline([out])) if func.name().startswith(name))
        for name in ("gray", "smooth")
    )
    gray.compute_root().in_([smooth, out]).compute_root()
    snapshot = take(out, TARGET)
    assert snapshot.given is not None
    with pytest.raises(ScheduleError, match="gray has a copy for 2 Funcs"):
        read_schedule(snapshot.given, snapshot.algorithm)


def test_factored_funcs_that_the_algorithm_lacks_are_named() -> None:
    out = matmul()
    snapshot = take(out, TARGET)
    product = next(func for func in funcs_of(hl.Pipeline([out])) if func.name().startswith("product"))
    product.compute_root().update().rfactor(product.rvars(0)[0], hl.Var("u"))
    with pytest.raises(ScheduleError, match=r"adds Func 'product.*_intm"):
        read_schedule(hl.serialize_pipeline(hl.Pipeline([out])), snapshot.algorithm)


def test_copies_of_what_is_inlined_are_told_simpler() -> None:
    snapshot = snapshot_of("sharpen")
    content = [
        ["gray", "in_", "*", "gray_in"],
        ["padded" if "padded" in snapshot.algorithm.by_name else "repeat_edge", "in_", "gray", "rows"],
        ["smooth", "compute_root"],
        ["gray_in", "compute_at", ["smooth", "y"]],
        ["rows", "compute_at", ["gray_in", "x"]],
    ]
    found = without_idle_copies(Schedule.from_json(content), snapshot.algorithm).to_json()
    assert found == [
        [content[1][0], "clone_in", "gray", "rows"],
        ["smooth", "compute_root"],
        ["gray", "compute_at", ["smooth", "y"]],
        ["rows", "compute_at", ["gray", "x"]],
    ]


def test_races_that_were_allowed_are_named() -> None:
    out = matmul()
    product = next(func for func in funcs_of(hl.Pipeline([out])) if func.name().startswith("product"))
    product.compute_root().update().allow_race_conditions()
    snapshot = take(out, TARGET)
    assert snapshot.given is not None
    with pytest.raises(ScheduleError, match="allow_race_conditions"):
        read_schedule(snapshot.given, snapshot.algorithm)
