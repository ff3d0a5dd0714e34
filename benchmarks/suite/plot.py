"""The results as a picture: how many times faster the schedules found are, a pair of bars a pipeline."""

from __future__ import annotations

import io

import matplotlib
from matplotlib.figure import Figure

from benchmarks.bench import Comparison
from benchmarks.suite.results import Results


def plot(results: Results) -> str:
    """An SVG picture."""
    rows = results.compared
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "suite", "font.size": 10}):
        figure = Figure(figsize=(8.0, 1.2 + 0.42 * len(rows)))
        axes = figure.add_subplot()
        for offset, label, colour, who in (
            (-0.2, "by hand", "#2a6f97", lambda _: "expert"),
            (0.2, "the best autoscheduler", "#c9a227", lambda one: one.best_autoscheduler),
        ):
            pairs = [
                (place, one.speedups[name]) for place, one in enumerate(rows) if (name := who(one)) in one.speedups
            ]
            axes.barh(
                [place + offset for place, _ in pairs],
                [ratio[0] for _, ratio in pairs],
                0.4,
                xerr=list(zip(*[_errors(ratio) for _, ratio in pairs], strict=True)) or None,
                color=colour,
                ecolor="#333333",
                capsize=2,
                label=f"over {label}",
            )
        axes.axvline(1.0, color="#333333", linewidth=1)
        axes.set_xscale("log")
        axes.set_xticks([0.5, 1, 2, 5, 10, 20, 50], ["0.5x", "1x", "2x", "5x", "10x", "20x", "50x"])
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        axes.set_xlim(0.8 * min([1.0, *_all(rows)]), 1.2 * max([2.0, *_all(rows)]))
        axes.set_yticks(range(len(rows)), [one.name for one in rows])
        axes.invert_yaxis()
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.8 / figure.get_figheight()), ncols=2, frameon=False)
        axes.set_title(f"Times faster; {results.budget} minutes a pipeline", fontsize=11)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def _errors(ratio: tuple[float, float, float]) -> tuple[float, float]:
    return max(0.0, ratio[0] - ratio[1]), max(0.0, ratio[2] - ratio[0])


def _all(rows: list[Comparison]) -> list[float]:
    ratios = (one.over(who) for one in rows for who in ("expert", one.best_autoscheduler or ""))
    return [ratio for ratio in ratios if ratio is not None]
