"""`autosearch tune`: from a file's pipeline to a printed result and exported files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from autosearch.cli.app import app
from autosearch.cli.options import parse_inputs, parse_sizes
from autosearch.errors import SizeError
from autosearch.export.stored import load_schedule
from autosearch.records.log import read_log
from tests.conftest import snapshot_of
from tests.made import write_log

SAMPLES = Path(__file__).parents[1] / "samples.py"


def test_tuning_prints_records_and_exports(tmp_path: Path) -> None:
    log, header, stored = tmp_path / "blur.jsonl", tmp_path / "blur.schedule.h", tmp_path / "blur.json"
    arguments = ["tune", f"{SAMPLES}:blur", "--trials", "2", "--log", str(log), "-o", str(header), "-o", str(stored)]
    done = CliRunner().invoke(app, [*arguments, "--seed", "5", "--strategy", "random"])
    assert done.exit_code == 0, done.stderr
    best = load_schedule(stored, snapshot_of("blur"))
    assert done.stdout.startswith("best of 2 trials") and "over root" in done.stdout
    assert done.stdout.endswith(f"\n\n{best}\n")
    assert "apply_schedule_blur(" in header.read_text()
    assert f"wrote {header}\n" in done.stderr and f"wrote {stored}\n" in done.stderr
    assert "baselines: 0/2 trials" in done.stderr and "race: 2/2 trials" in done.stderr  # progress, in plain lines
    assert {record.seed for record in read_log(log).trials} == {5}

    again = CliRunner().invoke(app, [*arguments, "--quiet"])  # the log has it all
    assert (again.exit_code, again.stdout) == (0, done.stdout)
    assert again.stderr == f"wrote {header}\nwrote {stored}\n"


def test_a_prior_without_a_cost_model_is_refused(tmp_path: Path) -> None:
    arguments = ["tune", f"{SAMPLES}:blur", "--no-cost-model", "--prior", str(tmp_path / "mine.ubj")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1 and "leave out prior too" in done.stderr


def test_inputs_are_arrays_and_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("image.npy", np.arange(6).reshape(2, 3))
    given = parse_inputs(["image=image.npy", "gain=2.5", "count=-3", "path=1e3"])
    assert given.pop("image").shape == (2, 3)
    assert given == {"gain": 2.5, "count": -3, "path": 1000.0} and isinstance(given["count"], int)
    assert parse_inputs(None) == {}


def test_sizes_are_extents_or_extents_by_name() -> None:
    assert parse_sizes(["1920x1080", "left=640x480,right=640x480x3"]) == [
        (1920, 1080), {"left": (640, 480), "right": (640, 480, 3)}
    ]  # fmt: skip
    assert parse_sizes(None) is None
    with pytest.raises(SizeError, match="1920x1080 or NAME=1920x1080"):
        parse_sizes(["1920*1080"])
    with pytest.raises(SizeError, match="each needs a name"):
        parse_sizes(["640x480,right=640x480"])


def test_sizes_come_from_the_inputs_given(tmp_path: Path) -> None:
    np.save(tmp_path / "same.npy", np.zeros((66, 98), np.uint16))
    np.save(tmp_path / "larger.npy", np.zeros((100, 120), np.uint16))
    arguments = ["replay", str(write_log(tmp_path / "blur.jsonl")), f"{SAMPLES}:blur", "--input"]
    assert CliRunner().invoke(app, [*arguments, f"image={tmp_path}/same.npy"]).exit_code == 0
    done = CliRunner().invoke(app, [*arguments, f"image={tmp_path}/larger.npy"])
    assert done.exit_code == 1 and "no trials of this pipeline at these sizes" in done.stderr
