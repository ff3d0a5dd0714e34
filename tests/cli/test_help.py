"""The program's help, version and usage errors."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

import autosearch
from autosearch.cli.app import app

COMMANDS = {
    "tune": [
        "--trials",
        "--log",
        "--generator",
        "--name",
        "--target",
        "--input",
        "--strategy",
        "--no-cost-model",
        "--seed",
        "--timeout",
        "--export",
        "--json",
    ],
    "replay": ["--target", "--input", "--json"],
    "export": ["--output", "--target", "--input", "--json"],
    "show": ["--json"],
    "minimize": ["--threshold", "--target", "--input", "--export", "--json"],
    "explain": ["--target", "--input", "--json"],
    "report": ["--output", "--target", "--json"],
    "build": ["--output", "--function", "--target", "--json"],
    "learn": ["--output", "--json"],
    "merge": ["--output", "--json"],
    "lab": ["--strategy", "--seeds", "--trials", "--jobs", "--plot", "--json"],
    "remeasure": ["--top", "--log", "--target", "--input", "--json"],
}


def _help(*arguments: str) -> str:
    done = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


def test_the_program_lists_its_commands() -> None:
    text = _help()
    assert all(re.search(rf"\b{command}\b", text) for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_lists_its_options_with_an_example(command: str) -> None:
    text = _help(command)
    assert all(option in text for option in COMMANDS[command])
    assert f"Example: autosearch {command} " in text


def test_the_version() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"autosearch {autosearch.__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["tune"],
        ["tune", "a.py:b", "--trials", "many"],
        ["tune", "a.py:b", "--nonsense"],
        ["dance"],
        ["export", "l", "p"],
        ["build", "l"],
    ],
)
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2 and done.stdout == "" and "Usage" in done.stderr


@pytest.mark.parametrize(
    ("words", "offered"), [("autosearch re", ["remeasure", "replay", "report"]), ("autosearch tune -s ge", ["genetic"])]
)
def test_a_shell_completes_commands_and_values(words: str, offered: list[str]) -> None:
    asked = {"_AUTOSEARCH_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    done = CliRunner().invoke(app, [], prog_name="autosearch", env=asked)
    assert sorted(done.stdout.split()) == offered
