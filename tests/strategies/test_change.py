"""What is decided anew beside a change: loops made for what moved away, and for where it was."""

from __future__ import annotations

import random

from autosearch.choices import func_of
from autosearch.strategies.change import to_forget

ANSWERS = {
    "out.0/tile0/y": 32,
    "host/place": "out.0/y@tile0",
    "host/store": "same",
    "host.0/vector": "x",
    "host.0/tile0/x": 8,
    "moved/place": "host.0/x@tile0",
    "moved.0/vector": "x",
    "moved.1/unroll/r": 4,
    "beside/place": "host.0/x@tile0",
    "beside.0/vector": "x",
}
HOST = {"host.0/vector", "host.0/tile0/x"}
MOVED = {"moved.0/vector", "moved.1/unroll/r"}


def _forgotten(*changed: str) -> set[frozenset[str]]:
    return {frozenset(to_forget(ANSWERS, changed, random.Random(seed))) for seed in range(50)}


def test_a_move_may_have_loops_decided_anew_there_and_where_it_was() -> None:
    assert _forgotten("moved/place") == {frozenset(), frozenset(MOVED), frozenset(HOST), frozenset(MOVED | HOST)}


def test_what_was_at_root_had_no_host() -> None:
    at_root = {**ANSWERS, "moved/place": "root"}
    found = {frozenset(to_forget(at_root, ["moved/place"], random.Random(seed))) for seed in range(50)}
    assert found == {frozenset(), frozenset(MOVED)}


def test_other_changes_leave_all_else() -> None:
    assert _forgotten("moved.0/vector", "host/store") == {frozenset()}


def test_what_is_changed_is_not_forgotten() -> None:
    found = frozenset().union(*_forgotten("moved/place", "host.0/tile0/x", "moved.0/vector"))
    assert found == {"host.0/vector", "moved.1/unroll/r"}
    assert {func_of(key) for key in found} == {"host", "moved"}


def test_another_vector_has_the_register_tile_decided_anew() -> None:
    answers = {"f.0/vector": "x", "f.0/width": 16, "f.0/unroll/y": 2, "f.0/tiles": 1, "f.1/unroll/x": 4}
    assert to_forget(answers, ["f.0/vector"], random.Random(0)) == {"f.0/width", "f.0/unroll/y"}
