"""Explanations: calls that matter are worth something, and the figures are those of the loop nest."""

from __future__ import annotations

import math
import re

import pytest

from autosearch.baselines import root_schedule
from autosearch.explain import Worth, calculate, explain
from autosearch.figures import differences, figures
from autosearch.machine import Machine
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from autosearch.testing.sample import HEIGHT, ROOT, TILED, WIDTH
from tests.conftest import snapshot_of
from tests.made import result_of


@pytest.fixture
def nests():  # type: ignore[no-untyped-def]
    return Structures(snapshot_of("blur")).nest


def test_figures_of_a_nest_worked_by_hand(nests) -> None:  # type: ignore[no-untyped-def]
    root = figures(nests(ROOT), Machine())
    blurred_rows, out = WIDTH * (HEIGHT + 2), WIDTH * HEIGHT
    assert root.operations == 6 * (blurred_rows + out)  # two additions, a division, three loads
    assert root.recompute == 1.0 and root.in_vectors == 0.0 and root.tasks == 1
    assert root.instructions == root.operations
    assert root.stored_bytes == 2 * blurred_rows and root.far_bytes == 0.0
    tiled = figures(nests(TILED), Machine())
    assert tiled.recompute == pytest.approx((out + WIDTH * (HEIGHT / 8) * 10) / (out + blurred_rows), rel=1e-3)
    assert tiled.in_vectors == 1.0 and tiled.tasks == HEIGHT / 8
    assert tiled.instructions == tiled.operations / 16
    assert tiled.stored_bytes == 2 * WIDTH * 10
    inlined = figures(nests(Schedule()), Machine())
    assert inlined.recompute > 1.4 and inlined.stored_bytes == 0.0


def test_far_bytes_are_what_the_second_cache_does_not_hold(nests) -> None:  # type: ignore[no-untyped-def]
    small = Machine(cache_bytes=(1 << 10, 2 << 10, 1 << 20))
    stored = 2 * WIDTH * (HEIGHT + 2)
    assert figures(nests(ROOT), small).far_bytes == 2 * stored  # written, and read again


def test_what_is_accumulated_in_registers_is_written_once() -> None:
    small = Machine(cache_bytes=(1 << 10, 2 << 10, 1 << 20))
    nest = Structures(snapshot_of("matmul")).nest(root_schedule(snapshot_of("matmul").algorithm))
    product, a, b = 4 * 64 * 40, 4 * 48 * 40, 4 * 64 * 48
    assert figures(nest, small).far_bytes == 4 * product + 2 * a + 2 * b  # set and read, updated and read; copied and read


def test_differences_are_sentences_about_what_differs(nests) -> None:  # type: ignore[no-untyped-def]
    root, tiled = figures(nests(ROOT), Machine()), figures(nests(TILED), Machine())
    said = list(differences(tiled, root))
    assert "does 100% of them in vectors, against 0%" in said
    assert "makes 8 parallel tasks of the main work, against 1" in said
    assert not list(differences(root, root))


def test_each_call_is_timed_without_it() -> None:
    found = explain(result_of("blur", TILED))
    calls = [one.call for one in found.worth]
    assert calls[0] == "blur_y.split(y, yo, yi, 8, GuardWithIf)" and len(calls) == len(TILED)
    worth = {one.call: one for one in found.worth}
    vectors = worth["blur_y.vectorize(xi)"].ratio
    assert vectors is not None and vectors > 1.5
    why = worth["blur_y.vectorize(xi)"].why
    assert any(re.fullmatch(r"does 100% of them in vectors, against \d+%", sentence) for sentence in why)
    assert any("parallel tasks of the main work, against 1" in one for one in worth["blur_y.parallel(yo)"].why)
    assert worth["blur_x.compute_at(blur_y, yo)"].instead in ("at root", "inlined")
    assert [one.baseline for one in found.comparisons] == ["root"]
    text = found.text()
    assert "what each call is worth" in text and "3.00x over root" in text
    assert f"blur_y.vectorize(xi)\n{'':13}{why[0]}" in text
    assert all(math.isfinite(one.ratio) for one in found.worth if one.ratio is not None)


def test_what_can_not_be_left_out_says_so() -> None:
    result = result_of("blur", TILED)
    text = calculate(result, [Worth("blur_x.compute_root()", None, "left out")]).text()
    assert " needed  blur_x.compute_root()" in text
