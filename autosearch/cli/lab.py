"""The command `lab`: strategies against recorded spaces. It compiles nothing, and runs where there is no Halide."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from autosearch.cli.options import AsJson, errors
from autosearch.strategies import STRATEGIES


def lab(
    spaces: Annotated[list[Path], typer.Argument(help="recorded spaces (.json.gz), or logs with random trials")],
    strategies: Annotated[
        list[str] | None, typer.Option("--strategy", "-s", help=f"one of {', '.join(STRATEGIES)}; repeat for more")
    ] = None,
    seeds: Annotated[int, typer.Option(help="runs of each strategy on each space")] = 30,
    evaluations: Annotated[int, typer.Option("--trials", "-n", help="trials of a run, about, at most")] = 150,
    jobs: Annotated[int, typer.Option(help="processes that share the runs")] = 1,
    plot: Annotated[Path | None, typer.Option(help="draw the scores over time (.svg, .png, .pdf)")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare strategies on spaces that were measured before: how much better than random search each is, over time."""
    from autosearch.lab.comparison import compare
    from autosearch.lab.plot import check_plot
    from autosearch.lab.plot import plot as draw
    from autosearch.lab.recording import read_recording

    with errors():
        if plot is not None:
            check_plot(plot)
        recordings = [read_recording(path) for path in spaces]
        comparison = compare(recordings, strategies or tuple(STRATEGIES), seeds, evaluations, jobs)
        if plot is not None:
            draw(comparison, plot)
        typer.echo(json.dumps(comparison.to_json(), indent=1) if as_json else comparison.markdown())
