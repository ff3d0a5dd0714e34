"""What every `Runner` must do, and the `Device` that opens it.

    class TestMyBoard(RunnerSuite):
        device = MyBoard("pi.local")

All tests share one runner, so that each also shows that it has got over the candidates of the test before. The suite
takes about half a minute on this machine; bad candidates have a second to compile and less to run.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import ClassVar

import pytest

from autosearch.baselines import root_schedule
from autosearch.choices import RandomChooser, draw
from autosearch.machine import Machine
from autosearch.measure.device import Device, Work
from autosearch.measure.protocol import Candidate, Effort, Failure, Inputs, Limits, Runner, Timed
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.schedule.schedule import Schedule
from autosearch.space.cpu import CpuSpace
from autosearch.testing import bad_candidates as bad
from autosearch.testing.sample import ROOT, TILED, blur

LIMITS = Limits(compile_seconds=20.0, run_seconds=5.0, reference_seconds=20.0, memory_bytes=1 << 30)
SHORT = Limits(compile_seconds=1.0, run_seconds=0.3, reference_seconds=5.0, memory_bytes=1 << 30)
ONCE = Effort(samples=1, min_samples=1, seconds=0.0, sample_seconds=0.0)


def measure(runner: Runner, candidate: Candidate, limits: Limits = LIMITS) -> Timed:
    """Build and run one candidate, and forget it."""
    runner.limit(limits)
    built = runner.build([candidate])[0]
    timed = runner.run(built, ONCE)
    runner.release([built])
    return timed


def random_schedule(snapshot: Snapshot, seed: int) -> Schedule:
    """A random schedule of the space of a pipeline."""
    space = CpuSpace(snapshot.flow, snapshot.regions, dict(snapshot.sizes.inputs), Machine())
    return draw(space, RandomChooser(random.Random(seed))).schedule


class RunnerSuite:
    """Conformance tests of the protocols `Device` and `Runner`."""

    device: ClassVar[Device]
    target: ClassVar[str] = "host"

    @pytest.fixture(scope="class")
    @classmethod
    def work(cls) -> Work:
        """The sample, to be measured on the device."""
        target = cls.device.parse_target(cls.target)
        return Work(take(blur, target), target, limits=LIMITS)

    @pytest.fixture(scope="class")
    @classmethod
    def runner(cls, work: Work) -> Iterator[Runner]:
        """A runner with the reference published."""
        runner = cls.device.open(work)
        reference = runner.build([Candidate(root_schedule(work.snapshot.algorithm))])[0]
        assert runner.publish(reference, ONCE).failure is None
        yield runner
        runner.close()

    @pytest.fixture(autouse=True)
    def goes_on_afterwards(self, runner: Runner) -> Iterator[None]:
        """Whatever a test did, a good candidate can be measured after it."""
        yield
        timed = measure(runner, Candidate(TILED))
        assert (timed.failure, timed.message, timed.checked, len(timed.times)) == (None, "", True, 1)

    def test_good_candidates_get_times(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        candidates = [Candidate(TILED), Candidate(ROOT), Candidate(Schedule())]
        built = runner.build(candidates)
        assert [one.candidate for one in built] == candidates
        for one in built:
            assert (one.failure, one.message) == (None, "")
            assert one.handle is not None and one.seconds > 0
            timed = runner.run(one, Effort(samples=4, seconds=0.01, min_samples=2))
            assert 2 <= len(timed.times) <= 4 and min(timed.times) > 0
            assert timed.failure is None and timed.checked
        runner.release(built)

    def test_the_same_machine_is_told_every_time(self, work: Work) -> None:
        machine = self.device.machine(work.target)
        assert machine.cpu and machine.cores > 0 and machine == self.device.machine(work.target)

    def test_schedules_of_the_space_are_right(self, runner: Runner, work: Work) -> None:
        runner.limit(LIMITS)
        built = runner.build([Candidate(random_schedule(work.snapshot, seed)) for seed in range(4)])
        assert [runner.run(one, ONCE).failure for one in built] == [None] * 4

    def test_what_is_held_can_be_built_again(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        held = runner.build([Candidate(TILED), bad.ILLEGAL, Candidate(ROOT)])
        again = runner.build([one.candidate for one in held] * runner.places, [p for p in range(runner.places) for _ in held])
        runner.release(held)
        assert [runner.run(one, ONCE).failure for one in again] == [None, Failure.ILLEGAL, None] * runner.places
        runner.release(again)

    def test_candidates_are_built_where_they_are_wanted(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        wanted = [place for place in reversed(range(runner.places)) for _ in range(2)]
        built = runner.build([Candidate(TILED), Candidate(ROOT)] * runner.places, wanted)
        assert [one.place for one in built] == wanted
        assert [runner.run(one, ONCE).failure for one in built] == [None] * len(built)
        runner.release(built)

    def test_contenders_are_timed_in_turn(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        built = runner.build([Candidate(TILED), bad.ILLEGAL, Candidate(ROOT)], [0, 0, 0])
        for _ in range(3):
            assert [bool(runner.run(one, ONCE).times) for one in built] == [True, False, True]
        runner.release(built)

    def test_the_time_at_several_sizes_is_their_geometric_mean(self, work: Work) -> None:
        several = replace(work, snapshot=take(blur, work.target, sizes=[(96, 64), (20, 12)]))
        runner = self.device.open(several)
        try:
            root, tiled = runner.build([Candidate(ROOT), Candidate(TILED)])
            for inputs in (Inputs.TIMED, Inputs.ODD, Inputs.SMALL):
                assert runner.publish(root, ONCE, inputs).failure is None
            timed = runner.run(tiled, replace(ONCE, samples=3, min_samples=3))
            assert timed.failure is None and len(timed.by_size) == 2
            for one, *each in zip(timed.times, *timed.by_size, strict=True):
                assert math.isclose(one, math.prod(each) ** 0.5, rel_tol=1e-6)
            assert runner.run(root, ONCE, Inputs.SMALL).failure is None
            assert runner.run(tiled, ONCE, Inputs.SMALL).failure is Failure.BOUNDS  # its tiles don't fit
        finally:
            runner.close()

    def test_there_is_no_small_size_where_one_is_tuned_for(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        built = runner.build([Candidate(TILED)])[0]
        assert runner.run(built, ONCE, Inputs.SMALL).failure is not None

    def test_nothing_to_build(self, runner: Runner) -> None:
        assert runner.build([]) == []

    def test_an_illegal_schedule_says_why(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        built = runner.build([bad.ILLEGAL])[0]
        assert built.failure is Failure.ILLEGAL and built.handle is None and "image_im" in built.message
        assert runner.run(built, ONCE) == Timed(failure=built.failure, message=built.message)

    def test_a_wrong_output_is_found(self, runner: Runner) -> None:
        timed = measure(runner, bad.wrong())
        assert timed.failure is Failure.WRONG and timed.times == ()
        assert "6144 elements are wrong" in timed.message

    def test_one_wrong_element_is_found(self, runner: Runner) -> None:
        timed = measure(runner, bad.wrong_in_one_element())
        assert timed.failure is Failure.WRONG
        assert "1 of 6144 elements are wrong, the first at (95, 63)" in timed.message

    def test_without_the_check_a_wrong_output_passes(self, runner: Runner) -> None:
        """Rounds after the first of a race do without it."""
        runner.limit(LIMITS)
        timed = runner.run(runner.build([bad.wrong()])[0], Effort(samples=1, check=False))
        assert timed.failure is None and not timed.checked

    def test_a_published_output_is_the_reference_from_then_on(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        right, other = runner.build([Candidate(TILED), bad.wrong()])
        assert runner.publish(other, ONCE).failure is None
        assert runner.run(right, ONCE).failure is Failure.WRONG
        assert runner.run(other, ONCE).failure is None
        assert runner.publish(right, ONCE).failure is None

    @pytest.mark.parametrize(
        ("make", "failure"),
        [
            (bad.reads_too_far, Failure.BOUNDS),
            (bad.dies, Failure.CRASH),
            (bad.never_ends, Failure.RUN_TIMEOUT),
            (bad.wants_memory, Failure.MEMORY),
            (bad.compiles_for_ages, Failure.COMPILE_TIMEOUT),
            (bad.kills_the_compiler, Failure.CRASH),
        ],
    )
    def test_a_bad_candidate_costs_itself_only(
        self, runner: Runner, make: Callable[[], Candidate], failure: Failure
    ) -> None:
        timed = measure(runner, make(), SHORT)
        assert timed.failure is failure
        assert timed.message and timed.times == ()

    def test_good_ones_among_bad_ones(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        built = runner.build(
            [Candidate(TILED), bad.kills_the_compiler(), Candidate(ROOT), bad.dies(), Candidate(TILED)]
        )
        failures = [runner.run(one, ONCE).failure for one in built]
        assert failures == [None, Failure.CRASH, None, Failure.CRASH, None]

    def test_slow_ones_are_given_up_early(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        built = runner.build([Candidate(TILED)])[0]
        timed = runner.run(built, Effort(samples=50, seconds=10.0, give_up=0.0))
        assert timed.failure is None and 1 <= len(timed.times) <= 2

    def test_after_a_reset_work_goes_on(self, runner: Runner) -> None:
        runner.limit(LIMITS)
        kept = runner.build([Candidate(TILED)])[0]
        runner.reset()
        runner.release([kept])
        assert measure(runner, Candidate(ROOT)).failure is None

    def test_closed_twice_is_closed(self, work: Work) -> None:
        runner = self.device.open(work)
        runner.close()
        runner.close()
