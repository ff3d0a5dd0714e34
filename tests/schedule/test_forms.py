"""What Funcs are under each structure: shared where a structure leaves them as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autosearch.pipeline.ir import StageKey
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.schedule.directives import CloneIn, RFactor, Split
from autosearch.schedule.forms import Family, Forms
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.structure import Structures
from tests.conftest import TARGET
from tests.schedule.test_structure import STRIPS, UPDATE, histogram

PLAIN = Schedule()
CLONED = Schedule.of_steps([(StageKey("half"), CloneIn("hist", "half_of_hist"))])
TALL = Schedule.of_steps([(UPDATE, Split("ry", "ryo", "ryi", 32)), (UPDATE, RFactor("ryo", "u", "hist_intm"))])


@pytest.fixture(scope="module")
def structures() -> Structures:
    return Structures(take(histogram, TARGET))


def joined(family: Family, snapshot: Snapshot) -> Forms:
    found = family.join(snapshot.flow, snapshot.regions)
    assert found is not None
    return found


def test_what_a_structure_leaves_as_it_is_has_one_form(structures: Structures) -> None:
    family = Family()
    plain, cloned, strips = (joined(family, structures.derive(one)) for one in (PLAIN, CLONED, STRIPS))
    assert plain.funcs["out"] is cloned.funcs["out"] is strips.funcs["out"]
    assert plain.funcs["hist"] is not cloned.funcs["hist"]  # the clone's reader
    assert plain.funcs["hist"] is not strips.funcs["hist"]
    assert cloned.funcs["half"] is plain.funcs["half"]
    assert list(family.order) == ["image_im", "half", "hist_intm", "half_of_hist", "hist", "out"]
    assert joined(family, structures.derive(STRIPS)).funcs == strips.funcs


def test_the_same_definition_of_another_region_is_another_form(structures: Structures) -> None:
    family = Family()
    strips, tall = (joined(family, structures.derive(one)) for one in (STRIPS, TALL))
    assert strips.funcs["hist_intm"].whole != tall.funcs["hist_intm"].whole
    numbers = [stage.number for one in (strips, tall) for stage in one.funcs["hist_intm"].stages]
    assert len(set(numbers)) == 4


def test_what_differs_too_much_does_not_join(structures: Structures) -> None:
    plain, strips = structures.derive(PLAIN), structures.derive(STRIPS)
    family = Family()
    joined(family, plain)
    funcs = plain.algorithm.funcs
    turned = replace(plain.flow, algorithm=replace(plain.algorithm, funcs=(funcs[1], funcs[0], *funcs[2:])))
    assert family.join(turned, plain.regions) is None
    joined(family, strips)
    wider = replace(strips.algorithm.func("hist_intm"), args=("i", "u", "v"))
    funcs = tuple(wider if one.name == "hist_intm" else one for one in strips.algorithm.funcs)
    assert family.join(replace(strips.flow, algorithm=replace(strips.algorithm, funcs=funcs)), strips.regions) is None
    assert len(family.order) == 5
