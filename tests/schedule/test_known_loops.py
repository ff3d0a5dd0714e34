"""Loops are told once, and the same for whoever asks."""

from __future__ import annotations

from autosearch.pipeline.ir import INT32, Expr, ReductionVar, Stage
from autosearch.schedule.directives import Split, Tail, Vectorize
from autosearch.schedule.known_loops import KnownLoops
from autosearch.schedule.loops import stage_loops

X, Y = (Expr("var", (), INT32, name) for name in "xy")
SPLIT, WIDE = Split("x", "xo", "xi", 8, Tail.GUARD_WITH_IF), Vectorize("xi")


def _stage(name: str, *args: Expr, rvars: tuple[str, ...] = ()) -> Stage:
    return Stage(name, 0, args, (X,), tuple(ReductionVar(one, X, X, False) for one in rvars))


def test_stages_with_the_same_variables_share_loops() -> None:
    known = KnownLoops()
    one, other = (known.of(_stage(name, X, Y), (SPLIT, WIDE)) for name in ("f", "g"))
    assert one is not None and one is other
    assert one[0] == stage_loops(_stage("f", X, Y), (SPLIT, WIDE))


def test_a_reduction_variable_is_not_a_pure_one_of_the_same_name() -> None:
    known = KnownLoops()
    pure = known.of(_stage("f", X, Y), (SPLIT,))
    reduced = known.of(_stage("f", Y, rvars=("x",)), (SPLIT,))
    assert pure is not None and reduced is not None
    assert pure[0] == reduced[0]
    assert pure[1].loops[2].any() == 0 and reduced[1].loops[2].tolist()[:3] == [0, 1, 1]


def test_loops_that_do_not_fit_are_none_however_often_asked() -> None:
    known = KnownLoops()
    assert [known.of(_stage("f", Y), (SPLIT,)) for _ in range(2)] == [None, None]
