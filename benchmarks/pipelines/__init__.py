"""Benchmark pipelines. Each module has pipeline(), never scheduled, and expert(), the same with a schedule by hand."""

from __future__ import annotations

import importlib
from types import ModuleType

# Name -> module of this package. The order is the order in which they are reported.
PIPELINES: dict[str, str] = {
    "box_blur": "box_blur",
    "unsharp": "unsharp",
    "harris": "harris",
    "bilateral_grid": "bilateral_grid",
    "histogram_equalisation": "histogram_equalisation",
    "matmul": "matmul",
    "conv_layer": "conv_layer",
    "max_filter": "max_filter",
    "local_laplacian": "local_laplacian",
    "camera_raw": "camera_raw",
    "interpolate": "interpolate",
    "stereo": "stereo",
    "nl_means": "nl_means",
    "stencil_chain": "stencil_chain",
    "iir_blur": "iir_blur",
    "bilateral_upsampling": "bilateral_upsampling",
    "depthwise_separable": "depthwise_separable",
    "cubic_resize": "cubic_resize",
    "wavelet": "wavelet",
    "softmax_rows": "softmax_rows",
    "matmul_int8": "matmul_int8",
    "summed_area_table": "summed_area_table",
    "polyphase_resampler": "polyphase_resampler",
}

# A short set for quick runs.
CORE: tuple[str, ...] = tuple(PIPELINES)[:8]


def load(name: str) -> ModuleType:
    """Import the module of one pipeline, so that listing them needs no Halide."""
    return importlib.import_module(f".{PIPELINES[name]}", __package__)
