"""Bands of loops, and the directives that make them."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import halide as hl
import pytest

from autosearch.choices import FirstChooser, RandomChooser, Replay, draw
from autosearch.machine import Machine
from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.snapshot import take
from autosearch.schedule.directives import Atomic, Split, Tail
from autosearch.schedule.loops import PARALLEL, SERIAL, VECTORIZED, stage_loops
from autosearch.space.cpu import CpuSpace
from autosearch.space.imitate import imitate
from autosearch.space.stage_facts import StageFacts
from autosearch.space.style import Style
from autosearch.space.tiling import OUTER, TASK, UNROLL, VECTOR, Band, Tiling
from autosearch.space.tiling_rules import MAX_UNROLLED, choose_tiling
from tests.conftest import TARGET, random_proposal, snapshot_of, space_of
from tests.schedule.oracle import lower, scheduled
from tests.space.running import assert_right

BLUR_Y = snapshot_of("blur").algorithm.func("blur_y").stages[0]
PRODUCT = snapshot_of("matmul").algorithm.func("product").stages[1]

TILED = Tiling(
    (
        Band(VECTOR, (("x", 8),)),
        Band(UNROLL, (("y", 2),)),
        Band("tile0", (("x", 4), ("y", 4))),
        Band(OUTER, (("x", 0), ("y", 0))),
    ),
    parallel=1,
    tails={"x": Tail.SHIFT_INWARDS, "y": Tail.GUARD_WITH_IF},
)


def test_bands_become_loops_from_the_vector_outwards() -> None:
    loops = stage_loops(BLUR_Y, TILED.directives(BLUR_Y))
    extents = loops.extents([96, 64])
    variables = [loops.variables[loops.variable_of(loop)] for loop in loops.order]
    found = list(zip(variables, loops.kinds, (extents[loop] for loop in loops.order), strict=True))
    assert found == [
        ("y", "parallel", 8),
        ("x", "serial", 3),
        ("y", "serial", 4),
        ("x", "serial", 4),
        ("y", "unrolled", 2),
        ("x", "vectorized", 8),
    ]


def test_only_the_outermost_split_leaves_a_tail() -> None:
    splits = [d for d in stage_loops(BLUR_Y, TILED.directives(BLUR_Y)).derivations if not d.fuse]
    assert [(d.factor, d.tail) for d in splits] == [
        (32, Tail.SHIFT_INWARDS), (8, Tail.ROUND_UP), (8, Tail.GUARD_WITH_IF), (2, Tail.ROUND_UP)
    ]  # fmt: skip


def test_parallel_loops_are_fused() -> None:
    tiling = Tiling((Band(VECTOR, (("x", 8),)), Band(OUTER, (("x", 0), ("y", 0)))), 2, True, {"x": Tail.ROUND_UP})
    loops = stage_loops(BLUR_Y, tiling.directives(BLUR_Y))
    assert list(zip(loops.loop_names, loops.kinds, strict=True)) == [("par", "parallel"), ("xi", "vectorized")]
    assert loops.extents([96, 64])[loops.order[0]] == 12 * 64


def test_a_stage_left_as_it_is_needs_no_directives() -> None:
    assert Tiling((Band(OUTER, (("x", 0), ("y", 0))),)).directives(BLUR_Y) == []


def test_a_vectorized_reduction_is_atomic() -> None:
    bands = (Band(VECTOR, (("kx", 8),)), Band(OUTER, (("kx", 0), ("x", 0), ("y", 0))))
    directives = Tiling(bands, tails={"kx": Tail.GUARD_WITH_IF}).directives(PRODUCT)
    assert Atomic() in directives and stage_loops(PRODUCT, directives).atomic


def _facts(extents: dict[str, int], ordered: bool = False) -> StageFacts:
    stage = PRODUCT if "kx" in extents else BLUR_Y
    return StageFacts(
        stage, (), extents, 8, frozenset({"kx"}) & set(extents), ("x", "y"), "x", frozenset({"x", "y"}),
        ordered, at_root=True, in_serial=True, gathered=(), sharing=(), transposed="", scanned=frozenset(),
        body=6, slides=False, may_be_empty=False, nested=dict(extents), exact=frozenset(), style=Style.FREE, cores=2,
        accumulators=12, dots=False, apart=False, lookups=0.0, indices=8, reads_reduction=False,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("extents", [{"x": 96, "y": 64}, {"x": 5, "y": 3}, {"kx": 48, "x": 64, "y": 40}])
def test_random_tilings_keep_every_iteration_and_their_limits(extents: dict[str, int], seed: int) -> None:
    facts = _facts(extents)
    chooser = RandomChooser(random.Random(seed))
    tiling, copies = choose_tiling(facts, chooser, "f.0", lambda variable, factor, n: [Tail.GUARD_WITH_IF])
    loops = stage_loops(facts.stage, tiling.directives(facts.stage))
    sizes = [extents[name] for name in facts.stage.loop_vars]
    for place, name in enumerate(facts.stage.loop_vars):
        own = [loops.extents(sizes)[k] for k in loops.order if loops.variable_of(k) == place]
        if not any(d.fuse for d in loops.derivations):
            assert math.prod(own) >= extents[name]  # nothing is lost
    unrolled = math.prod(count for _, role, count in tiling.loops if role == UNROLL and count)
    assert 1 <= copies <= MAX_UNROLLED * 8 and unrolled <= MAX_UNROLLED
    assert [band.role for band in tiling.bands][-1] == OUTER
    assert sum(kind == "vectorized" for kind in loops.kinds) <= 1


def test_products_of_narrow_integers_are_added_up_in_pairs() -> None:
    """The instructions for that take a vector of two loops, the reduction's innermost."""
    x, y, k = hl.Var("x"), hl.Var("y"), hl.RDom([(0, 64)], "k")
    a, b, product = hl.ImageParam(hl.Int(16), 2, "a"), hl.ImageParam(hl.Int(16), 2, "b"), hl.Func("product")
    product[x, y] = 0
    product[x, y] += hl.i32(a[k, y]) * hl.i32(b[k, x])
    product.set_estimates([(0, 64), (0, 40)])
    snapshot = take(product, TARGET)
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
    answers = {"product.1/vector": "x", "product.1/width": 8, "product.1/dot/kx": 2}
    schedule = draw(space, Replay(answers, FirstChooser())).schedule
    loops = space.nest(schedule).stages[StageKey("product", 1)].loops
    vectors = [name for name, kind in zip(loops.loop_names, loops.kinds, strict=True) if kind == VECTORIZED]
    assert len(vectors) == 2 and vectors[-1].startswith("kx") and loops.atomic
    assert imitate(space, schedule).exact
    lower(scheduled(snapshot, schedule))


def test_other_sums_are_not() -> None:
    assert not any("/dot/" in key for seed in range(20) for key, _ in random_proposal("matmul", seed).trace)


@pytest.mark.parametrize("seed", range(25))
def test_an_ordered_reduction_keeps_its_order(seed: int) -> None:
    scan = snapshot_of("histogram").algorithm.stage(StageKey("hist", 1))
    sizes = {"rx": 96, "ry": 64}
    facts = replace(
        _facts(sizes, ordered=True), stage=scan, constant=frozenset(), vectorizable=(), parallelizable=frozenset()
    )
    chooser = RandomChooser(random.Random(seed))
    tiling, _ = choose_tiling(facts, chooser, "f.1", lambda variable, factor, n: [Tail.GUARD_WITH_IF])
    loops = stage_loops(scan, tiling.directives(scan))
    variables = [loops.variables[loops.variable_of(loop)] for loop in loops.order]
    assert variables == sorted(variables, reverse=True)  # all of ry outside of all of rx
    assert "parallel" not in loops.kinds and "vectorized" not in loops.kinds


def test_splits_nest_only_where_they_leave_no_guard() -> None:
    """Of 24 iterations, 8 go to the vector; what more goes to bands must divide, or fit what may be computed beyond."""
    for nested, exact in ((0, frozenset({"x"})), (16, frozenset())):
        for seed in range(40):
            room = {"kx": 48, "x": nested, "y": 4}
            facts = replace(_facts({"kx": 48, "x": 24, "y": 4}), nested=room, exact=exact)
            chooser = RandomChooser(random.Random(seed))
            tiling, _ = choose_tiling(facts, chooser, "f.1", lambda *_: [Tail.ROUND_UP, Tail.GUARD_WITH_IF])
            splits = [d for d in tiling.directives(PRODUCT) if isinstance(d, Split) and d.old == "x"]
            nests = len([count for name, _, count in tiling.loops if name == "x"]) > 2
            if splits and nests:
                assert 24 % splits[0].factor == 0 if exact else splits[0].factor <= nested
                assert splits[0].tail is Tail.ROUND_UP


@pytest.mark.parametrize("sample", ["sharpen", "pyramid"])
def test_nothing_nests_in_a_guarded_split_of_an_inner_func(sample: str) -> None:
    """Halide 21 loses such a guard where the bounds aren't simple, and writes beyond the allocation."""
    outputs, splits = snapshot_of(sample).algorithm.outputs, 0
    for seed in range(60):
        schedule = random_proposal(sample, seed).schedule
        for key in {step.stage for step in schedule if step.stage.func not in outputs and step.stage.index == 0}:
            own = [one for one in schedule.of(key) if isinstance(one, Split)]
            nests = [one for one in own if any(other.old == one.inner for other in own)]
            assert not any(one.tail is Tail.GUARD_WITH_IF for one in nests)
            splits += len(nests)
    assert splits > 5


@pytest.mark.parametrize("seed", range(25))
def test_a_long_body_rarely_takes_wide_vectors(seed: int) -> None:
    wide = sum(_width(replace(_facts({"x": 96, "y": 64}), body=400), 100 * seed + one) > 32 for one in range(20))
    assert wide <= 3


@pytest.mark.parametrize(("constant", "filled"), [(frozenset({"x"}), True), (frozenset(), False)])
def test_vectors_are_filled_where_the_extent_is_known(constant: frozenset[str], filled: bool) -> None:
    facts = replace(_facts({"x": 6, "y": 64}), constant=constant)
    widths = [_width(facts, seed) for seed in range(100)]
    assert (widths.count(8) < 60) == filled
    assert (0 in widths) == filled  # the whole of it


def _width(facts: StageFacts, seed: int) -> int:
    tiling, _ = choose_tiling(facts, RandomChooser(random.Random(seed)), "f.0", lambda name, factor, n: [Tail.AUTO])
    return next((count for _, role, count in tiling.loops if role == VECTOR), 1)


def test_lanes_that_lie_apart_count_each() -> None:
    facts = replace(_facts({"x": 96, "y": 64}), vectorizable=("y",))
    chooser = Replay({"f.0/vector": "y", "f.0/width": 8}, FirstChooser())
    tiling, copies = choose_tiling(facts, chooser, "f.0", lambda name, factor, n: [Tail.AUTO])
    assert ("y", VECTOR, 8) in tiling.loops and copies % 8 == 0


@pytest.mark.parametrize("at_root", [True, False])
def test_loops_are_fused_at_root_only(at_root: bool) -> None:
    facts = replace(_facts({"x": 96, "y": 64}), at_root=at_root)
    chooser = Replay({"f.0/tiles": 0, "f.0/parallel": 2, "f.0/parallel_loops": "fused"}, FirstChooser())
    tiling, _ = choose_tiling(facts, chooser, "f.0", lambda name, factor, n: [Tail.AUTO])
    assert tiling.parallel == 2 and tiling.fused == at_root


def test_many_short_iterations_may_make_one_parallel_task() -> None:
    """`parallel(y, 16)`: asked only where there are more than enough tasks, in any order of the other loops."""
    few, many = _facts({"x": 96, "y": 8}), _facts({"x": 96, "y": 4096})
    assert {_task(few, seed) for seed in range(40)} <= {1, 2}
    tasks = [_task(many, seed) for seed in range(200)]
    good = [size for size in tasks if 2 * 4 <= 4096 // size <= 2 * 64]
    assert len(good) > 40 and len(set(tasks)) > 4


def _task(facts: StageFacts, seed: int) -> int:
    tiling, _ = choose_tiling(facts, RandomChooser(random.Random(seed)), "f.0", lambda *_: [Tail.GUARD_WITH_IF])
    loops = stage_loops(facts.stage, tiling.directives(facts.stage))
    for place, (name, role, count) in enumerate(tiling.loops):
        if role == TASK:
            assert tiling.loops[place + 1 :] == ((name, OUTER, 0),) and loops.kinds[0] == "parallel"
            assert loops.loop_names[0].startswith(name) and loops.loop_names[1].startswith(name)
            return count
    return 1


def test_planes_may_be_made_one_after_the_other_by_all_cores() -> None:
    answers = {"out.0/planes": 1, "out.0/tiles": 0, "out.0/order/outer/0": "x", "out.0/order/outer/1": "y"}
    answers |= {"gray/place": "root", "smooth/place": "out.0/c@outer", "out.0/unroll/c": 1}
    schedule = draw(space_of("sharpen"), Replay(answers, FirstChooser())).schedule
    loops = space_of("sharpen").nest(schedule).stages[StageKey("out")].loops
    assert (loops.loop_names[0], *loops.kinds[:2]) == ("c", SERIAL, PARALLEL)
    assert imitate(space_of("sharpen"), schedule).exact
    assert_right("sharpen", schedule)
