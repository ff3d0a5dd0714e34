"""The comparison as a picture: each strategy's score over the time of a run, the mean over all spaces, with its band."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from autosearch.errors import ArgumentError, ExportError
from autosearch.lab.comparison import Comparison

FORMATS = (".svg", ".png", ".pdf")
_COLOURS = {
    "random": "#7f7f7f", "genetic": "#0072b2", "tree": "#009e73", "bayesian": "#cc79a7", "beam": "#e69f00",
    "local": "#56b4e9", "portfolio": "#d55e00",
}  # fmt: skip
"""Told apart by the colour-blind too (Okabe and Ito 2008)."""


def check_plot(path: str | os.PathLike[str]) -> None:
    """Raise `ArgumentError` where no picture can be written under that name, before minutes are spent."""
    if Path(path).suffix not in FORMATS:
        raise ArgumentError(f"a plot is written as {', '.join(FORMATS)}, not {Path(path).name!r}")
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError:
        raise ArgumentError("a plot needs matplotlib: pip install 'autosearch[report]'") from None


def plot(comparison: Comparison, path: str | os.PathLike[str]) -> None:
    """Write the picture. Raises `ArgumentError` or `ExportError`."""
    check_plot(path)
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "lab", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(6.4, 4.0))
        axes = figure.add_subplot()
        for name in comparison.strategies:
            value, low, high = comparison.curve(name)
            share = np.linspace(0.0, 1.0, len(value))
            (line,) = axes.plot(share, value, label=name, color=_COLOURS.get(name), linewidth=1.6)
            axes.fill_between(share, low, high, color=line.get_color(), alpha=0.15, linewidth=0)
        axes.axhline(0.0, color="#7f7f7f", linewidth=0.8, linestyle=(0, (4, 3)))
        axes.set_xlabel("share of a run's time")
        axes.set_ylabel("score (0: random search, 1: the optimum)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, ncols=2, loc="lower right")
        try:
            figure.savefig(path, bbox_inches="tight", metadata={"Date": None} if Path(path).suffix == ".svg" else None)
        except OSError as error:
            raise ExportError(f"can't write {str(path)!r}: {error.strerror}; choose another path") from None
