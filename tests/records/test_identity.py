"""Identity: measurements are comparable only where pipeline, sizes, target, machine and Halide are the same."""

from __future__ import annotations

import json

import halide as hl
import numpy as np
import pytest
from hypothesis import given

from autosearch.errors import LogError
from autosearch.machine import Machine
from autosearch.pipeline.snapshot import take
from autosearch.records.identity import Identity, identify, sizes_digest
from tests.conftest import TARGET, snapshot_of
from tests.made import identity_of
from tests.records.drawn import IDENTITIES
from tests.samples import SAMPLES, blur, tuples


@given(IDENTITIES)
def test_what_is_written_is_read(identity: Identity) -> None:
    assert Identity.from_json(json.loads(json.dumps(identity.to_json()))) == identity


def test_the_same_when_built_again(sample: str) -> None:
    assert identity_of(take(SAMPLES[sample], TARGET)) == identity_of(snapshot_of(sample))


def test_the_same_although_halides_made_up_names_are_taken() -> None:
    """Halide then appends to them, which happens by chance too: it compares hashes of names."""
    for number in range(300):
        hl.Func(f"lambda_{number}")
    again = take(SAMPLES["sharpen"], TARGET)
    assert any("lambda_" in name and "$" in name for name in again.algorithm.halide_names)
    assert identity_of(again) == identity_of(snapshot_of("sharpen"))


def test_every_circumstance_counts() -> None:
    blurred = snapshot_of("blur")
    larger = take(blur, TARGET, {"image": np.zeros((100, 120), np.uint16)})
    machine = Machine("a cpu", 4)
    same = identify(blurred.fingerprint, blurred.sizes, str(TARGET), machine)
    others = [
        identify(snapshot_of("matmul").fingerprint, blurred.sizes, str(TARGET), machine),
        identify(larger.fingerprint, larger.sizes, str(TARGET), machine),
        identify(blurred.fingerprint, blurred.sizes, "x86-64-linux", machine),
        identify(blurred.fingerprint, blurred.sizes, str(TARGET), Machine("another cpu", 4)),
        identify(blurred.fingerprint, blurred.sizes, str(TARGET), Machine("a cpu", 8)),
    ]
    assert larger.fingerprint == blurred.fingerprint
    assert len({same, *others}) == 6


def test_values_of_scalars_are_sizes_too() -> None:
    digests = {sizes_digest(take(tuples, TARGET, {"gain": gain}).sizes.to_json()) for gain in (1.0, 2.0)}
    assert len(digests) == 2


@pytest.mark.parametrize("content", [None, [], "text", {}, {"pipeline": 1}, 7])
def test_anything_else_is_refused(content: object) -> None:
    with pytest.raises(LogError, match="identity"):
        Identity.from_json(content)
