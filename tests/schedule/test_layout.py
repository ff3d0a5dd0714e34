"""How the dimensions of a Func lie in memory."""

from __future__ import annotations

import pytest

from autosearch.errors import ScheduleError
from autosearch.schedule.directives import ReorderStorage
from autosearch.schedule.layout import contiguous_run, storage_order
from tests.conftest import snapshot_of

OUT = snapshot_of("sharpen").algorithm.func("out")
"""Of x, y and c."""


def test_reorder_storage_permutes_the_dimensions_that_it_names() -> None:
    assert storage_order(OUT, ()) == (0, 1, 2)
    assert storage_order(OUT, [ReorderStorage(("c", "x", "y"))]) == (2, 0, 1)
    assert storage_order(OUT, [ReorderStorage(("c", "x"))]) == (2, 1, 0)
    assert storage_order(OUT, [ReorderStorage(("c", "x")), ReorderStorage(("y", "c"))]) == (1, 2, 0)


def test_an_unknown_dimension_is_refused() -> None:
    with pytest.raises(ScheduleError, match="no dimension 'z'"):
        storage_order(OUT, [ReorderStorage(("x", "z"))])


def test_a_run_goes_on_while_dimensions_are_whole() -> None:
    stored = (64, 10, 3)
    assert contiguous_run((16, 10, 3), stored, (0, 1, 2)) == 16
    assert contiguous_run((64, 4, 3), stored, (0, 1, 2)) == 64 * 4
    assert contiguous_run((64, 10, 2), stored, (0, 1, 2)) == 64 * 10 * 2
    assert contiguous_run((16, 1, 3), stored, (2, 0, 1)) == 3 * 16
    assert contiguous_run((), (), ()) == 1
