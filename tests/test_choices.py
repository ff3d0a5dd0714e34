"""Choosers answer questions; traces record the answers."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autosearch.choices import (
    FirstChooser,
    Later,
    Option,
    RandomChooser,
    Recorder,
    Replay,
    Trace,
    func_of,
    kind_of,
    nearest,
)
from autosearch.errors import ScheduleError

ANSWERS = st.dictionaries(st.text(min_size=1), st.text() | st.integers())


class Refuses:
    """Fails when asked."""

    def choose(self, key: str, options: Sequence[Option], weights: Sequence[float] | None = None) -> Option:
        raise AssertionError(f"{key} was asked")


@settings(max_examples=50, deadline=None)
@given(ANSWERS)
def test_a_trace_survives_json_with_its_order(answers: dict[str, Option]) -> None:
    trace = Trace(tuple(answers.items()))
    again = Trace.from_json(json.loads(json.dumps(trace.to_json())))
    assert again == trace and hash(again) == hash(trace)
    assert list(again) == list(answers.items()) and again.by_key == answers and len(again) == len(answers)


@pytest.mark.parametrize("content", [None, [], "a", {"key": 1.5}, {"key": True}, {"key": None}, {"key": ["x"]}])
def test_malformed_traces_are_refused(content: object) -> None:
    with pytest.raises(ScheduleError, match="trace"):
        Trace.from_json(content)


def test_only_real_questions_are_recorded() -> None:
    recorder = Recorder(FirstChooser())
    assert recorder.choose("forced", ["only"]) == "only"
    assert recorder.choose("free", [3, 4]) == 3
    assert recorder.trace == Trace((("free", 3),))


def test_a_forced_answer_needs_no_chooser() -> None:
    assert Recorder(Refuses()).choose("forced", [7]) == 7


def test_no_question_may_be_asked_twice() -> None:
    recorder = Recorder(FirstChooser())
    recorder.choose("a/place", ["inline", "root"])
    with pytest.raises(ValueError, match="'a/place' twice"):
        recorder.choose("a/place", ["inline", "root"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(), min_size=1, unique=True), st.data())
def test_random_answers_are_options(options: list[int], data: st.DataObject) -> None:
    weights = data.draw(st.none() | st.lists(st.floats(1e-6, 1e6), min_size=len(options), max_size=len(options)))
    chooser = RandomChooser(random.Random(data.draw(st.integers(0, 99))))
    assert all(chooser.choose("key", options, weights) in options for _ in range(20))


def test_random_answers_come_as_often_as_they_weigh() -> None:
    chooser = RandomChooser(random.Random(1))
    drawn = Counter(chooser.choose("key", ["a", "b", "c"], [6.0, 3.0, 1.0]) for _ in range(4000))
    assert {answer: round(count / 4000, 1) for answer, count in drawn.items()} == {"a": 0.6, "b": 0.3, "c": 0.1}
    even = Counter(chooser.choose("key", ["a", "b"]) for _ in range(4000))
    assert abs(even["a"] - even["b"]) < 400


def test_sharp_answers_are_the_likeliest_more_often() -> None:
    """Weights of 3 to 1, squared, are 9 to 1."""
    chooser = RandomChooser(random.Random(1), sharpness=2)
    counted = Counter(chooser.choose("key", [1, 2], [3.0, 1.0]) for _ in range(4000))
    assert 0.88 < counted[1] / 4000 < 0.92


def test_random_answers_repeat_with_the_seed() -> None:
    def draws(seed: int) -> list[Option]:
        chooser = RandomChooser(random.Random(seed))
        return [chooser.choose("key", range(100)) for _ in range(10)]

    assert draws(5) == draws(5) != draws(6)


def test_the_first_chooser_takes_the_likeliest() -> None:
    chooser = FirstChooser()
    assert chooser.choose("key", ["a", "b"]) == "a"
    assert chooser.choose("key", ["a", "b", "c"], [0.2, 0.4, 0.4]) == "b"


def test_replay_answers_as_the_trace_says() -> None:
    replay = Replay({"a": "root", "b": 8}, Refuses())
    assert (replay.choose("a", ["inline", "root"]), replay.choose("b", [4, 8, 16])) == ("root", 8)
    assert replay.exact


def test_replay_falls_back_on_the_nearest_number_or_on_another_chooser() -> None:
    replay = Replay({"width": 20, "place": "gone"}, FirstChooser())
    assert replay.choose("width", [4, 16, 32]) == 16
    assert not replay.exact
    assert replay.choose("place", ["inline", "root"]) == "inline"


def test_replay_asks_for_what_the_trace_lacks_and_stays_exact() -> None:
    replay = Replay({}, FirstChooser())
    assert replay.choose("new", [1, 2], [0.1, 0.9]) == 2
    assert replay.exact


@settings(max_examples=50, deadline=None)
@given(st.integers(), st.lists(st.integers(), min_size=1))
def test_no_number_is_nearer_than_the_nearest(wanted: int, options: list[int]) -> None:
    found = nearest(wanted, options)
    assert isinstance(found, int) and found in options
    assert all(abs(found - wanted) <= abs(option - wanted) for option in options)


def test_words_have_no_nearest() -> None:
    assert nearest("root", ["inline"]) is None
    assert nearest("root", [1, 2]) is None
    assert nearest(3, ["inline"]) is None


@pytest.mark.parametrize(
    ("key", "func", "kind"),
    [
        ("blur_x.1/unroll/x", "blur_x", "unroll"),
        ("blur_x/place", "blur_x", "place"),
        ("a.b.0/tile12/y", "a.b", "tile"),
        ("v1.2/order/tile0/1", "v1", "order"),
        ("plain", "plain", ""),
    ],
)
def test_keys_name_a_func_and_a_kind_of_decision(key: str, func: str, kind: str) -> None:
    assert (func_of(key), kind_of(key)) == (func, kind)


def test_weights_are_worked_out_for_who_draws_by_them_and_for_nobody_else() -> None:
    made: list[int] = []
    weights = Later(lambda: made.append(1) or [0.0, 1.0, 0.0])  # type: ignore[func-returns-value]
    assert Recorder(Replay({"a": 3}, Refuses())).choose("a", [1, 2, 3], weights) == 3
    assert not made
    assert RandomChooser(random.Random(0), 2.0).choose("a", [1, 2, 3], weights) == 2
    assert FirstChooser().choose("a", [1, 2, 3], weights) == 2
    assert len(made) == 1 and list(weights) == [0.0, 1.0, 0.0] and len(weights) == 3
