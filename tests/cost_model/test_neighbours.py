"""What is new and close to the fastest schedule."""

from __future__ import annotations

from typing import Any

from autosearch.choices import Option, Proposal, Trace
from autosearch.cost_model.neighbours import Neighbours, other_decision, placement
from autosearch.schedule.schedule import Schedule


def _proposal(*steps: Any, **answers: Option) -> Proposal:
    return Proposal(Trace(tuple(answers.items())), Schedule.from_json([list(step) for step in steps]))


FASTEST = _proposal(("f", "compute_root"), ("g", "compute_root"), width=8, tiles=0, vector="x")
SLOWER = _proposal(("f", "compute_root"), width=4, tiles=0, vector="x")


def _neighbours() -> Neighbours:
    found = Neighbours()
    found.observe(FASTEST, 1.0)
    found.observe(SLOWER, 2.0)
    return found


def test_what_only_one_was_asked_is_no_decision_of_its_own() -> None:
    one = Trace((("tiles", 1), ("tile0/x", 8), ("width", 8)))
    assert other_decision(one, FASTEST.trace) == ("tiles", 1)
    assert other_decision(FASTEST.trace, one) == ("tiles", 0)
    assert other_decision(one, one) is None
    assert other_decision(Trace((("tiles", 1), ("width", 16))), FASTEST.trace) is None


def test_one_func_elsewhere_each_placement_once() -> None:
    moved = _proposal(("f", "compute_root"), ("g", "compute_at", ["f", "x"]))
    again = _proposal(("f", "compute_root"), ("g", "compute_at", ["f", "x"]), ("g", "vectorize", "x"))
    both = _proposal(("h", "compute_root"))
    loops = _proposal(("f", "compute_root"), ("g", "compute_root"), ("g", "vectorize", "x"))
    assert placement(loops.schedule) == placement(FASTEST.schedule)
    neighbours = _neighbours()
    assert list(neighbours.elsewhere([loops, both, again, moved, SLOWER])) == [2]
    neighbours.observe(moved, 3.0)
    assert list(neighbours.elsewhere([loops, both, again, moved, SLOWER])) == []


def test_what_moves_into_the_loops_of_the_one_elsewhere_is_with_it() -> None:
    inlined = _proposal(("g", "compute_root"))
    neighbours = Neighbours()
    neighbours.observe(inlined, 1.0)
    within = _proposal(("f", "compute_root"), ("g", "compute_at", ["f", "x"]))
    beside = _proposal(("f", "compute_root"), ("g", "compute_at", ["out", "x"]))
    assert list(neighbours.elsewhere([within, beside])) == [0]


def test_one_decision_otherwise_each_answer_once() -> None:
    wide, wider = (_proposal(width=width, tiles=0, vector="x") for width in (16, 32))
    tiled = _proposal(width=8, tiles=1, vector="x", tile=64)
    other = _proposal(width=16, tiles=1, vector="x")
    neighbours = _neighbours()
    assert list(neighbours.decided_otherwise([SLOWER, other, wider, wide, tiled])) == [2, 4]
    neighbours.observe(wider, 3.0)
    assert list(neighbours.decided_otherwise([SLOWER, other, wider, wide, tiled])) == [3, 4]


def test_so_have_the_fastest_of_other_placements_that_are_nearly_as_fast() -> None:
    inlined = _proposal(("f", "compute_root"), width=8, tiles=2, vector="y")
    wide = _proposal(width=16, tiles=2, vector="y")
    for seconds, found in ((1.1, [0]), (2.0, [])):
        neighbours = _neighbours()
        neighbours.observe(inlined, seconds)
        assert list(neighbours.decided_otherwise([wide])) == found


def test_a_faster_one_has_neighbours_of_its_own() -> None:
    neighbours = _neighbours()
    neighbours.observe(_proposal(("f", "compute_root"), width=16, tiles=1), 0.5)
    assert list(neighbours.decided_otherwise([FASTEST, _proposal(width=16, tiles=0)])) == [1]
    instead, apart = _proposal(("h", "compute_root")), _proposal(("h", "compute_root"), ("i", "compute_root"))
    assert list(neighbours.elsewhere([FASTEST, apart, instead])) == [2]


def test_the_fastest_of_another_style_has_neighbours_too() -> None:
    """Although four of the first style are faster; unless it is much slower."""
    for seconds, found in ((1.1, [0]), (1.3, [])):
        neighbours = Neighbours()
        for number in range(4):
            neighbours.observe(_proposal(("f", "compute_at", ["out", f"y{number}"]), style="rows", width=number), 1.0)
        neighbours.observe(_proposal(("g", "compute_root"), style="tiles", width=64), seconds)
        new = _proposal(("g", "compute_root"), ("h", "compute_root"), style="tiles", width=128)
        for near in (neighbours.elsewhere([new]), neighbours.decided_otherwise([new])):
            assert list(near) == found
            assert all(one.seconds == seconds for one in near.values())
