"""Which Funcs share loops: only where that is legal, and then what they compute is right."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from autosearch.choices import INLINING, Option, Proposal, RandomChooser, draw, kind_of
from autosearch.machine import Machine
from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.snapshot import take
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.space.imitate import imitate
from autosearch.space.joining import ALONE
from autosearch.space.style import Inlining
from autosearch.testing.sample import HEIGHT, WIDTH
from tests.conftest import TARGET, snapshot_of, space_of
from tests.samples import gradients
from tests.schedule.oracle import lower, scheduled
from tests.schedule.test_nest import ROWS

SNAPSHOT = take(gradients, TARGET)
SPACE = CpuSpace(SNAPSHOT.flow, SNAPSHOT.regions, dict(SNAPSHOT.sizes.inputs), Machine())


class Together(RandomChooser):
    """Answers at random, but inlines no more than each Func wants, shares loops wherever it may, and keeps count."""

    shared = 0

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        if kind_of(key) == "with":
            assert options[0] == ALONE
            self.shared += 1
            return self.generator.choice(options[1:])
        if key == INLINING:
            return Inlining.FREELY.value
        return super().choose(key, options, weights)


def _drawn(space: CpuSpace, seed: int) -> tuple[Proposal, int]:
    chooser = Together(random.Random(seed))
    return draw(space, chooser), chooser.shared


def test_funcs_that_share_loops_compute_what_they_should() -> None:
    drawn = (_drawn(SPACE, seed) for seed in range(60))
    shared = [proposal.schedule for proposal, count in drawn if count][:5]
    root = Schedule.from_json([[name, "compute_root"] for name in ("gray", "across", "along")])
    first, *others = (_output(schedule) for schedule in (root, *shared))
    assert len(others) == 5
    for output in others:
        np.testing.assert_allclose(output, first, rtol=1e-4, atol=1e-5)


def _output(schedule: Schedule) -> np.ndarray[Any, Any]:
    pipeline = scheduled(SNAPSHOT, schedule)
    image = np.random.default_rng(0).random((256, 256), dtype=np.float32)
    out = np.zeros((HEIGHT, WIDTH), np.float32)
    pipeline.compile_to_callable(pipeline.infer_arguments(), TARGET)(image, out)
    return out


class Inside(Together):
    """Computes what the two read inside of the loops that they share, where that is offered."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        inside = [option for option in options if key == "gray/place" and str(option).startswith("along.0/")]
        return inside[0] if inside else super().choose(key, options, weights)


def test_a_shared_loop_is_a_level_to_compute_at() -> None:
    lowered = 0
    for seed in range(60):
        chooser = Inside(random.Random(seed))
        schedule = draw(SPACE, chooser).schedule
        compute = SPACE.nest(schedule).placements["gray"].compute
        if chooser.shared and compute is not None and compute.stage == StageKey("along") and lowered < 3:
            lower(scheduled(SNAPSHOT, schedule))
            lowered += 1
    assert lowered == 3


def test_they_are_read_back_and_imitated() -> None:
    schedule = Schedule.from_json([*ROWS, ["gray", "compute_root"]])
    assert imitate(SPACE, schedule).exact
    drawn = (_drawn(SPACE, seed) for seed in range(40))
    schedules = [proposal.schedule for proposal, shared in drawn if shared]
    assert len(schedules) > 3
    for schedule in schedules:
        imitation = imitate(SPACE, schedule)
        assert imitation.exact and imitation.schedule.digest == schedule.digest


def test_halide_accepts_them_whatever_the_funcs_are() -> None:
    for seed in range(15):
        proposal, _ = _drawn(space_of("sharpen"), seed)
        lower(scheduled(snapshot_of("sharpen"), proposal.schedule))


def test_what_is_computed_from_another_shares_no_loops_with_it() -> None:
    ground = SPACE.ground(Schedule())
    assert ground.siblings["across"] == ("along",)
    assert ground.siblings["gray"] == ()
    assert all("gray" not in names for names in ground.siblings.values())
