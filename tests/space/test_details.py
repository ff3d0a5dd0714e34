"""What experts do rarely: how a Func is kept in memory, prefetching, loops in one piece."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import halide as hl
import pytest

from autosearch.choices import Option, Proposal, RandomChooser, draw, kind_of
from autosearch.errors import ScheduleError
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import Partition, PartitionPolicy
from autosearch.schedule.schedule import Schedule
from autosearch.space.details import PLAIN
from autosearch.space.imitate import imitate
from autosearch.space.style import Style
from tests.conftest import random_proposal, snapshot_of, space_of
from tests.schedule.oracle import allocations, lower, scheduled
from tests.space.asking import weights_of
from tests.space.running import assert_right


class Detailed(RandomChooser):
    """Answers at random, but never that nothing special be done, where it may choose."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if kind_of(key) in ("memory", "partition"):
            assert options[0] == PLAIN
            return self.generator.choice(options[1:])
        return super().choose(key, options, weights)


def _drawn(sample: str, seed: int) -> Proposal:
    return draw(space_of(sample), Detailed(random.Random(seed)))


def _methods(schedule: Schedule) -> Counter[str]:
    return Counter(step.directive.method for step in schedule)


def test_all_of_them_come_up() -> None:
    found: Counter[str] = Counter()
    for sample in ("blur", "sharpen", "pyramid", "matmul"):
        for seed in range(25):
            found += _methods(_drawn(sample, seed).schedule)
    for method in ("store_in", "align_storage", "prefetch", "partition", "fold_storage"):
        assert found[method], method
    assert found["hoist_storage"] + found["hoist_storage_root"]


def test_they_are_rare() -> None:
    details = plain = 0
    for seed in range(60):
        for key, answer in random_proposal("sharpen", seed).trace:
            if kind_of(key) in ("memory", "partition"):
                details += answer != PLAIN
                plain += answer == PLAIN
    assert 0 < details < plain / 8


@pytest.mark.parametrize("seed", range(6))
def test_halide_accepts_them(sample: str, seed: int) -> None:
    lower(scheduled(snapshot_of(sample), _drawn(sample, seed).schedule))


@pytest.mark.parametrize("sample", ["sharpen", "pyramid"])
def test_they_give_the_right_output(sample: str) -> None:
    assert_right(sample, _drawn(sample, 1).schedule)


def test_they_are_imitated() -> None:
    for seed in range(12):
        proposal = _drawn("sharpen", seed)
        imitation = imitate(space_of("sharpen"), proposal.schedule)
        elsewhere = any("placement" in text for text in imitation.differences)
        assert elsewhere or not any("details" in text for text in imitation.differences)


def test_that_something_small_is_on_the_stack_needs_no_telling() -> None:
    content = [["blur_x", "compute_at", ["blur_y", "y"]], ["blur_x", "store_in", "Stack"]]
    imitation = imitate(space_of("blur"), Schedule.from_json(content))
    assert imitation.exact and "store_in" not in _methods(imitation.schedule)


FOLDED = Schedule.from_json(
    [
        ["blur_x", "compute_at", ["blur_y", "y"]],
        ["blur_x", "store_root"],
        ["blur_x", "fold_storage", "y", 4, True],
        ["blur_x", "align_storage", "x", 64],
    ]
)


def test_the_nest_knows_how_much_is_allocated() -> None:
    nest = space_of("blur").nest(FOLDED)
    assert extents(nest.stored_box("blur_x")) == (128, 4)
    assert allocations(scheduled(snapshot_of("blur"), FOLDED, exact=True))["blur_x"] == 128 * 4


def test_a_dimension_that_is_not_there_is_named() -> None:
    nest = space_of("blur").nest(Schedule.from_json([["blur_x", "compute_root"], ["blur_x", "align_storage", "z", 8]]))
    with pytest.raises(ScheduleError, match="blur_x has no dimension 'z'"):
        nest.stored_box("blur_x")


def test_loops_shared_by_two_are_partitioned_alike() -> None:
    from tests.space.test_joining import SPACE

    class Both(Detailed):
        def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
            if kind_of(key) in ("with", "partition"):
                return options[-1]
            if key in ("across/place", "along/place"):
                return "root"
            return super().choose(key, options, weights)

    schedule = draw(SPACE, Both(random.Random(1))).schedule
    never = {
        func: [d for d in schedule.of(StageKey(func)) if isinstance(d, Partition) and d.policy is PartitionPolicy.NEVER]
        for func in ("across", "along")
    }
    assert "compute_with" in _methods(schedule)
    assert never["across"] == never["along"] != []
    SPACE.nest(schedule)


@pytest.mark.parametrize(("clamped", "large"), [(False, True), (True, False), (True, True)])
def test_rows_of_large_pipelines_with_borders_are_likely_in_one_piece(clamped: bool, large: bool) -> None:
    image, x, y = hl.ImageParam(hl.Float(32), 2, "image"), hl.Var("x"), hl.Var("y")
    padded, rows, out = hl.Func("padded"), hl.Func("row"), hl.Func("out")
    padded[x, y] = image[hl.clamp(x, 0, 255), hl.clamp(y, 0, 255)] if clamped else image[x + 1, y + 1]
    rows[x, y] = padded[x - 1, y] + padded[x + 1, y]
    for number in range(20 if large else 1):
        further = hl.Func(f"row_{number}")
        further[x, y] = rows[x, y] * 2.0
        rows = further
    out[x, y] = rows[x, y - 1] + rows[x, y + 1]
    out.set_estimates([(0, 256), (0, 256)])
    weights = weights_of(out, Style.FREE)["out.0/partition"]
    assert weights["never"] < 0.1 and (weights["rows"] > 0.1) is (clamped and large)
