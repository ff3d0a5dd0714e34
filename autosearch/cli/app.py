"""The program `autosearch`: its commands, and what they exit with.

Exit status: 0 done; 1 an error, described in one sentence on standard error; 2 wrong usage; 3 the log or schedule is of
another algorithm; 130 interrupted before anything was found.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from autosearch import __version__
from autosearch.cli import logs, tuning
from autosearch.cli.lab import lab

app = typer.Typer(
    help="Find fast schedules for Halide pipelines by searching, compiling and timing.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

_EXAMPLES: dict[Callable[..., None], str] = {
    tuning.tune: "tune examples/unsharp.py:pipeline --trials 200 --log unsharp.jsonl",
    logs.show: "show unsharp.jsonl",
    logs.replay: "replay unsharp.jsonl",
    logs.export: "export unsharp.jsonl -o unsharp.schedule.h",
    tuning.minimize: "minimize unsharp.jsonl -o unsharp.schedule.h",
    tuning.explain: "explain unsharp.jsonl",
    logs.report: "report unsharp.jsonl -o unsharp.html",
    logs.build: "build unsharp.jsonl -o unsharp --function unsharp",
    tuning.remeasure: "remeasure unsharp.jsonl --top 20",
    logs.learn: "learn unsharp.jsonl blur.jsonl -o mine.ubj",
    logs.merge: "merge laptop.jsonl server.jsonl -o all.jsonl",
    lab: "lab records/spaces/*.json.gz --strategy genetic --strategy tree",
}
for command, example in _EXAMPLES.items():
    app.command(epilog=f"Example: autosearch {example}")(command)


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    """Options of the program itself."""
    if version:
        typer.echo(f"autosearch {__version__}")
        raise typer.Exit()
