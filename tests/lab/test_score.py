"""The calculated curve of random search is what random search does; scores are 0 for it and 1 for who knows the optimum."""

from __future__ import annotations

import itertools
from dataclasses import replace
from statistics import mean

import numpy as np
import pytest

from autosearch.errors import LogError
from autosearch.lab.recording import Recording
from autosearch.lab.score import RandomSearch, bootstrap
from autosearch.lab.simulation import Progress, cost, simulate
from autosearch.lab.space import RecordedSpace
from tests.lab.samples import whole


def _of_times(*times: float | None) -> Recording:
    points = whole(2).points
    chosen = [replace(one, seconds=t, failure="" if t else "crash") for one, t in zip(points, times, strict=False)]
    return replace(whole(2), points=tuple(chosen))


def test_the_expected_minimum_is_that_of_all_draws() -> None:
    times = (3.0, 1.0, 2.0, 7.0, 2.0)
    random = RandomSearch(_of_times(*times, None))
    assert (random.optimum, random.worst) == (1.0, 7.0)
    for k in range(1, 7):
        draws = itertools.combinations((*times, 7.0), k)  # what failed counts as the slowest
        assert random.expected[k] == pytest.approx(mean(min(draw) for draw in draws))


def test_random_search_as_it_runs_scores_nothing() -> None:
    recording = whole(2, failing=4)
    random, space = RandomSearch(recording), RecordedSpace(recording)
    moments = random.moments(100)
    runs = [simulate(space, "random", seed, float(moments[-1]), 1000) for seed in range(150)]
    measured = np.mean([run.at(moments) for run in runs], axis=0)
    assert measured == pytest.approx(random.at(moments), rel=0.2)
    score = bootstrap([np.array([random.score(run, moments).mean() for run in runs])])
    assert score.wide[0] < 0 < score.wide[1]


def test_who_finds_the_optimum_at_once_scores_one_and_who_finds_nothing_less_than_none() -> None:
    random = RandomSearch(whole(2))
    moments = random.moments(100)
    at_once = Progress(np.array([0.0]), np.array([random.optimum]))
    never = Progress(np.array([0.0]), np.array([np.inf]))
    assert random.score(at_once, moments) == pytest.approx(1.0)
    assert (random.score(never, moments) < 0).all()


def test_a_run_is_as_long_as_asked_for_but_no_longer_than_half_of_the_space() -> None:
    random = RandomSearch(whole(2))
    assert random.moments(30)[-1] == pytest.approx(30 * random.seconds_each)
    assert random.moments(10_000)[-1] == pytest.approx(len(whole(2).points) / 2 * random.seconds_each)


@pytest.mark.parametrize("times", [(None, None), (2.0, 2.0, None)])
def test_where_there_is_nothing_to_find(times: tuple[float | None, ...]) -> None:
    with pytest.raises(LogError, match="nothing to find"):
        RandomSearch(_of_times(*times))


def test_the_clock_is_charged_with_what_was_recorded() -> None:
    recording = whole(2)
    slow = tuple(replace(one, compile_seconds=0.4, timing_seconds=1.0) for one in recording.points)
    space = RecordedSpace(replace(recording, points=slow))
    assert cost(slow[0], workers=4) == pytest.approx(1.1)
    run = simulate(space, "random", 0, 9.5, 1000, batch=4, workers=4)
    assert run.moments == pytest.approx(1.1 * np.arange(1, 13))  # the batch under way is ended
    assert run.at(np.array([0.5, 1.2]))[0] == np.inf and run.at(np.array([1.2]))[0] == run.best[0]
    assert len(simulate(space, "random", 0, 1e9, 7).best) == 7
    assert len(simulate(space, "random", 0, 1e9, 10**6).best) == len(slow)


def test_intervals_are_of_the_mean_over_spaces() -> None:
    one, other = np.full(20, 1.0), np.linspace(-1.0, 1.0, 20)
    score = bootstrap([one, other])
    assert score.value == pytest.approx(0.5) and score.low < 0.5 < score.high
    assert score.wide[0] <= score.low and score.high <= score.wide[1]
    assert bootstrap([one]).low == bootstrap([one]).high == 1.0
