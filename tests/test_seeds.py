"""What a search begins with: a few schedules of each style that suits the pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from autosearch.choices import STYLE, Proposal
from autosearch.journal import Journal
from autosearch.measure.measurer import Stopwatch
from autosearch.schedule.schedule import Schedule
from autosearch.seeds import STYLED, Seeds
from autosearch.testing.sample import ROOT
from tests.conftest import snapshot_of, space_of
from tests.made import identity_of, trial

TRIALS = 500


def _seeds(sample: str) -> Seeds:
    snapshot = snapshot_of(sample)
    with ExitStack() as stack:
        journal = Journal.open(None, identity_of(snapshot), snapshot, stack)
    return Seeds(space_of(sample), journal, Stopwatch())


def _length(proposals: Sequence[Proposal]) -> list[float]:
    """Takes short schedules for fast."""
    return [float(len(one.schedule)) for one in proposals]


def _styled(sample: str, seed: int = 0) -> list[Proposal]:
    return _seeds(sample).styled(seed, TRIALS, _length)


def test_each_style_that_suits_the_pipeline_has_its_own() -> None:
    usual = {"free", "rows", "tiles", "stages"}
    assert {one.trace.by_key[STYLE] for one in _styled("blur")} == usual
    assert {one.trace.by_key[STYLE] for one in _styled("matmul")} == usual | {"registers"}
    assert {one.trace.by_key[STYLE] for one in _styled("lookup")} == usual | {"channels"}


def test_they_are_few_different_and_the_same_by_the_seed() -> None:
    found = _styled("lookup")
    assert len({one.schedule.digest for one in found}) == len(found) <= 5 * STYLED
    assert found == _styled("lookup") != _styled("lookup", seed=1)


def test_they_are_those_expected_to_be_fastest() -> None:
    short = _styled("lookup")
    long = _seeds("lookup").styled(0, TRIALS, lambda many: [-one for one in _length(many)])
    assert sum(_length(short)) < 0.8 * sum(_length(long))


def test_a_short_search_and_one_under_way_do_without() -> None:
    assert _seeds("blur").styled(0, 20, _length) == []
    seeds = _seeds("blur")
    seeds.journal.trials.append(trial("blur", Schedule(), 1e-3, baseline="default"))
    assert seeds.styled(0, TRIALS, _length)
    seeds.journal.trials.append(trial("blur", ROOT, 1e-3))
    assert seeds.styled(0, TRIALS, _length) == []
