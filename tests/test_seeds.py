"""What a search begins with: a few schedules of each style that suits the pipeline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack

from autosearch.choices import STYLE, FirstChooser, Option, Proposal, Replay, draw
from autosearch.journal import Journal
from autosearch.measure.measurer import Stopwatch
from autosearch.schedule.schedule import Schedule
from autosearch.seeds import STYLED, Seeds
from autosearch.strategies.base import Predict
from autosearch.testing.sample import ROOT
from tests.conftest import snapshot_of, space_of
from tests.made import identity_of, trial

TRIALS, SECONDS = 500, math.inf


def _seeds(sample: str) -> Seeds:
    snapshot = snapshot_of(sample)
    with ExitStack() as stack:
        journal = Journal.open(None, identity_of(snapshot), snapshot, stack)
    return Seeds(space_of(sample), journal, Stopwatch())


def _length(proposals: Sequence[Proposal]) -> list[float]:
    """Takes short schedules for fast."""
    return [float(len(one.schedule)) for one in proposals]


def _briefness(proposals: Sequence[Proposal]) -> list[float]:
    """Takes long schedules for fast."""
    return [-one for one in _length(proposals)]


def _styled(sample: str, seed: int = 0, predict: Predict = _length) -> list[Proposal]:
    return _seeds(sample).styled(seed, TRIALS, SECONDS, predict)


def _styles(sample: str) -> set[Option]:
    return {one.trace.by_key[STYLE] for one in _styled(sample, predict=_briefness)}


def test_each_style_that_suits_the_pipeline_has_its_own() -> None:
    usual = {"free", "rows", "tiles", "stages"}
    assert _styles("blur") == usual
    assert _styles("matmul") == usual | {"registers"}
    assert _styles("lookup") == usual | {"channels"}


def test_they_are_few_different_and_the_same_by_the_seed() -> None:
    found = _styled("lookup")
    assert len({one.schedule.digest for one in found}) == len(found) <= 5 * len(STYLED)
    assert found == _styled("lookup") != _styled("lookup", seed=1)


def test_they_are_those_expected_to_be_fastest() -> None:
    short, long = _styled("lookup"), _styled("lookup", predict=_briefness)
    assert sum(_length(short)) < 0.8 * sum(_length(long))


def test_their_answers_lead_to_them() -> None:
    for one in _styled("lookup"):
        again = Replay(one.trace.by_key, FirstChooser())
        assert draw(space_of("lookup"), again) == one and again.exact


def test_where_time_is_short_fewer_are_looked_at() -> None:
    looked_at: dict[float, int] = {}
    for seconds in (0.0, math.inf):
        seen: set[str] = set()

        def predict(many: Sequence[Proposal], seen: set[str] = seen) -> list[float]:
            seen.update(one.schedule.digest for one in many)
            return _length(many)

        assert _seeds("lookup").styled(0, TRIALS, seconds, predict)
        looked_at[seconds] = len(seen)
    assert looked_at[0.0] < 0.2 * looked_at[math.inf]


def test_a_short_search_and_one_under_way_do_without() -> None:
    assert _seeds("blur").styled(0, 20, SECONDS, _length) == []
    seeds = _seeds("blur")
    seeds.journal.trials.append(trial("blur", Schedule(), 1e-3, baseline="default"))
    assert seeds.styled(0, TRIALS, SECONDS, _length)
    seeds.journal.trials.append(trial("blur", ROOT, 1e-3))
    assert seeds.styled(0, TRIALS, SECONDS, _length) == []
