"""One time out of those that a kernel takes at several sizes: their geometric mean."""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.measure.protocol import Failure, Timed
from autosearch.measure.statistics import geometric_mean


def over_sizes(found: Sequence[Timed]) -> Timed:
    """What one kernel gave at each size, up to the first at which it failed, as one: where it failed anywhere, it failed.

    Samples are matched in the order in which they were taken.
    """
    if not found:
        return Timed(failure=Failure.RUNTIME, message="there are no such inputs")
    if len(found) == 1:
        return found[0]
    failed = found[-1]
    if failed.failure is not None:
        return failed
    by_size = tuple(one.times for one in found)
    times = tuple(geometric_mean(sample) for sample in zip(*by_size, strict=False))
    return Timed(times, checked=all(one.checked for one in found), by_size=by_size)
