"""The report's plots, as SVG whose colours are those of the page: light, dark or print."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from autosearch.cli.show import convergence
from autosearch.measure.statistics import Ratio
from autosearch.progress import format_seconds
from autosearch.records.log import moments
from autosearch.records.record import TrialRecord

matplotlib.rcParams["svg.fonttype"] = "none"  # text stays text: it can be read, searched and styled

_INK, _ACCENT, _MUTED = "#010203", "#040506", "#070809"
"""Stand-ins, which no palette has; the page's own colours take their place."""
_COLOURS = {_INK: "currentColor", _ACCENT: "var(--accent)", _MUTED: "var(--muted)"}
_STYLE = {
    "text.color": _INK, "axes.edgecolor": _MUTED, "axes.labelcolor": _INK, "xtick.color": _MUTED, "ytick.color": _MUTED,
    "xtick.labelcolor": _INK, "ytick.labelcolor": _INK, "grid.color": _MUTED, "grid.alpha": 0.25, "font.size": 11,
    "axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "none", "axes.facecolor": "none",
    "savefig.facecolor": "none", "svg.fonttype": "none",
}  # fmt: skip


def speedups(ratios: Sequence[tuple[str, Ratio]]) -> str:
    """Bars with intervals: how many times faster the best schedule is than each baseline."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 0.9 + 0.42 * len(ratios)))
        axes = figure.add_subplot()
        names = [name for name, _ in ratios]
        values = [ratio.value for _, ratio in ratios]
        errors = [
            [max(0.0, ratio.value - ratio.low) for _, ratio in ratios],
            [max(0.0, ratio.high - ratio.value) for _, ratio in ratios],
        ]
        axes.barh(names, values, xerr=errors, color=_ACCENT, ecolor=_INK, capsize=3, height=0.6)
        axes.axvline(1.0, color=_INK, linewidth=1)
        axes.set_xscale("log")
        axes.set_xlim(0.8 * min(1.0, *values), 1.6 * max(values))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}x")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        for place, ratio in enumerate(values):
            axes.annotate(
                f" {ratio:.2f}x",
                (errors[1][place] + ratio, place),
                va="center",
                xytext=(3, 0),
                textcoords="offset points",
            )
        axes.invert_yaxis()
        axes.set_xlabel("times faster than")
        return _svg(figure, "speedups")


def over_trials(trials: Sequence[TrialRecord], baselines: Sequence[tuple[str, float]]) -> str:
    """The best so far against the number of trials, each trial a dot."""
    points = convergence(trials)
    found = [(number, one.seconds) for number, one in enumerate(trials, start=1) if one.ok]
    return _progress(found, [*points, (len(trials), points[-1][1])], baselines, "trials", "trials")


def over_time(trials: Sequence[TrialRecord], baselines: Sequence[tuple[str, float]]) -> str:
    """The best so far against wall time; runs that went on from the log are laid end to end."""
    when = moments(trials)
    found = [(moment, one.seconds) for moment, one in zip(when, trials, strict=True) if one.ok]
    steps = [(when[number - 1], seconds) for number, seconds in convergence(trials)]
    return _progress(found, [*steps, (when[-1], steps[-1][1])], baselines, "seconds since the start", "time")


def _progress(
    found: Sequence[tuple[float, float]],
    steps: Sequence[tuple[float, float]],
    baselines: Sequence[tuple[str, float]],
    label: str,
    name: str,
) -> str:
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 3.3))
        axes = figure.add_subplot()
        x, y = zip(*found, strict=True)
        axes.scatter(x, y, s=7, color=_MUTED, alpha=0.5, linewidths=0)
        axes.step(*zip(*steps, strict=True), where="post", color=_ACCENT, linewidth=2)
        best = steps[-1][1]
        axes.set_ylim(0.85 * best, max(2.0 * best, min(4.0 * best, 1.1 * max(seconds for _, seconds in found))))
        room, last = 0.06 * (axes.get_ylim()[1] - axes.get_ylim()[0]), 0.0
        for who, seconds in sorted(baselines, key=lambda item: item[1]):
            if seconds < axes.get_ylim()[1]:
                axes.axhline(seconds, color=_INK, linewidth=0.8, linestyle=(0, (4, 3)))
            if seconds < axes.get_ylim()[1] and seconds > last + room:
                last = seconds
                axes.annotate(
                    who, (1, seconds), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=9
                )
        _in_seconds(axes.yaxis)
        axes.set_xlabel(label)
        axes.set_ylabel("a run takes")
        axes.grid(axis="y")
        return _svg(figure, name)


def predictions(pairs: Sequence[tuple[float, float]]) -> str:
    """What the cost model expected against what was measured, in seconds."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.4, 3.6))
        axes = figure.add_subplot()
        x, y = zip(*pairs, strict=True)
        axes.scatter(x, y, s=9, color=_ACCENT, alpha=0.6, linewidths=0)
        low, high = min(map(min, pairs)), max(map(max, pairs))
        axes.plot([low, high], [low, high], color=_INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
            scale("log")
            _in_seconds(axis)
        axes.set_xlabel("predicted")
        axes.set_ylabel("measured")
        axes.grid()
        return _svg(figure, "predictions")


def _in_seconds(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: format_seconds(value))
    axis.set_minor_formatter(lambda value, _: "")


def _svg(figure: Figure, name: str) -> str:
    """The figure as an element of a page; ids in it are made of `name`, for a page has several."""
    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    for stand_in, colour in _COLOURS.items():
        text = text.replace(stand_in, colour)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font: ([^;\"]*?)'[^;\"]*", r"font: \1sans-serif", text)
    return re.sub(r'<svg ([^>]*?)width="[^"]*"', rf'<svg role="img" aria-label="{name}" \1', text, count=1).replace(
        'height="', 'data-height="', 1
    )
