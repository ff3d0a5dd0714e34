"""The race: it ends when somebody is clearly fastest, names failures, and its winner is right elsewhere too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from autosearch.finalists import (
    CLOSE_ROUNDS,
    HOPELESS_ROUNDS,
    LEAST_ROUNDS,
    LOOK_EVERY,
    MOST_ROUNDS,
    OTHERS_EVERY,
    STRETCH,
    Contender,
    Race,
    confirm,
    run_race,
    seconds_beyond,
)
from autosearch.measure.data import SharedMemory, fill_sets, layout_sets, memory_of
from autosearch.measure.protocol import Built, Candidate, Effort, Inputs, Timed
from autosearch.testing import bad_candidates as bad
from tests.conftest import snapshot_of
from tests.made import TILED
from tests.measure.local_runner import LIMITS, local_runner, reference_of
from tests.measure.simulated import SimulatedRunner

CANDIDATES = [Candidate(scheduled=bytes([number])) for number in range(3)]


def _race(*seconds: float | None, pace: Callable[[int, int], float] = lambda place, clock: 1.0) -> Race:
    """A race of kernels that take so long; None for one that dies."""

    def of(candidate: Candidate) -> float | None:
        assert candidate.scheduled is not None
        return seconds[candidate.scheduled[0]]

    contenders = [Contender(str(n), CANDIDATES[n], None) for n in range(len(seconds))]
    return run_race(SimulatedRunner(of, pace), contenders, 1.0, 0)


def test_it_ends_when_the_winner_is_clear() -> None:
    race = _race(1.0e-3, 1.1e-3, 5e-3)
    assert race.fastest is race.contenders[0]
    assert [len(row) for row in race.samples] == [2 * LOOK_EVERY] * 3  # in each of two processes


def test_equals_race_to_the_end() -> None:
    race = _race(1e-3, 1e-3)
    assert [len(row) for row in race.samples] == [2 * MOST_ROUNDS] * 2


def test_a_pace_that_hits_all_changes_nothing() -> None:
    race = _race(1.0e-3, 1.02e-3, pace=lambda place, clock: 1.0 + ((clock - 1) // 2) % 3)
    assert race.fastest is race.contenders[0]


def test_who_sat_out_the_quiet_rounds_may_still_win() -> None:
    """All of it took part in while the machine was slow, but for a few rounds; in each of them it was faster."""
    busy, quiet = 10, 30
    other = (3.3e-3,) * busy + (1.1e-3,) * quiet
    best = (3.0e-3,) * busy + tuple(1e-3 if number % OTHERS_EVERY == 0 else None for number in range(quiet))
    contenders = tuple(Contender(str(n), CANDIDATES[n], None) for n in range(2))
    assert Race(contenders, (other, best)).fastest is contenders[1]


def test_the_hopeless_take_part_in_the_first_heat_only() -> None:
    race = _race(1e-3, 1.1e-3, 50e-3)
    assert len([sample for sample in race.samples[2] if sample is not None]) == HOPELESS_ROUNDS
    assert {len(row) for row in race.samples} == {2 * LOOK_EVERY}


def test_who_dies_in_one_heat_is_out_of_all() -> None:
    contenders = tuple(Contender(str(n), CANDIDATES[n], None) for n in range(2))
    one = Race(contenders, ((1e-3, 1e-3), (2e-3, 2e-3)))
    other = Race(contenders, ((None, None), (2e-3, 2e-3)), {"0": "crash: it died"})
    assert one.joined(other) == Race(contenders, ((None,) * 4, (2e-3,) * 4), {"0": "crash: it died"})


def test_one_that_dies_is_out_and_it_says_why() -> None:
    race = _race(1e-3, None, 2e-3)
    assert race.failures == {"1": "crash: it died"} and not any(race.samples[1])
    assert len({len(row) for row in race.samples}) == 1 and race.fastest is race.contenders[0]


def test_nobody_left() -> None:
    race = _race(None, None)
    assert race.fastest is None and set(race.failures) == {"0", "1"}


# Elsewhere -------------------------------------------------------------------------------------------------------------


def _first_value() -> int:
    """Of the input that the runner of the tests times on."""
    sets = layout_sets(snapshot_of("blur"))
    memory = SharedMemory(memory_of(sets))
    fill_sets(sets, memory, {}, seed=0)
    value = int(sets[0][0].inputs[0].view(memory.map)[0, 0])
    memory.close()
    return value


@pytest.mark.parametrize(
    ("lucky", "where"),
    [(lambda: bad.right_on_one_input(_first_value()), "on a second input"), (bad.right_at_one_size, "at an odd size")],
)
def test_one_that_is_right_by_luck_does_not_win(lucky: Callable[[], Candidate], where: str) -> None:
    with local_runner("blur") as runner:
        runner.limit(LIMITS)
        contenders = (Contender("lucky", lucky(), None), Contender("honest", Candidate(TILED), TILED))
        race = run_race(runner, contenders, 0.05, 0)
        assert race.failures == {}
        race = Race(contenders, ((1e-3,), (2e-3,)))  # whoever was faster
        confirmed = confirm(runner, race, reference_of("blur"))
    assert confirmed.fastest is contenders[1] and confirmed.samples == ((None,), (2e-3,))
    assert list(confirmed.failures) == ["lucky"] and confirmed.failures["lucky"].startswith(f"{where}: wrong")


def test_a_schedule_may_refuse_an_odd_size() -> None:
    with local_runner("blur") as runner:
        runner.limit(LIMITS)
        race = Race((Contender("whole", bad.only_at_the_size_tuned_for(), None),), ((1e-3,),))
        assert confirm(runner, race, reference_of("blur")) == race


def test_what_slow_contenders_take_is_known_before() -> None:
    assert seconds_beyond([1e-6, 1e-6], 6.0, 2) == pytest.approx(0.0, abs=1e-4)
    assert seconds_beyond([0.01, 6.0, 0.02, 5.0], 6.0, 2) == pytest.approx(HOPELESS_ROUNDS * (11.0 + 2 * 0.03))
    slow = seconds_beyond([0.5, 6.0], 6.0, 2)  # not slow enough to sit out, so that each heat has a few rounds of them
    assert slow == pytest.approx(2 * LEAST_ROUNDS * 6.5 - 6.0)
    many = seconds_beyond([0.02] * 8 + [0.08], 1.0, 2)  # eight that must be told apart have more rounds than there is time
    assert many == pytest.approx(HOPELESS_ROUNDS * 2 * 0.24 + STRETCH * 1.0 - 1.0)
    enough = seconds_beyond([0.02] * 8 + [0.08], 3.0, 2)
    a_heat = (LEAST_ROUNDS - HOPELESS_ROUNDS) * 0.24 + (CLOSE_ROUNDS - LEAST_ROUNDS) * (0.16 + 0.08 / OTHERS_EVERY)
    assert enough == pytest.approx(2 * (HOPELESS_ROUNDS * 0.24 + a_heat) - 3.0)


def test_the_time_taken_beyond_is_that_of_a_race() -> None:
    """Of the least one: where nobody's time is left."""
    seconds = [0.003, 0.05, 0.2]
    contenders = [Contender(str(n), CANDIDATES[n], None) for n in range(3)]
    took = 0.0

    class Clocked(SimulatedRunner):
        def run(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
            nonlocal took
            timed = super().run(built, effort, inputs)
            took += timed.times[0]
            return timed

    def of(candidate: Candidate) -> float:
        assert candidate.scheduled is not None
        return seconds[candidate.scheduled[0]]

    race = run_race(Clocked(of, lambda place, clock: 1.0), contenders, 0.0, 0)
    assert race.fastest is race.contenders[0]
    least = seconds_beyond(seconds, 0.0, 2)
    assert least == pytest.approx(2 * (LEAST_ROUNDS * 0.053 + HOPELESS_ROUNDS * 0.2 / 2))
    assert least == pytest.approx(took)
