"""Strategies in the laboratory: from Python and from the command line, without Halide."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autosearch.cli.app import app
from autosearch.errors import ArgumentError
from autosearch.lab.comparison import Comparison, compare
from autosearch.lab.recording import write_recording
from autosearch.strategies.genetic import Genetic
from tests.lab.samples import sample, whole

FEW = ("random", "genetic", "tree")


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    """A short one."""
    return compare([whole(2), sample(150)], FEW, seeds=6, evaluations=60)


def test_learning_pays_and_random_search_is_what_was_calculated(comparison: Comparison) -> None:
    assert comparison.mean("tree").low > 0.1
    assert abs(comparison.mean("random").value) < 0.5 * comparison.mean("tree").value
    assert comparison.difference("whole", "tree", "random").value > 0


def test_the_same_numbers_every_time_in_any_number_of_processes(comparison: Comparison) -> None:
    again = compare([whole(2), sample(150)], FEW, seeds=6, evaluations=60, jobs=2)
    assert again.to_json() == comparison.to_json()


def test_a_strategy_of_ones_own(comparison: Comparison) -> None:
    own = compare([whole(2)], ["mine"], seeds=6, evaluations=60, factories={"mine": Genetic})
    assert own.of("whole", "mine").score == comparison.of("whole", "genetic").score


def test_table_and_curve(comparison: Comparison) -> None:
    lines = comparison.markdown().splitlines()
    assert lines[0] == "| space | random | genetic | tree |" and len(lines) == 5
    assert lines[2].startswith("| whole | ") and lines[-1].startswith("| **mean** | ")
    value, low, high = comparison.curve("tree")
    assert len(value) == 50 and (low <= value).all() and (value <= high).all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"strategies": ["nonsense"]}, "no strategy 'nonsense'"),
        ({"seeds": 1}, "two seeds"),
        ({"recordings": []}, "spaces"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"recordings": [whole(1)], "strategies": FEW, "seeds": 2, **wrong}
    with pytest.raises(ArgumentError, match=message):
        compare(**arguments)  # type: ignore[arg-type]


def test_from_the_command_line_where_there_is_no_halide(tmp_path: Path) -> None:
    write_recording(whole(2), tmp_path / "whole.json.gz")
    script = "import sys; sys.modules['halide'] = None; from autosearch.cli.app import app; app(sys.argv[1:])"
    words = ["lab", str(tmp_path / "whole.json.gz"), "-s", "random", "-s", "genetic", "--seeds", "3", "--trials", "40"]
    words += ["--json", "--plot", str(tmp_path / "lab.svg")]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert set(content["scores"]) == {"whole", "mean"} and set(content["scores"]["whole"]) == {"random", "genetic"}
    assert "<svg" in (tmp_path / "lab.svg").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [(["missing.json"], "No such file"), (["x.json", "--plot", "x.gif"], "a plot is written as")],
)
def test_errors_are_a_sentence(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["lab", *words])
    assert done.exit_code == 1 and message in done.stderr and done.stderr.count("\n") == 1
