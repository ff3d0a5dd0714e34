"""The order in which a Func's dimensions lie in memory, as the space asks for it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from autosearch.choices import FirstChooser, RandomChooser, Recorder, Replay
from autosearch.schedule.directives import ReorderStorage
from autosearch.schedule.schedule import Schedule
from autosearch.space.imitate import imitate
from autosearch.space.storage import order_read
from tests.conftest import random_proposal, snapshot_of, space_of
from tests.space.running import assert_right

FUNC = {name: snapshot_of("matmul").algorithm.func(name) for name in ("a_im", "b_im", "product")}


def _order(*steps: Any) -> dict[str, tuple[str, ...]]:
    nest = space_of("matmul").nest(Schedule.from_json([["product", "compute_root"], *map(list, steps)]))
    return {name: order_read(nest, func) for name, func in FUNC.items()}


def test_what_changes_fastest_lies_innermost() -> None:
    """a is read at (k, y), b at (x, k)."""
    copied: list[Any] = [["a_im", "compute_root"], ["b_im", "compute_root"]]
    assert _order(*copied) == {"a_im": ("_0", "_1"), "b_im": ("_1", "_0"), "product": ("x", "y")}
    rows = ["product.update(0)", "reorder", ["y", "kx", "x"]]
    assert _order(rows, *copied)["a_im"] == ("_1", "_0")


def test_a_vector_is_innermost_of_all() -> None:
    vector = [
        ["product.update(0)", "reorder", ["kx", "y", "x"]],
        ["product.update(0)", "split", "x", "xo", "xi", 8, "GuardWithIf"],
        ["product.update(0)", "vectorize", "xi"],
    ]
    assert _order(*vector, ["b_im", "compute_root"])["b_im"] == ("_0", "_1")


def test_the_order_among_unrolled_loops_counts() -> None:
    tile = [
        ["product.update(0)", "split", "y", "yo", "yi", 4, "GuardWithIf"],
        ["product.update(0)", "reorder", ["yi", "kx", "x", "yo"]],
        ["product.update(0)", "unroll", "yi"],
    ]
    assert _order(*tile, ["a_im", "compute_root"])["a_im"] == ("_1", "_0")


def _reordered(sample: str, seed: int) -> Schedule | None:
    """A random schedule in which something is laid out as it is read."""
    trace = random_proposal(sample, seed).trace
    answers = {**trace.by_key, **{f"{func.name}/storage": "read" for func in snapshot_of(sample).algorithm.funcs}}
    schedule = space_of(sample).build(Replay(answers, FirstChooser()))
    return schedule if any(isinstance(step.directive, ReorderStorage) for step in schedule) else None


@pytest.mark.parametrize("name", ["matmul", "tuples", "pyramid"])
def test_laid_out_so_the_output_is_right_and_the_space_holds_it(name: str) -> None:
    found = [schedule for seed in range(60) if (schedule := _reordered(name, seed)) is not None][:2]
    assert found
    for schedule in found:
        assert_right(name, schedule)
        again = imitate(space_of(name), schedule)
        assert "layout" not in " ".join(again.differences)


def test_a_layout_that_nobody_reads_so_is_told_as_a_difference() -> None:
    steps: list[Any] = [["gray", "compute_root"], ["gray", "reorder_storage", ["y", "x"]]]
    imitation = imitate(space_of("sharpen"), Schedule.from_json(steps))
    assert "layout of gray" in imitation.differences


def test_copies_are_asked_about_more_gladly_than_others() -> None:
    answers: dict[str, list[str]] = {}
    for seed in range(300):
        recorder = Recorder(RandomChooser(random.Random(seed)))
        space_of("matmul").build(recorder)
        for key, answer in recorder.trace:
            if key.endswith("/storage"):
                answers.setdefault(key, []).append(str(answer))
    copies = answers["a_im/storage"] + answers["b_im/storage"]
    assert 0.3 < copies.count("read") / len(copies) < 0.7
    assert answers["product/storage"].count("read") < 0.3 * len(answers["product/storage"])
