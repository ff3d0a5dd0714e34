"""Channels: short dimensions that are fixed once the outputs' are, and so may be stated, laid together and unrolled."""

from __future__ import annotations

import random

import pytest

from autosearch.choices import FirstChooser, RandomChooser, Replay, draw
from autosearch.pipeline.bounds import extents
from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.operations import varying_share
from autosearch.schedule.directives import Bound, ReorderStorage
from autosearch.schedule.schedule import Schedule
from autosearch.space.imitate import imitate
from tests.conftest import snapshot_of, space_of
from tests.schedule import test_nests
from tests.space.running import assert_right

ANSWERS = {
    "style": "channels", "out/bound/c": "exact", "sliced/place": "out.0/y@outer", "maps/place": "root",
    "tables/place": "root", "tables/bound/j": "exact", "sliced/storage": "m first", "tables/storage": "j first",
    "maps/storage": "m first",
}  # fmt: skip


def _made(**others: str) -> Schedule:
    answers = ANSWERS | {key.replace("__", "/"): answer for key, answer in others.items()}
    return draw(space_of("lookup"), Replay(answers, FirstChooser())).schedule


def test_what_has_channels_follows_from_those_of_the_outputs() -> None:
    ground = space_of("lookup").ground(Schedule())
    assert {name: dims for name, dims in ground.channels.items() if dims} == {
        "tables": ("j", "i"), "maps": ("m",), "sliced": ("m",), "out": ("c",),
    }  # fmt: skip
    assert ground.gathers and ground.gathered["maps"] == ground.gathered["tables"] == ("z",)
    assert not space_of("sharpen").ground(Schedule()).gathers


def test_an_extent_is_stated_only_where_halide_could_not_tell() -> None:
    """It can where the channels of the output are stated, and read at an affine index."""
    stated = {(step.stage.func, step.directive.dim) for step in _made() if isinstance(step.directive, Bound)}
    assert stated == {("out", "c"), ("tables", "j")}


def test_where_the_outputs_may_have_any_channels_nothing_is_stated() -> None:
    assert not any(isinstance(step.directive, Bound) for step in _made(out__bound__c="any"))


def test_a_stated_dimension_is_computed_whole_wherever_it_is() -> None:
    """Of tables one j is needed in each iteration of the innermost loop of maps; three are computed."""
    answers = {"tables__place": "maps.0/m@outer", "maps__storage": "declared"}
    answers |= {"maps.0__vector": "none", "sliced.0__vector": "none"}
    space = space_of("lookup")
    for stated, length in (("exact", 3), ("any", 1)):
        nest = space.nest(_made(**answers, tables__bound__j=stated))
        compute = nest.placements["tables"].compute
        assert compute is not None and compute.stage == StageKey("maps")
        box = nest.required("tables", compute)
        assert box is not None and extents(box)[3] == length


def test_channels_lie_together_then_what_depends_on_data() -> None:
    orders = {step.stage.func: step.directive.dims for step in _made() if isinstance(step.directive, ReorderStorage)}
    assert orders == {
        "sliced": ("m", "x", "y"), "maps": ("m", "z", "x", "y"), "tables": ("j", "i", "z", "x", "y"),
    }  # fmt: skip


def test_so_made_the_output_is_right_and_the_space_holds_it() -> None:
    schedule = _made()
    assert_right("lookup", schedule)
    assert imitate(space_of("lookup"), schedule).exact


@pytest.mark.parametrize("seed", range(3))
def test_random_ones_of_that_style_are_right(seed: int) -> None:
    chooser = Replay({"style": "channels", "out/bound/c": "exact"}, RandomChooser(random.Random(seed)))
    schedule = draw(space_of("lookup"), chooser).schedule
    assert_right("lookup", schedule)


def test_unrolling_adds_only_what_differs_from_copy_to_copy() -> None:
    algorithm = snapshot_of("lookup").algorithm
    out, sliced = (algorithm.func(name).stages[0] for name in ("out", "sliced"))
    assert varying_share(out, "x") == 1.0 and varying_share(out, "c") < 1.0
    assert varying_share(sliced, "m") < 0.5 < varying_share(sliced, "x")


def test_nests_of_many_schedules_know_what_is_stated() -> None:
    test_nests.test_funcs_are_computed_and_stored_at_the_same_levels_and_in_the_same_regions("lookup")
    test_nests.test_loops_and_the_ranges_of_variables_at_each_level_are_the_same("lookup")
