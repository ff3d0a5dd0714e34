"""Tuning for another device than this machine, through the protocols alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import halide as hl

import autosearch
from autosearch.machine import Machine
from autosearch.measure.device import ThisMachine, Work
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Built, Candidate, Effort, Inputs, Limits, Timed
from autosearch.records.log import read_log
from autosearch.testing.sample import blur


class BoardRunner:
    """A `Runner` that is no `LocalRunner`: it hands everything on to one."""

    def __init__(self, local: LocalRunner) -> None:
        self._local = local
        self.places = 1

    def limit(self, limits: Limits) -> None:
        """See `Runner.limit`."""
        self._local.limit(limits)

    def build(self, candidates: Sequence[Candidate], places: Sequence[int] | None = None) -> list[Built]:
        """See `Runner.build`."""
        return self._local.build(candidates, [0] * len(candidates))

    def run(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """See `Runner.run`: it is slower by half than this machine."""
        timed = self._local.run(built, effort, inputs)
        return replace(timed, times=tuple(1.5 * time for time in timed.times))

    def publish(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """See `Runner.publish`."""
        return self._local.publish(built, effort, inputs)

    def release(self, built: Sequence[Built]) -> None:
        """See `Runner.release`."""
        self._local.release(built)

    def reset(self) -> None:
        """See `Runner.reset`."""
        self._local.reset()

    def close(self) -> None:
        """See `Runner.close`."""
        self._local.close()


@dataclass(frozen=True)
class Board:
    """A `Device`."""

    name: str

    def parse_target(self, text: str | hl.Target) -> hl.Target:
        """See `Device.parse_target`."""
        return hl.Target(text) if isinstance(text, str) else text

    def machine(self, target: hl.Target) -> Machine:
        """See `Device.machine`."""
        return Machine(cpu=self.name, cores=1)

    def open(self, work: Work) -> BoardRunner:
        """See `Device.open`."""
        return BoardRunner(ThisMachine(1).open(work))


def test_a_board_is_tuned_for_like_this_machine_and_what_it_measured_does_not_count_elsewhere(tmp_path: Path) -> None:
    log = tmp_path / "boards.jsonl"
    for name in ("one", "other"):
        result = autosearch.tune(blur(), trials=3, log=log, progress=False, device=Board(name))
        assert result.best_time > 0 and "Adams2019" in result.baselines
    searched = [record.identity.cpu for record in read_log(log).trials if not record.baseline]
    assert searched == ["one"] * 3 + ["other"] * 3
