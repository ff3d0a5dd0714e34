"""A recording is a space: every walk ends at a recorded point, and every point can be reached."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from autosearch.choices import FirstChooser, RandomChooser, Replay, Trace, draw
from autosearch.errors import LogError
from autosearch.lab.recording import Recording
from autosearch.lab.space import RecordedSpace
from benchmarks.exhaustive import walk
from tests.lab.samples import sample, whole


@pytest.mark.parametrize("recording", [whole(2), sample(80)], ids=["whole", "sample"])
def test_its_schedules_are_the_recorded_ones_each_once(recording: Recording) -> None:
    found = [proposal.schedule.digest for proposal in walk(RecordedSpace(recording))]
    assert sorted(found) == sorted(point.schedule.digest for point in recording.points)


def test_a_whole_space_asks_what_the_space_itself_asked() -> None:
    recording = whole(2)
    for proposal in walk(RecordedSpace(recording)):
        assert proposal.trace == RecordedSpace(recording).point(proposal.schedule.digest).trace


def test_the_answers_of_a_sample_lead_to_their_point() -> None:
    space = RecordedSpace(sample(60))
    for point in space.recording.points:
        assert draw(space, Replay(point.trace.by_key, FirstChooser())).schedule == point.schedule


def test_random_draws_are_uniform_over_the_points() -> None:
    space, chooser = RecordedSpace(sample(12)), RandomChooser(random.Random(1))
    counts = Counter(draw(space, chooser).schedule.digest for _ in range(6000))
    assert len(counts) == 12 and min(counts.values()) > 400 and max(counts.values()) < 600


def test_points_of_different_spaces_are_refused() -> None:
    one, *others = whole(1).points
    for answers in ((("another question", 1),), ()):
        mixed = replace(whole(1), points=(replace(one, trace=Trace(answers)), *others))
        with pytest.raises(LogError, match=r"'whole' are not of one space: after the same answers, .* is asked"):
            RecordedSpace(mixed)

