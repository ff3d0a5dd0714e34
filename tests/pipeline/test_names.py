"""Names without what Halide adds to them."""

from __future__ import annotations

import pytest

from autosearch.pipeline.names import base_name, canonical_funcs, canonical_rvars, canonical_vars, is_anonymous


@pytest.mark.parametrize(
    ("name", "base", "anonymous"),
    [
        ("blur", "blur", False),
        ("blur$3", "blur", False),
        ("f12", "f", True),
        ("c1$0", "c1", False),
        ("sum$1_intm", "sum_intm", False),
        ("sum$1_intm$2_intm", "sum_intm_intm", False),
        ("lambda_4", "lambda_", True),
        ("p0_im", "p_im", True),
        ("conv1", "conv1", False),
        ("_0", "_", True),
    ],
)
def test_base_names(name: str, base: str, anonymous: bool) -> None:
    assert base_name(name) == base
    assert is_anonymous(name) == anonymous


def test_funcs_that_share_a_name_are_numbered() -> None:
    assert canonical_funcs(["blur", "blur$1", "f7", "f9"]) == {
        "blur": "blur", "blur$1": "blur_1", "f7": "f0", "f9": "f1"
    }  # fmt: skip


def test_variables_and_reduction_variables() -> None:
    assert canonical_vars(["x", "v12", "_1"]) == {"x": "x", "v12": "v1", "_1": "_1"}
    assert canonical_rvars(["r4$x", "k$y"], ["kx"]) == {"r4$x": "rx", "k$y": "ky"}
    assert canonical_rvars(["r$x"], ["rx"]) == {"r$x": "rx_"}
