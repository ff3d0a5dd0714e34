"""A schedule for each directive, as JSON, and the sample that it is for."""

from __future__ import annotations

from typing import Any

_AT_Y = ["blur_x", "compute_at", ["blur_y", "y"]]
_ROOT = ["blur_x", "compute_root"]

EXAMPLES: dict[str, tuple[str, list[list[Any]]]] = {
    "split": ("blur", [["blur_y", "split", "x", "xo", "xi", 8, "GuardWithIf"]]),
    "fuse": ("blur", [["blur_y", "fuse", "x", "y", "xy"]]),
    "reorder": ("blur", [["blur_y", "reorder", ["y", "x"]]]),
    "vectorize": ("blur", [["blur_y", "split", "x", "xo", "xi", 8, "RoundUp"], ["blur_y", "vectorize", "xi"]]),
    "unroll": ("blur", [["blur_y", "split", "y", "yo", "yi", 2, "ShiftInwards"], ["blur_y", "unroll", "yi"]]),
    "parallel": ("blur", [["blur_y", "parallel", "y"]]),
    "atomic": (
        "matmul",
        [
            ["product.update(0)", "split", "kx", "kxo", "kxi", 8, "GuardWithIf"],
            ["product.update(0)", "atomic", False],
            ["product.update(0)", "vectorize", "kxi"],
        ],
    ),
    "partition": ("blur", [["blur_y", "partition", "x", "Never"]]),
    "prefetch": ("blur", [["blur_y", "prefetch", "blur_x", "y", "y", 2, "GuardWithIf"], _ROOT]),
    "compute_root": ("blur", [_ROOT]),
    "compute_at": ("blur", [_AT_Y]),
    "store_root": ("blur", [_AT_Y, ["blur_x", "store_root"]]),
    "store_at": ("blur", [["blur_x", "compute_at", ["blur_y", "x"]], ["blur_x", "store_at", ["blur_y", "y"]]]),
    "hoist_storage_root": ("blur", [_AT_Y, ["blur_x", "hoist_storage_root"]]),
    "hoist_storage": (
        "blur",
        [["blur_x", "compute_at", ["blur_y", "x"]], ["blur_x", "hoist_storage", ["blur_y", "y"]]],
    ),
    "store_in": ("blur", [_ROOT, ["blur_x", "store_in", "Heap"]]),
    "reorder_storage": ("blur", [_ROOT, ["blur_x", "reorder_storage", ["y", "x"]]]),
    "align_storage": ("blur", [_ROOT, ["blur_x", "align_storage", "x", 32]]),
    "bound_storage": ("blur", [_AT_Y, ["blur_x", "bound_storage", "y", 3]]),
    "fold_storage": ("blur", [_AT_Y, ["blur_x", "store_root"], ["blur_x", "fold_storage", "y", 4, True]]),
    "bound": ("blur", [["blur_y", "bound", "x", 0, 96]]),
    "bound_extent": ("blur", [["blur_y", "bound_extent", "y", 64]]),
    "align_bounds": ("blur", [_ROOT, ["blur_x", "align_bounds", "x", 4, 0]]),
    "compute_with": (
        "tuples",
        [
            ["row_sum", "compute_root"],
            ["both", "compute_root"],
            ["both", "compute_with", ["row_sum", "y"], 0, "AlignStart"],
        ],
    ),
    "specialize": (
        "blur",
        [
            ["blur_y", "specialize", ["x", "y"], [8, 2], "ShiftInwards"],
            ["blur_y", "split", "x", "xo", "xi", 8, "GuardWithIf"],
            ["blur_y", "split", "y", "yo", "yi", 2, "GuardWithIf"],
            ["blur_y", "vectorize", "xi"],
        ],
    ),
    "rfactor": (
        "matmul",
        [
            ["product.update(0)", "split", "kx", "kxo", "kxi", 8, "GuardWithIf"],
            ["product.update(0)", "rfactor", "kxo", "u", "parts"],
            ["parts", "compute_root"],
        ],
    ),
    "clone_in": (
        "sharpen",
        [["gray", "clone_in", "smooth", "gray_in_smooth"], ["gray_in_smooth", "compute_root"]],
    ),
    "in_": (
        "matmul",
        [["product", "in_", "*", "product_in"], ["product_in", "compute_root"], ["product", "compute_root"]],
    ),
}
"""In the order in which a schedule is read back: placement and storage first, then loops; consumers first."""
