"""The kernels that will be wanted again, as anchors or in the race: they stay with the runner, so none is compiled twice."""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.measure.protocol import Built, Candidate, Runner


class Standing:
    """Holds some kernels for good, and of all others as many as there may be: the fastest."""

    def __init__(self, runner: Runner, most: int) -> None:
        self._runner = runner
        self._most = most
        self._for_good: list[Built] = []
        self._fastest: list[tuple[float, Built]] = []

    def keep(self, built: Sequence[Built]) -> None:
        """Hold kernels for good."""
        self._for_good += [one for one in built if one.handle is not None]

    def consider(self, built: Sequence[Built], seconds: Sequence[float | None]) -> None:
        """Hold those that are among the fastest, None being those that failed, and release the others; each candidate once."""
        ranked, rest = list(self._fastest), []
        known = {kernel.candidate for kernel in self._all}
        for one, kernel in zip(seconds, built, strict=True):
            if one is None or kernel.candidate in known:
                rest.append(kernel)
            else:
                known.add(kernel.candidate)
                ranked.append((one, kernel))
        ranked.sort(key=lambda pair: pair[0])
        self._fastest = ranked[: self._most]
        self._runner.release([*rest, *(kernel for _, kernel in ranked[self._most :])])

    def holds(self, candidate: Candidate) -> bool:
        """Whether nobody need compile it again."""
        return any(one.linked and one.candidate == candidate for one in self._all)

    @property
    def _all(self) -> list[Built]:
        return [*self._for_good, *(kernel for _, kernel in self._fastest)]
