"""The exported Python module: it does what `Result.apply` does, alone, and only to the algorithm that it is for."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import halide as hl
import pytest

from autosearch.export.signature import definition_digest, funcs_in_order
from autosearch.pipeline.snapshot import take
from autosearch.result import Result
from autosearch.schedule.schedule import Schedule
from tests.conftest import TARGET, random_proposal
from tests.export.reductions import reduction
from tests.export.twins import finish, twin, whole
from tests.made import TILED, result_of, trial
from tests.samples import SAMPLES, blur, matmul


def _exported(result: Result, folder: Path) -> Callable[[Any], None]:
    path = folder / "exported.py"
    result.export(path)
    function: Callable[[Any], None] = runpy.run_path(str(path))["apply_schedule"]
    return function


def _build(name: str) -> hl.Pipeline:
    made = SAMPLES[name]()
    return hl.Pipeline(made if isinstance(made, list) else [made])


@pytest.mark.parametrize("seed", range(3))
def test_it_schedules_as_the_result_does(sample: str, seed: int, tmp_path: Path) -> None:
    result = result_of(sample, random_proposal(sample, seed).schedule)
    mine = _build(sample)
    theirs = twin(mine)
    _exported(result, tmp_path)(mine)
    result.apply(theirs)
    finish(theirs, result)
    assert whole(mine) == whole(theirs)


FACTORED = Schedule.from_json(
    [
        ["hist.update(0)", "split", "ry", "ro", "ri", 8, "GuardWithIf"],
        ["hist.update(0)", "rfactor", "ro", "strip", "hist_strip"],
        ["hist_strip", "compute_root"],
        ["hist_strip.update(0)", "parallel", "strip"],
        ["hist", "compute_root"],
        ["cdf", "compute_root"],
    ]
)


def test_funcs_that_the_schedule_makes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Halide names them by counters, so loop nests are compared, without what it adds to names."""
    result = result_of("histogram", FACTORED)
    mine, theirs = _build("histogram"), _build("histogram")
    _exported(result, tmp_path)(mine)
    result.apply(theirs)
    nests = []
    for pipeline in (mine, theirs):
        capfd.readouterr()
        pipeline.print_loop_nest()
        nests.append(re.sub(r"[$_]\d+|_intm", "", "".join(capfd.readouterr())))
    assert nests[0] == nests[1] and "parallel strip" in nests[0]


def test_it_knows_the_algorithm_although_halides_made_up_names_are_taken(tmp_path: Path) -> None:
    apply_schedule = _exported(result_of("pyramid", random_proposal("pyramid", 0).schedule), tmp_path)
    for number in range(300):
        hl.Func(f"lambda_{number}")
    pipeline = _build("pyramid")
    assert any(func.name().startswith("lambda_") and "$" in func.name() for func in funcs_in_order(pipeline))
    apply_schedule(pipeline)


def test_it_is_not_the_default_schedule(tmp_path: Path) -> None:
    scheduled = _build("blur")
    plain = twin(scheduled)
    _exported(result_of("blur", TILED), tmp_path)(scheduled)
    assert whole(scheduled) != whole(plain)


def test_it_takes_a_func_too(tmp_path: Path) -> None:
    func = blur()
    pipeline = twin(hl.Pipeline([func]))
    apply_schedule = _exported(result_of("blur", TILED), tmp_path)
    apply_schedule(func)
    apply_schedule(pipeline)
    assert whole(hl.Pipeline([func])) == whole(pipeline)


def test_it_needs_nothing_but_halide(tmp_path: Path) -> None:
    _exported(result_of("blur", TILED), tmp_path)
    text = (tmp_path / "exported.py").read_text()
    assert re.findall(r"^[ \t]*(?:import|from) .*", text, re.MULTILINE) == ["import re", "import halide as hl"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda image, x, y: (image[x, y] + image[x + 1, y]) / 3, "the definition of blur_x changed"),
        (lambda image, x, y: (image[x, y] + image[x + 1, y] + image[x + 2, y]) / 4, "the definition of blur_x changed"),
    ],
)
def test_a_changed_algorithm_is_refused(change: Callable[..., Any], says: str, tmp_path: Path) -> None:
    image = hl.ImageParam(hl.UInt(16), 2, "image")
    x, y, blur_x, blur_y = hl.Var("x"), hl.Var("y"), hl.Func("blur_x"), hl.Func("blur_y")
    blur_x[x, y] = change(image, x, y)
    blur_y[x, y] = (blur_x[x, y] + blur_x[x, y + 1] + blur_x[x, y + 2]) / 3
    before = whole(hl.Pipeline([blur_y]))
    with pytest.raises(ValueError, match=f"for another algorithm, tune it anew: {says};$"):
        _exported(result_of("blur", TILED), tmp_path)(blur_y)
    assert whole(hl.Pipeline([blur_y])) == before


def test_an_entirely_different_algorithm_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"blur_x, blur_y is missing; .*product is new;"):
        _exported(result_of("blur", TILED), tmp_path)(matmul())


def test_constants_count() -> None:
    def digests(func: hl.Func) -> list[str]:
        return [definition_digest(one) for one in funcs_in_order(hl.Pipeline([func]))]

    assert digests(reduction()) == digests(reduction()) != digests(reduction(weight=3.0))


def test_names_that_are_words_of_the_language(tmp_path: Path) -> None:
    def build() -> hl.Func:
        new, out = hl.Func("lambda"), hl.Func("class")
        x, y = hl.Var("in"), hl.Var("hl")
        new[x, y] = x + y
        out[x, y] = new[x, y] + new[x, y + 1]
        out.set_estimates([(0, 64), (0, 64)])
        return out

    steps = [["class", "split", "hl", "or", "and", 8, "GuardWithIf"], ["lambda", "compute_at", ["class", "or"]]]
    record = trial("blur", Schedule.from_json(steps), 1e-3)
    result = Result(take(build, TARGET), str(TARGET), (record,), None)
    mine = hl.Pipeline([build()])
    theirs = twin(mine)
    _exported(result, tmp_path)(mine)
    result.apply(theirs)
    assert whole(mine) == whole(theirs)
