"""The program `autosearch`: its commands, their options, and what they exit with.

Exit status: 0 done; 1 an error, described in one sentence on standard error; 2 wrong usage; 3 the log or schedule is of
another algorithm; 130 interrupted before anything was found.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from autosearch import __version__
from autosearch.cli.show import summarize_log
from autosearch.errors import AutoSearchError, InputError, MismatchError
from autosearch.pipeline.source import load_object
from autosearch.result import Result
from autosearch.strategies import STRATEGIES

app = typer.Typer(
    help="Find fast schedules for Halide pipelines by searching, compiling and timing.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

_EXIT_ERROR, _EXIT_MISMATCH, _EXIT_INTERRUPTED = 1, 3, 130

Pipeline = Annotated[
    str, typer.Argument(help="file.py:NAME (a pipeline, Func, generator class or function) or file.hlpipe")
]
Target = Annotated[str, typer.Option("--target", "-t", help="Halide target")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=VALUE", help="an input: a .npy file or a number; repeat for more"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON")]


@app.command(epilog="Example: autosearch tune examples/unsharp.py:pipeline --trials 200 --log unsharp.jsonl")
def tune(
    pipeline: Pipeline,
    trials: Annotated[int, typer.Option("--trials", "-n", help="schedules to measure")] = 2000,
    log: Annotated[
        Path | None, typer.Option("--log", "-l", help="record trials here; what it holds is not repeated")
    ] = None,
    target: Target = "host",
    inputs: Inputs = None,
    strategy: Annotated[str, typer.Option("--strategy", "-s", help=f"one of {', '.join(STRATEGIES)}")] = "genetic",
    seed: Annotated[int, typer.Option(help="of every random choice")] = 0,
    timeout: Annotated[float | None, typer.Option(help="seconds for everything")] = None,
    tolerance: Annotated[
        float | None, typer.Option(help="relative difference that floats may have; by default as the algorithm demands")
    ] = None,
    cold_cache: Annotated[bool, typer.Option("--cold-cache", help="empty the caches before each sample")] = False,
    export: Annotated[
        list[Path] | None, typer.Option("--export", "-o", help="write the schedule here (.h, .py or .json)")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="show no progress")] = False,
    as_json: AsJson = False,
) -> None:
    """Search for a fast schedule of a pipeline; print how it compares, and its source."""
    from autosearch.tuner import tune as run

    with _errors():
        _check_exports(export)
        result = run(
            load_object(pipeline),
            target,
            trials,
            inputs=_parse_inputs(inputs),
            log=log,
            strategy=strategy,
            seed=seed,
            timeout=timeout,
            progress=not quiet,
            tolerance=tolerance,
            cold_cache=cold_cache,
        )
        _finish(result, export, as_json)


@app.command(epilog="Example: autosearch replay unsharp.jsonl examples/unsharp.py:pipeline")
def replay(
    log: Annotated[Path, typer.Argument(help="a log that tune wrote")],
    pipeline: Pipeline,
    target: Target = "host",
    inputs: Inputs = None,
    as_json: AsJson = False,
) -> None:
    """Print the result of a log again. Nothing is compiled or timed."""
    from autosearch.replayer import replay as run

    with _errors():
        result = run(log, load_object(pipeline), target, inputs=_parse_inputs(inputs))
        _finish(result, None, as_json)


@app.command(epilog="Example: autosearch export unsharp.jsonl examples/unsharp.py:pipeline -o unsharp.schedule.h")
def export(
    log: Annotated[Path, typer.Argument(help="a log that tune wrote")],
    pipeline: Pipeline,
    output: Annotated[list[Path], typer.Option("--output", "-o", help="where to (.h, .py or .json); repeat for more")],
    target: Target = "host",
    inputs: Inputs = None,
) -> None:
    """Write the best schedule of a log as C++, Python or JSON."""
    from autosearch.replayer import replay as run

    with _errors():
        _check_exports(output)
        result = run(log, load_object(pipeline), target, inputs=_parse_inputs(inputs))
        for path in output:
            result.export(path)
            typer.echo(f"wrote {path}")


@app.command(epilog="Example: autosearch show unsharp.jsonl")
def show(log: Annotated[Path, typer.Argument(help="a log that tune wrote")], as_json: AsJson = False) -> None:
    """Show what a log holds: the best schedule, how the search converged, failures by reason."""
    from autosearch.records.log import read_log

    with _errors():
        summary = summarize_log(read_log(log))
        typer.echo(json.dumps(summary.to_json(), indent=1) if as_json else summary.text())


@app.command(epilog="Example: autosearch merge laptop.jsonl server.jsonl -o all.jsonl")
def merge(
    logs: Annotated[list[Path], typer.Argument(help="logs that tune wrote")],
    output: Annotated[Path, typer.Option("--output", "-o", help="the new log")],
    as_json: AsJson = False,
) -> None:
    """Make one log of several, each record once."""
    from autosearch.records.merge import merge_logs

    with _errors():
        merged = merge_logs(logs, output)
        if as_json:
            typer.echo(json.dumps({**asdict(merged), "output": str(output)}))
            return
        typer.echo(
            f"wrote {output}: {merged.records} records; left out {merged.duplicates} duplicates, "
            f"{merged.damaged} damaged lines"
        )


@app.command(epilog="Example: autosearch remeasure unsharp.jsonl examples/unsharp.py:pipeline --top 20")
def remeasure(
    log: Annotated[Path, typer.Argument(help="a log that tune wrote, here or elsewhere")],
    pipeline: Pipeline,
    top: Annotated[int, typer.Option("--top", "-n", help="how many of the fastest schedules")] = 20,
    target: Target = "host",
    inputs: Inputs = None,
    into: Annotated[
        Path | None, typer.Option("--log", "-l", help="record the new measurements here; tune can go on from it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the best schedules of a log again: what still holds, what regressed, what no longer compiles."""
    from autosearch.remeasure import remeasure as run
    from autosearch.remeasure import table

    with _errors():
        rows = run(log, load_object(pipeline), target, inputs=_parse_inputs(inputs), top=top, into=into)
        if as_json:
            content = [
                {
                    "recorded": row.recorded, "seconds": row.seconds, "relative": row.relative,
                    "verdict": row.verdict, "message": row.message, "schedule": row.schedule.to_json(),
                }
                for row in rows
            ]  # fmt: skip
            typer.echo(json.dumps(content, indent=1))
        else:
            typer.echo(table(rows))


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="print the version")] = False) -> None:
    """Options of the program itself."""
    if version:
        typer.echo(f"autosearch {__version__}")
        raise typer.Exit()


@contextmanager
def _errors() -> Iterator[None]:
    """Turns errors into one sentence and an exit status."""
    try:
        yield
    except AutoSearchError as error:
        typer.echo(f"autosearch: {error}", err=True)
        raise typer.Exit(_EXIT_MISMATCH if isinstance(error, MismatchError) else _EXIT_ERROR) from None
    except KeyboardInterrupt:
        typer.echo("autosearch: interrupted before anything was found", err=True)
        raise typer.Exit(_EXIT_INTERRUPTED) from None


def _finish(result: Result, exports: list[Path] | None, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result_json(result), indent=1))
    else:
        typer.echo(result.summary())
        typer.echo("")
        typer.echo(str(result.best))
    for path in exports or []:
        result.export(path)
        print(f"wrote {path}", file=sys.stderr)


def result_json(result: Result) -> dict[str, Any]:
    """A result for scripts: seconds, ratios with intervals, the schedule."""
    ratios = {name: result.speedup(name) for name in result.baselines}
    return {
        "seconds": result.best_time,
        "baselines": dict(result.baselines),
        "failed_baselines": result.baselines.failures,
        "speedups": {name: {"ratio": r.value, "low": r.low, "high": r.high} for name, r in ratios.items()},
        "trials": len([record for record in result.records if not record.baseline]),
        "pipeline": result.snapshot.fingerprint,
        "target": result.target,
        "schedule": result.best.to_json(),
    }


def _check_exports(paths: list[Path] | None) -> None:
    """Refuse what can't be written before hours are spent."""
    from autosearch.export import check_path

    for path in paths or []:
        check_path(path)


def _parse_inputs(given: list[str] | None) -> dict[str, Any]:
    inputs: dict[str, Any] = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals or not name or not value:
            raise InputError(f"an input is given as NAME=FILE.npy or NAME=NUMBER, not {one!r}")
        inputs[name] = _load_input(name, value)
    return inputs


def _load_input(name: str, value: str) -> Any:
    if value.endswith(".npy"):
        try:
            return np.load(value, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise InputError(f"can't read input {name!r} from {value!r}: {error}") from None
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        raise InputError(f"input {name!r} must be a .npy file or a number, not {value!r}") from None
