"""`autosearch replay`, `export` and `show`: what a log holds, printed, for people and for scripts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from autosearch.cli.app import app
from autosearch.cli.show import summarize_log
from autosearch.export.stored import load_schedule
from autosearch.records.log import LogContent, read_log
from tests.conftest import snapshot_of
from tests.made import TILED, blur_records, write_log

SAMPLES = Path(__file__).parents[1] / "samples.py"
BLUR = f"{SAMPLES}:blur"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of the sample `blur`."""
    return write_log(tmp_path / "blur.jsonl")


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_replay_prints_the_result(log: Path) -> None:
    done = _run("replay", log, BLUR)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "best of 3 trials (1 failed): 2 ms\n"
        "      2.00x [2.00, 2.00] over root (4 ms)\n"
        "      4.00x [3.64, 4.31] over default (8 ms)\n"
        "  Li2018 failed: crash: killed by SIGSEGV\n\n"
        f"{TILED}\n"
    )


def test_a_log_holds_its_pipeline(log: Path, tmp_path: Path) -> None:
    assert _run("replay", log).stdout == _run("replay", log, BLUR).stdout
    assert _run("export", log, "-o", tmp_path / "a.h").exit_code == 0
    assert _run("export", log, BLUR, "-o", tmp_path / "b" / ".." / "b.h").exit_code == 1  # there is no folder b
    assert _run("export", log, BLUR, "-o", tmp_path / "b.h").exit_code == 0
    assert (tmp_path / "a.h").read_text().replace("schedule_a", "schedule_b").replace(
        "SCHEDULE_A_H", "SCHEDULE_B_H"
    ) == (tmp_path / "b.h").read_text()


def test_one_pipeline_is_wanted(log: Path) -> None:
    done = _run("replay", log, BLUR, "size=3")
    assert done.exit_code == 1 and "one pipeline is wanted, but 2 are given" in done.stderr
    done = _run("replay", log, "--generator", "blur.gen", "size")
    assert done.exit_code == 1 and "as NAME=VALUE, not 'size'" in done.stderr
    done = _run("replay", log, "--name", "blur")
    assert done.exit_code == 1 and "give its program with --generator" in done.stderr
    done = _run("replay", log, "--generator", "blur.gen")
    assert done.exit_code == 1 and "there is no program 'blur.gen'" in done.stderr


def test_replay_as_json(log: Path) -> None:
    content = json.loads(_run("replay", log, BLUR, "--json").stdout)
    assert content["seconds"] == 2e-3 and content["trials"] == 3
    assert content["baselines"] == {"root": 4e-3, "default": 8e-3}
    assert content["failed_baselines"] == {"Li2018": "crash: killed by SIGSEGV"}
    assert content["speedups"]["root"] == {"ratio": 2.0, "low": 2.0, "high": 2.0}
    assert content["pipeline"] == snapshot_of("blur").fingerprint
    assert content["schedule"] == TILED.to_json()


def test_export_writes_every_form(log: Path, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("blur.schedule.h", "blur.py", "blur.json", "blur.cpp")]
    options = [part for path in paths for part in ("-o", path)]
    done = _run("export", log, BLUR, *options)
    assert done.exit_code == 0 and done.stdout == "".join(f"wrote {path}\n" for path in paths)
    header, module, stored, pasted = (path.read_text() for path in paths)
    assert "apply_schedule_blur(Halide::Pipeline" in header and "def apply_schedule(pipeline):" in module
    assert 'Var yo("yo"), yi("yi"), xo("xo"), xi("xi");\nblur_y\n' in pasted
    assert json.loads(stored)["schedule"] == TILED.to_json()
    assert load_schedule(paths[2], snapshot_of("blur")) == TILED


@pytest.mark.parametrize("arguments", [["replay"], ["export", "-o", "matmul.h"]])
def test_a_log_of_another_pipeline_is_refused_with_a_status_of_its_own(log: Path, arguments: list[str]) -> None:
    done = _run(*arguments, log, f"{SAMPLES}:matmul")
    assert done.exit_code == 3 and done.stdout == ""
    assert done.stderr.startswith("autosearch: the log ") and "'blur_x', 'blur_y' are missing" in done.stderr
    assert not Path("matmul.h").exists()


def test_export_refuses_before_it_writes_anything(log: Path, tmp_path: Path) -> None:
    done = _run("export", log, BLUR, "-o", tmp_path / "blur.h", "-o", tmp_path / "blur.docx")
    assert done.exit_code == 1 and "must end in one of .h, .cpp, .py, .json" in done.stderr
    assert not (tmp_path / "blur.h").exists()


def test_show_prints_the_log(log: Path) -> None:
    done = _run("show", log)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("blur_y: 3 trials, target ") and lines[1] == "best 2 ms"
    for line in (
        "      2.05x over root (4.1 ms)",
        "      4.00x over default (8 ms)",
        "  Li2018 failed: crash: killed by SIGSEGV",
        "       1: 3.05 ms",
        "       3: 2 ms",
        "       1 run-timeout: no end after 2 s",
    ):
        assert line in lines
    assert done.stdout.endswith("best schedule\n  " + str(TILED).replace("\n", "\n  ") + "\n")


def test_show_as_json_and_damaged_lines(log: Path) -> None:
    log.write_bytes(log.read_bytes()[:-20])
    content = json.loads(_run("show", log, "--json").stdout)
    assert content["damaged"] == 1
    (group,) = content["groups"]
    assert group["trials"] == 3 and group["failures"] == {"run-timeout": 1}
    assert [count for count, _ in group["convergence"]] == [1, 3]
    assert [seconds for _, seconds in group["convergence"]] == pytest.approx([3.05e-3, 2e-3])
    assert group["identity"] == blur_records()[0].identity.to_json()
    assert "1 damaged line skipped" in _run("show", log).stdout


def test_a_log_without_trials(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    assert _run("show", tmp_path / "empty.jsonl").stdout == "the log holds no trials\n"
    done = _run("replay", tmp_path / "empty.jsonl", BLUR)
    assert done.exit_code == 1 and "has no trials" in done.stderr
    assert summarize_log(LogContent()).groups == []


def test_what_is_shown_is_what_is_recorded(log: Path) -> None:
    (group,) = summarize_log(read_log(log)).groups
    assert group.baselines == {"root": 4.1e-3, "default": 8e-3} and group.best == 2e-3
    assert group.failed_baselines == {"Li2018": "crash: killed by SIGSEGV"}


def test_merge(log: Path, tmp_path: Path) -> None:
    output = tmp_path / "all.jsonl"
    done = _run("merge", log, write_log(tmp_path / "again.jsonl"), "-o", output)
    assert done.exit_code == 0 and "left out 8 duplicates, 0 damaged lines" in done.stdout
    assert read_log(output) == read_log(log)
    done = _run("merge", log, "-o", output)
    assert done.exit_code == 1 and "exists already" in done.stderr


def test_minimize_keeps_the_short_form_in_the_log(log: Path, tmp_path: Path) -> None:
    done = _run("minimize", log, "-o", tmp_path / "blur.cpp")
    assert done.exit_code == 0, done.stderr
    assert " calls instead of 8, taking " in done.stdout.splitlines()[0]
    (record,) = read_log(log).minimal
    assert record.whole == TILED and len(record.schedule) <= len(TILED)
    assert done.stdout.endswith(f"{record.schedule}\n")
    assert _run("replay", log).stdout.endswith(f"{record.schedule}\n")


def test_explain(log: Path) -> None:
    content = json.loads(_run("explain", log, "--json").stdout)
    assert [one["call"] for one in content["worth"]][-1] == "blur_x.vectorize(xi)"
    assert {one["baseline"] for one in content["comparisons"]} == {"root", "default"}


def test_build(log: Path, tmp_path: Path) -> None:
    done = _run("build", log, "-o", tmp_path / "made", "--function", "smooth", "--target", "arm-64-linux", "--json")
    assert done.exit_code == 0, done.stderr
    assert sorted(json.loads(done.stdout)["wrote"]) == sorted(map(str, (tmp_path / "made").iterdir()))
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["libsmooth.a", "smooth.h", "smooth.o"]


def test_remeasure(log: Path) -> None:
    rows = json.loads(_run("remeasure", log, BLUR, "--top", 1, "--json").stdout)
    assert [(row["schedule"], row["recorded"], row["relative"]) for row in rows] == [(TILED.to_json(), 2e-3, 1.0)]
    assert rows[0]["verdict"] == "holds" and rows[0]["seconds"] > 0
