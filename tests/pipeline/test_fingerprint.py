"""The identity of an algorithm: the same in every process, another for every change that matters."""

from __future__ import annotations

import subprocess
import sys

import halide as hl
import pytest

from autosearch.pipeline.fingerprint import describe_difference
from autosearch.pipeline.snapshot import take
from tests.conftest import TARGET, snapshot_of
from tests.samples import SAMPLES, blur


def test_the_same_in_another_process_and_when_built_again(sample: str) -> None:
    again = take(SAMPLES[sample], TARGET).fingerprint
    script = f"""
import halide as hl
from autosearch.pipeline.snapshot import take
from tests.samples import SAMPLES
for _ in range(3): hl.Func("f"); hl.RDom([(0, 3)]); hl.Func(); hl.Var()
print(take(SAMPLES[{sample!r}], hl.get_host_target()).fingerprint)
"""
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == again == snapshot_of(sample).fingerprint


def _variant(taps: int = 3, kind: hl.Type | None = None, name: str = "blur_x", factor: int = 3) -> hl.Func:
    image = hl.ImageParam(kind or hl.UInt(16), 2, "image")
    x, y = hl.Var("x"), hl.Var("y")
    blur_x, blur_y = hl.Func(name), hl.Func("blur_y")
    total = image[x, y]
    for tap in range(1, taps):
        total = total + image[x + tap, y]
    blur_x[x, y] = total / factor
    blur_y[x, y] = (blur_x[x, y] + blur_x[x, y + 1] + blur_x[x, y + 2]) / 3
    blur_y.set_estimates([(0, 96), (0, 64)])
    return blur_y


def test_the_variant_is_the_sample() -> None:
    assert take(_variant(), TARGET).fingerprint == take(blur, TARGET).fingerprint


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"taps": 4}, "the definition of Func 'blur_x' changed"),
        ({"factor": 4}, "the definition of Func 'blur_x' changed"),
        ({"kind": hl.UInt(8)}, "the definition of Funcs 'image_im', 'blur_x', 'blur_y' changed"),
        ({"name": "blurred"}, "Func 'blur_x' is missing; Func 'blurred' is new"),
    ],
)
def test_a_change_is_named(change: dict[str, object], says: str) -> None:
    changed = take(_variant(**change), TARGET)  # type: ignore[arg-type]
    original = snapshot_of("blur")
    assert changed.fingerprint != original.fingerprint
    assert says in describe_difference(original.func_digests, changed.algorithm)


def test_estimates_and_schedules_don_t_count() -> None:
    out = blur()
    x, y = out.args()
    out.set_estimates([(0, 32), (0, 16)])
    out.vectorize(x, 8).parallel(y)
    assert take(out, TARGET).fingerprint == snapshot_of("blur").fingerprint
