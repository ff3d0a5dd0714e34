"""What is local search's own: each change of the fastest comes up once, then those of the second."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autosearch.choices import STYLE, Chooser, FirstChooser, Option, Proposal, Replay, draw, func_of
from autosearch.pipeline.ir import StageKey
from autosearch.schedule.directives import Unroll
from autosearch.schedule.schedule import Schedule, Step
from autosearch.strategies.base import Result
from autosearch.strategies.change import TRIES
from autosearch.strategies.local import LocalSearch
from autosearch.testing.synthetic import FACTORS, Placed

SPACE = Placed(2)
ANSWERS = {f"f{number}/{kind}": f"{kind}0" for number in range(2) for kind in ("place", "store")}
FACTOR = "f0.0/tile0/x"


def _schedule(**told: Option) -> Proposal:
    return draw(SPACE, Replay({**ANSWERS, **told}, FirstChooser()))


FASTEST = _schedule()


def _search(*seconds: tuple[Proposal, float]) -> LocalSearch:
    strategy = LocalSearch(SPACE, 0)
    strategy.observe([Result(one.trace, one.schedule.digest, took) for one, took in seconds])
    return strategy


def _changes(proposal: Proposal, before: Proposal = FASTEST) -> dict[str, Option]:
    return {key: answer for key, answer in proposal.trace if answer != before.trace.by_key[key]}


def _funcs(changes: Iterable[str]) -> set[str]:
    return {func_of(key) for key in changes}


def test_every_change_comes_up_once() -> None:
    changes = [_changes(one) for one in _search((FASTEST, 1.0)).propose(36)]
    for number in range(2):
        stored = [one for one in changes if list(one) == [f"f{number}/store"]]
        assert {one[f"f{number}/store"] for one in stored} == {f"store{level}" for level in range(1, 8)}
        placed = [one[f"f{number}/place"] for one in changes if f"f{number}/place" in one]
        assert sorted(map(str, placed)) == [f"place{level}" for level in range(1, 8)]
        factors = [one for one in changes if list(one) == [f"f{number}.0/tile0/x"]]
        assert {one[f"f{number}.0/tile0/x"] for one in factors} == {2, 4, 16, 32}


def test_a_func_placed_elsewhere_may_be_decided_anew_and_no_other() -> None:
    changes = [_changes(one) for one in _search((FASTEST, 1.0)).propose(36)]
    moved = [one for one in changes if "f0/place" in one]
    assert any(len(one) > 1 for one in moved) and any(len(one) == 1 for one in moved)
    assert all(key.startswith("f0") for one in moved for key in one)


def test_numbers_change_a_little() -> None:
    smallest = _schedule(**{FACTOR: FACTORS[0]})
    changes = [_changes(one, smallest) for one in _search((smallest, 1.0)).propose(34)]
    assert {one[FACTOR] for one in changes if list(one) == [FACTOR]} == set(FACTORS[1:3])


def test_those_of_the_second_follow() -> None:
    second = _schedule(**{FACTOR: 32, "f1/place": "place7", "f1/store": "store7"})
    strategy = _search((second, 2.0), (FASTEST, 1.0))
    assert all(len(_funcs(_changes(one))) == 1 for one in strategy.propose(36))
    assert all(len(_funcs(_changes(one, second))) == 1 for one in strategy.propose(20))


def test_where_none_is_left_it_begins_again() -> None:
    strategy = _search((FASTEST, 1.0))
    strategy.propose(36)
    assert any(len(_funcs(_changes(one))) == 2 for one in strategy.propose(8))
    strategy.observe([])
    assert all(len(_funcs(_changes(one))) == 1 for one in strategy.propose(36))


def test_a_faster_one_is_next() -> None:
    strategy = _search((FASTEST, 1.0))
    strategy.propose(5)
    faster = _schedule(**{FACTOR: 16, "f1/place": "place3"})
    strategy.observe([Result(faster.trace, faster.schedule.digest, 0.5)])
    assert all(len(_funcs(_changes(one, faster))) == 1 for one in strategy.propose(20))


class _Styled:
    """A style, and so many decisions besides."""

    def build(self, chooser: Chooser) -> Schedule:
        answers = [chooser.choose(STYLE, ["rows", "tiles", "free"])]
        answers += [chooser.choose(f"f{number}/place", [f"place{level}" for level in range(8)]) for number in range(6)]
        return Schedule(tuple(Step(StageKey("f"), Unroll(str(answer))) for answer in answers))


def test_the_fastest_of_another_style_is_changed_too_unless_it_is_much_slower() -> None:
    def of(style: str, level: int) -> Proposal:
        told: dict[str, Option] = {STYLE: style, **{f"f{number}/place": f"place{level}" for number in range(6)}}
        return draw(_Styled(), Replay(told, FirstChooser()))

    known = {"rows": (of("rows", 0), 1.0), "tiles": (of("tiles", 3), 1.15), "free": (of("free", 6), 1.5)}
    strategy = LocalSearch(_Styled(), 0)
    strategy.observe([Result(one.trace, one.schedule.digest, took) for one, took in known.values()])
    made = strategy.propose(30)
    of_styles = [[style for style, (one, _) in known.items() if len(_changes(proposal, one)) == 1] for proposal in made]
    assert 3 < of_styles.count(["tiles"]) < 18
    assert of_styles.count(["rows"]) + of_styles.count(["tiles"]) == 30


class _Cloning:
    """A Func that may have a clone, which then is somewhere."""

    def build(self, chooser: Chooser) -> Schedule:
        answers = [chooser.choose("f/clone/g", ["none", "clone"]), chooser.choose("f/place", [f"place{n}" for n in range(3)])]
        if answers[0] == "clone":
            answers.append(chooser.choose("f_in_g/place", [f"place{n}" for n in range(50)]))
        return Schedule(tuple(Step(StageKey("f"), Unroll(str(answer))) for answer in answers))


def test_a_func_that_a_change_makes_is_tried_at_several_places() -> None:
    bare = draw(_Cloning(), Replay({"f/clone/g": "none", "f/place": "place0"}, FirstChooser()))
    strategy = LocalSearch(_Cloning(), 0)
    strategy.observe([Result(bare.trace, bare.schedule.digest, 1.0)])
    made = [one.trace.by_key for one in strategy.propose(2 + TRIES["clone"])]
    assert len({one["f_in_g/place"] for one in made if one["f/clone/g"] == "clone"}) >= TRIES["clone"] - 1
    assert sum(one["f/clone/g"] == "none" for one in made) == 2


class _Within:
    """A Func that may be inlined, and one that it reads, which may be computed in its loops."""

    def build(self, chooser: Chooser) -> Schedule:
        answers = [chooser.choose("f/place", ["inline", "root"])]
        if answers[0] == "root":
            answers.append(chooser.choose("f.0/width", [8, 16, 32], [1, 1, 1]))
        levels = ["f.0/x@outer"] if answers[0] == "root" else []
        answers.append(chooser.choose("g/place", ["root", "out.0/x@outer", *levels]))
        answers.append(chooser.choose("out.0/width", [8, 16]))
        return Schedule(tuple(Step(StageKey("f"), Unroll(str(answer))) for answer in answers))


INLINED = draw(_Within(), Replay({"f/place": "inline", "g/place": "root", "out.0/width": 8}, FirstChooser()))


def _of_within(seed: int) -> LocalSearch:
    strategy = LocalSearch(_Within(), seed)
    strategy.observe([Result(INLINED.trace, INLINED.schedule.digest, 1.0)])
    return strategy


def test_what_a_func_reads_may_follow_it_into_its_loops() -> None:
    made = [one.trace.by_key for seed in range(20) for one in _of_within(seed).propose(3)]
    placed = [one["g/place"] for one in made if one["f/place"] == "root"]
    assert "f.0/x@outer" in placed and "root" in placed
    moved = [one["g/place"] for one in made if one["f/place"] == "inline"]
    assert set(moved) == {"root", "out.0/x@outer"}  # by changes of its own


class _Cloned:
    """A Func that may be inlined, one that it reads, which then is in nobody's loops, and a third, of which that may have a
    clone."""

    def build(self, chooser: Chooser) -> Schedule:
        answers = [chooser.choose("h/clone/g", ["none", "clone"], [9, 1]), chooser.choose("f/place", ["inline", "root"])]
        answers.append(chooser.choose("f/as", ["rules", "example"], [9, 1]))
        levels = ["inline", "f.0/x@outer"] if answers[1] == "root" else []
        answers.append(chooser.choose("g/place", ["root", *levels], [1, 50, 50][: 1 + len(levels)]))
        answers.append(chooser.choose("g.0/width", [8, 16]))
        if answers[0] == "clone":
            answers.append(chooser.choose("h_in_g/place", ["root", *levels[1:]]))
        return Schedule(tuple(Step(StageKey("f"), Unroll(str(answer))) for answer in answers))


BARE = {"h/clone/g": "none", "f/place": "inline", "f/as": "rules", "g.0/width": 8}


def _with_f_in_loops() -> list[dict[str, Option]]:
    """What local search makes of the change that a Func is computed by itself."""
    bare = draw(_Cloned(), Replay(BARE, FirstChooser()))
    found = []
    for seed in range(40):
        strategy = LocalSearch(_Cloned(), seed)
        strategy.observe([Result(bare.trace, bare.schedule.digest, 1.0)])
        found += [dict(one.trace.by_key) for one in strategy.propose(6)]
    return [one for one in found if one["f/place"] == "root"]


def test_what_had_no_other_place_keeps_it_now_and_then() -> None:
    places = [one["g/place"] for one in _with_f_in_loops()]
    assert {"root", "inline", "f.0/x@outer"} == set(places)
    assert 0.2 < places.count("root") / len(places) < 0.8  # its weight alone would make it one of a hundred


def test_a_clone_that_is_read_in_the_new_loops_comes_with_them() -> None:
    made = _with_f_in_loops()
    cloned = [one for one in made if one["h/clone/g"] == "clone"]
    assert 0.2 < len(cloned) / len(made) < 0.8
    assert any(one["g/place"] == "inline" and one["h_in_g/place"] == "f.0/x@outer" for one in cloned)


def test_of_a_few_ways_to_make_a_change_the_model_picks_one() -> None:
    def narrow_is_fast(proposals: Sequence[Proposal]) -> list[float]:
        return [float(one.trace.by_key.get("f.0/width", 0)) for one in proposals]

    widths = []
    for predict in (None, narrow_is_fast):
        made = [one.trace.by_key for seed in range(20) for one in _of_within(seed).propose(3, predict)]
        widths.append([one["f.0/width"] for one in made if "f.0/width" in one])
    assert len(widths[0]) == len(widths[1]) == 20
    assert widths[1].count(8) > widths[0].count(8)
