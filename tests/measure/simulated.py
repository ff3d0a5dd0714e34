"""A runner on a simulated clock: kernels of known speed on a machine whose pace changes, without noise of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autosearch.measure.protocol import Built, Candidate, Effort, Failure, Inputs, Limits, Timed


class SimulatedRunner:
    """Implements `Runner`. A kernel's seconds are those of its candidate times the pace of its process, by the clock."""

    def __init__(
        self, seconds: Callable[[Candidate], float | None], pace: Callable[[int, int], float], places: int = 2
    ) -> None:
        """`seconds` of a candidate (None: it crashes when run); `pace` of a place after so many runs in it."""
        self.places = places
        self.clock = [0] * places
        self.kernels: set[tuple[int, int]] = set()
        self.checks = 0
        self._seconds = seconds
        self._pace = pace
        self._made = 0

    def limit(self, limits: Limits) -> None:
        """See `Runner.limit`."""

    def build(self, candidates: Sequence[Candidate], places: Sequence[int] | None = None) -> list[Built]:
        """See `Runner.build`."""
        built = []
        for number, candidate in enumerate(candidates):
            where = number % self.places if places is None else places[number]
            self._made += 1
            self.kernels.add((where, self._made))
            built.append(Built(candidate, (where, self._made), where, 0.1))
        return built

    def run(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """See `Runner.run`."""
        assert built.handle in self.kernels
        seconds = self._seconds(built.candidate)
        if seconds is None:
            return Timed(failure=Failure.CRASH, message="it died")
        self.checks += effort.check
        self.clock[built.place] += 1
        return Timed(
            (seconds * self._pace(built.place, self.clock[built.place]),) * effort.samples, checked=effort.check
        )

    def publish(self, built: Built, effort: Effort, inputs: Inputs = Inputs.TIMED) -> Timed:
        """See `Runner.publish`."""
        return self.run(built, effort, inputs)

    def release(self, built: Sequence[Built]) -> None:
        """See `Runner.release`."""
        self.kernels -= {one.handle for one in built if one.handle is not None}

    def reset(self) -> None:
        """See `Runner.reset`."""

    def close(self) -> None:
        """See `Runner.close`."""
