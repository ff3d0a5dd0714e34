"""The report's page: what is on it, and its text."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from autosearch import __version__
from autosearch.explain import Explanation, calculate
from autosearch.export import export
from autosearch.progress import format_bytes, format_seconds
from autosearch.report import plots
from autosearch.report.picture import boxes
from autosearch.result import Result
from autosearch.schedule.shorthand import length
from autosearch.schedule.structure import Structures

SOURCES = {"C++ to paste": "schedule.cpp", "C++ header": "schedule.h", "Python": "schedule.py"}


def render(result: Result) -> str:
    """The page."""
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["seconds"] = format_seconds
    environment.filters["bytes"] = format_bytes
    template = environment.from_string(files("autosearch.report").joinpath("page.html.j2").read_text())
    return template.render(**_content(result))


def _content(result: Result) -> dict[str, Any]:
    trials = [record for record in result.records if not record.baseline]
    ranked = sorted(result.baselines.items(), key=lambda item: item[1])
    ratios = [(name, result.speedup(name)) for name, _ in ranked]
    timed = any(one.ok for one in trials)
    pairs = [(one.predicted, one.seconds) for one in trials if one.predicted and one.ok]
    nest = Structures(result.snapshot).nest(result.schedule)
    explanation = calculate(result)
    failures = Counter(one.failure for one in trials if not one.ok)
    return {
        "name": ", ".join(result.snapshot.algorithm.outputs),
        "result": result,
        "identity": result.records[0].identity,
        "sizes": {
            name: " x ".join(str(int(high - low) + 1) for low, high in box)
            for name, box in result.snapshot.sizes.outputs.items()
        },
        "ranked": [(name, seconds, ratio) for (name, seconds), (_, ratio) in zip(ranked, ratios, strict=True)],
        "speedups": plots.speedups(ratios) if ratios else "",
        "over_trials": plots.over_trials(trials, ranked) if timed else "",
        "over_time": plots.over_time(trials, ranked) if timed else "",
        "predictions": plots.predictions(pairs) if len(pairs) > 2 else "",
        "correlation": _spearman(pairs) if len(pairs) > 2 else None,
        "boxes": boxes(nest),
        "calls": length(result.schedule),
        "explanation": explanation,
        "figures": list(_figures(explanation)),
        "sources": [(title, _source(result, name)) for title, name in SOURCES.items()],
        "trials": len(trials),
        "failures": [
            (reason, count, next(one.message for one in trials if one.failure == reason))
            for reason, count in failures.most_common()
        ],
        "version": __version__,
    }


def _figures(explanation: Explanation) -> Iterator[tuple[str, list[str]]]:
    """Rows of the table of what each schedule does: the winner first, then the baselines."""
    columns = [explanation.figures, *(one.figures for one in explanation.comparisons)]

    def row(title: str, text: Any) -> tuple[str, list[str]]:
        return title, ["-" if one is None else text(one) for one in columns]

    yield row("arithmetic, over what is needed", lambda one: f"{one.recompute:.2f}x")
    yield row("operations", lambda one: f"{one.operations / 1e6:,.1f} M")
    yield row("of these in vectors", lambda one: f"{one.in_vectors:.0%}")
    yield row("vector operations", lambda one: f"{one.instructions / 1e6:,.1f} M")
    yield row("loaded in loop bodies", lambda one: format_bytes(one.read_bytes))
    yield row("through storage beyond the second cache", lambda one: format_bytes(one.far_bytes))
    yield row("largest storage of a Func", lambda one: format_bytes(one.stored_bytes))
    yield row("parallel tasks of the main work", lambda one: f"{one.tasks:.0f}")


def _source(result: Result, name: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        export(result, path)
        return path.read_text()


def _spearman(pairs: list[tuple[float, float]]) -> float:
    """The rank correlation of what was predicted and what was measured."""
    predicted, measured = (np.argsort(np.argsort([pair[side] for pair in pairs])) for side in (0, 1))
    return float(np.corrcoef(predicted, measured)[0, 1])
