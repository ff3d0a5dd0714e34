"""The results as a page: a line a pipeline, then what they come to."""

from __future__ import annotations

from collections.abc import Sequence

from autosearch.measure.autoschedulers import AUTOSCHEDULERS
from autosearch.measure.statistics import geometric_mean
from autosearch.progress import format_seconds
from benchmarks.bench import Comparison
from benchmarks.suite.results import Library, Results, Row

COLUMNS = (
    "pipeline", "Funcs", "AutoSearch", "by hand", "best autoscheduler", "over by hand", "over that autoscheduler",
    "trials", "legal", "thinking", "minutes", "commit",
)  # fmt: skip


def table(results: Results) -> str:
    """The whole page, Markdown."""
    compared = results.compared
    parts = [
        "# The suite",
        f"{headline(results)}. Ratios are "
        "of times taken in turn in one run, with 95 % intervals; *legal* is the share of the schedules tried that Halide "
        "takes and whose output is right, *thinking* that of the time spent proposing and modelling.",
        "\n".join(
            [
                _row(COLUMNS),
                _row(["---"] * len(COLUMNS)),
                *(_row(cells(name, row)) for name, row in results.rows.items()),
            ]
        ),
    ]
    if compared:
        parts.append(f"Geometric means over {len(compared)} pipelines: " + "; ".join(_means(compared)) + ".")
    found = [(name, row.library) for name, row in results.rows.items() if row.library is not None]
    parts += [f"- {name} against {library_text(library)}" for name, library in found]
    broken = [f"- {one.name}: {text}" for one in compared for text in _autoscheduler_failures(one)]
    if broken:
        parts += ["Autoschedulers that failed, or that had to be helped:", "\n".join(broken)]
    troubles = [f"- {name}: {trouble}" for name, row in results.rows.items() for trouble in row.troubles]
    parts += ["The tuner's own crashes and hangs:", "\n".join(troubles)] if troubles else []
    return "\n\n".join(parts) + "\n"


def headline(results: Results) -> str:
    """What they are of."""
    return f"{results.machine}; at most {results.budget} minutes a pipeline, whose schedule by hand is {results.start}"


def line(name: str, row: Row) -> str:
    """A row for the terminal."""
    return "  ".join(f"{head}: {cell}" if head != "pipeline" else cell for head, cell in zip(COLUMNS, cells(name, row)))


def cells(name: str, row: Row) -> list[str]:
    """What stands in the columns."""
    one = row.comparison
    if one is None:
        return [name, *["-"] * (len(COLUMNS) - 2), row.troubles[-1] if row.troubles else "-"]
    best = one.best_autoscheduler
    return [
        name,
        str(one.funcs),
        *(format_seconds(one.seconds[who]) if who in one.seconds else "failed" for who in ("autosearch", "expert")),
        f"{format_seconds(one.seconds[best])} ({best})" if best is not None else "all failed",
        _ratio(one.speedups.get("expert")),
        _ratio(one.speedups.get(best or "")),
        str(one.trials),
        f"{1 - row.illegal / max(1, one.trials):.1%}",
        f"{one.thinking_share:.0%}",
        f"{row.minutes:g}",
        row.commit,
    ]


def library_text(library: Library) -> str:
    """One library in a sentence."""
    if library.ratio is None:
        return f"{library.name}: not measured, {library.note}"
    return f"{library.name}: {_ratio(library.ratio)} of its speed ({format_seconds(library.seconds)}; {library.note})"


def _means(compared: Sequence[Comparison]) -> list[str]:
    expert = [ratio for one in compared if (ratio := one.over("expert")) is not None]
    scheduled = [ratio for one in compared if (ratio := one.over(one.best_autoscheduler or "")) is not None]
    parts = [(expert, "over by hand"), (scheduled, "over the best autoscheduler of each")]
    return [f"{geometric_mean(ratios):.2f}x {what}" for ratios, what in parts if ratios]


def _autoscheduler_failures(one: Comparison) -> list[str]:
    told = [f"{who}: {one.failures[who]}" for who in AUTOSCHEDULERS if who in one.failures]
    return told + [f"{who}: {note}" for who, note in one.notes.items()]


def _ratio(ratio: tuple[float, float, float] | None) -> str:
    return f"{ratio[0]:.2f}x [{ratio[1]:.2f}, {ratio[2]:.2f}]" if ratio is not None else "-"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/").replace("\n", " ") for cell in cells) + " |"
