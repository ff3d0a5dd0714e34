"""All forms in which a pipeline may be given, and what is refused."""

from __future__ import annotations

from pathlib import Path

import halide as hl
import pytest

from autosearch.errors import PipelineError
from autosearch.pipeline.snapshot import take
from autosearch.pipeline.source import load_object
from tests.conftest import TARGET, snapshot_of
from tests.samples import blur, tuples


@hl.generator(name="autosearch_test_blur")
class BlurGenerator:
    image = hl.InputBuffer(hl.UInt(16), 2)
    blur_y = hl.OutputBuffer(hl.UInt(16), 2)

    def generate(self) -> None:
        x, y = hl.Var("x"), hl.Var("y")
        blur_x = hl.Func("blur_x")
        blur_x[x, y] = (self.image[x, y] + self.image[x + 1, y] + self.image[x + 2, y]) / 3
        self.blur_y[x, y] = (blur_x[x, y] + blur_x[x, y + 1] + blur_x[x, y + 2]) / 3
        self.blur_y.set_estimates([(0, 96), (0, 64)])


def test_all_forms_mean_the_same(tmp_path: Path) -> None:
    path = tmp_path / "blur.hlpipe"
    hl.serialize_pipeline(hl.Pipeline([blur()]), str(path))
    expected = snapshot_of("blur").fingerprint
    for form in (blur(), hl.Pipeline([blur()]), [blur()], blur, lambda: [blur()], str(path), path, BlurGenerator):
        assert take(form, TARGET).fingerprint == expected


def test_several_outputs() -> None:
    assert take(tuples(), TARGET).algorithm.outputs == ("left", "right")


def test_sizes_survive_a_file(tmp_path: Path) -> None:
    path = tmp_path / "blur.hlpipe"
    hl.serialize_pipeline(hl.Pipeline([blur()]), str(path))
    assert take(path, TARGET).sizes == snapshot_of("blur").sizes


def test_an_object_named_on_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from tests.samples import blur as build\n")
    assert take(load_object(f"{path}:build"), TARGET).fingerprint == snapshot_of("blur").fingerprint


def _raises() -> hl.Func:
    raise RuntimeError("not today")


def _needs_arguments(width: int) -> hl.Func:
    return blur()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (42, "expected an hl.Pipeline"),
        ([], "expected an hl.Pipeline"),
        (hl.Func("nothing"), "'nothing' has no definition"),
        (_needs_arguments, "must take no arguments"),
        (dict, "not a Halide generator"),
        ("nowhere.hlpipe", "can't read 'nowhere.hlpipe'"),
        ("pipeline.txt", "expected a path to a .hlpipe file"),
    ],
)
def test_what_is_refused(given: object, says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        take(given, TARGET)


def test_garbage_in_a_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.hlpipe"
    path.write_bytes(b"\x10\x00\x00\x00" + bytes(range(200)))
    with pytest.raises(PipelineError, match="not a pipeline serialized by Halide"):
        take(path, TARGET)


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("nofile.py:x", "no file"),
        ("tests/samples.py:nothing", "defines no 'nothing'"),
        ("README.md", "expected file.py"),
    ],
)
def test_references_that_lead_nowhere(reference: str, says: str) -> None:
    with pytest.raises(PipelineError, match=says):
        take(load_object(reference), TARGET)


def test_errors_of_the_users_own_file_are_shown(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("raise ValueError('oops')\n")
    with pytest.raises(PipelineError, match="ValueError: oops"):
        load_object(f"{path}:x")
