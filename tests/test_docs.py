"""The documentation does what it says: every snippet of it runs, with few trials, and its commands and links exist."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autosearch import learning, minimal, opening
from autosearch.cli.app import app
from autosearch.cost_model import learner
from autosearch.toolchain import compile_cpp
from tests.generators import GENGEN
from tests.samples import blur

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in _FENCE.findall(page.read_text()) if kind == language]


def _few(text: str) -> str:
    """With so few trials that a test can wait for them."""
    return re.sub(r"(trials[= ])\d+", r"\g<1>2", text)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a folder of its own, without autoschedulers, which other tests run; learning from very little,
    and content with a schedule that is one step shorter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "autoscheduled_baselines", lambda *_: [])
    monkeypatch.setattr(learning, "LEAST_SCHEDULES", 1)
    monkeypatch.setattr(learner, "LEAST_DATA", 2)
    monkeypatch.setattr(minimal, "ROUNDS", 1)


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "python")], ids=lambda page: page.stem)
def test_python_snippets_run_one_after_the_other(page: Path) -> None:
    names: dict[str, object] = {}
    for block in _blocks(page, "python"):
        exec(compile(_few(block), str(page), "exec"), names)


def test_the_snippet_at_the_head_of_readme() -> None:
    block = _blocks(ROOT / "README.md", "python")[0]
    exec(compile(_few(block), "README.md", "exec"), {"pipeline": blur, "my_pipeline": blur()})


def _commands(page: Path) -> list[str]:
    lines = "".join(_blocks(page, "sh")).replace("\\\n", "").splitlines()
    return [_few(line) for line in lines if line.startswith("autosearch ")]


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
@pytest.mark.parametrize("page", [page for page in PAGES if _commands(page)], ids=lambda page: page.stem)
def test_commands_run_one_after_the_other(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    example = tmp_path / "examples" / "unsharp.py"
    example.write_text(example.read_text().replace("1536, 2560", "96, 64"))
    if page.stem == "generators":
        shutil.copy(request.getfixturevalue("generators"), "sobel.gen")
        compile_cpp(["examples/generators/sharpen_generator.cpp"], tmp_path / "sharpen.gen", GENGEN)
    for command in _commands(page):
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}: {done.stderr}"


EXAMPLES = re.findall(r"`((?:autosearch|python) [^`]+)`", (ROOT / "examples" / "README.md").read_text())


@pytest.mark.parametrize("command", EXAMPLES, ids=lambda command: re.findall(r"(\w+)\.py", command)[0])
def test_examples_run_as_they_say(command: str, tmp_path: Path) -> None:
    program, *arguments = shlex.split(_few(command))
    if program == "python":
        text = (ROOT / arguments[0]).read_text()
        exec(compile(_few(text), arguments[0], "exec"), {"__name__": "__main__"})
        assert (tmp_path / "blur.schedule.h").exists()
    else:
        arguments = [one.replace("examples/", f"{ROOT}/examples/") for one in arguments]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, done.stderr


def test_links_lead_somewhere() -> None:
    for page in [*PAGES, ROOT / "README.md", ROOT / "examples" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_reference_names_what_there_is() -> None:
    from importlib import import_module

    for name in re.findall(r"^::: (\S+)$", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE):
        module, _, attribute = name.rpartition(".")
        try:
            import_module(name)
        except ModuleNotFoundError:
            assert hasattr(import_module(module), attribute), name


def test_the_readme_lists_every_command() -> None:
    text = (ROOT / "README.md").read_text()
    for command in app.registered_commands:
        assert command.callback is not None
        assert f"    autosearch {command.callback.__name__} " in text
