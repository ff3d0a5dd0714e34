"""The commands that read logs: `show`, `replay`, `export`, `build`, `report`, `learn`, `merge`. None of them times anything."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from autosearch.cli.options import (
    AsJson,
    GeneratorName,
    GeneratorProgram,
    Inputs,
    Log,
    LoggedPipeline,
    LoggedTarget,
    Logs,
    errors,
    named_pipeline,
    parse_inputs,
)
from autosearch.cli.output import check_exports, finish, wrote
from autosearch.cli.show import summarize_log


def show(log: Log, as_json: AsJson = False) -> None:
    """Show what a log holds: the best schedule, how the search converged, failures by reason."""
    from autosearch.records.log import read_log

    with errors():
        summary = summarize_log(read_log(log))
        typer.echo(json.dumps(summary.to_json(), indent=1) if as_json else summary.text())


def replay(
    log: Log,
    pipeline: LoggedPipeline = None,
    target: LoggedTarget = None,
    inputs: Inputs = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    as_json: AsJson = False,
) -> None:
    """Print the result of a log again. Nothing is compiled or timed."""
    from autosearch.replayer import replay as run

    with errors():
        result = run(log, named_pipeline(pipeline, generator, name), target, inputs=parse_inputs(inputs))
        finish(result, None, as_json)


def export(
    log: Log,
    output: Annotated[
        list[Path],
        typer.Option("--output", "-o", help="where to (.h, .cpp, .py, .generator.py or .json); repeat for more"),
    ],
    pipeline: LoggedPipeline = None,
    target: LoggedTarget = None,
    inputs: Inputs = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    as_json: AsJson = False,
) -> None:
    """Write the best schedule of a log as C++, Python or JSON."""
    from autosearch.replayer import replay as run

    with errors():
        check_exports(output)
        result = run(log, named_pipeline(pipeline, generator, name), target, inputs=parse_inputs(inputs))
        for path in output:
            result.export(path)
        wrote(output, as_json)


def build(
    log: Log,
    folder: Annotated[Path, typer.Option("--output", "-o", help="the folder to write to")],
    pipeline: LoggedPipeline = None,
    function: Annotated[str, typer.Option("--function", "-f", help="its name; by default that of the output")] = "",
    target: Annotated[
        str | None, typer.Option("--target", "-t", help="what to compile for, if not what was tuned for")
    ] = None,
    inputs: Inputs = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    as_json: AsJson = False,
) -> None:
    """Compile the pipeline with the best schedule of a log: object, static library, C header, Python module."""
    from autosearch.export.build import build as run
    from autosearch.replayer import replay

    with errors():
        result = replay(log, named_pipeline(pipeline, generator, name), inputs=parse_inputs(inputs))
        wrote(run(result, folder, function, target), as_json)


def report(
    log: Log,
    output: Annotated[Path, typer.Option("--output", "-o", help="the page to write (.html)")],
    pipeline: LoggedPipeline = None,
    target: LoggedTarget = None,
    inputs: Inputs = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    as_json: AsJson = False,
) -> None:
    """Write one page about a log: convergence, comparison, the loop nest as a picture, source, failures."""
    from autosearch.replayer import replay as run
    from autosearch.report import report as write

    with errors():
        result = run(log, named_pipeline(pipeline, generator, name), target, inputs=parse_inputs(inputs))
        write(result, output)
        wrote([output], as_json)


def learn(
    logs: Logs,
    output: Annotated[Path, typer.Option("--output", "-o", help="the model (.ubj)")],
    as_json: AsJson = False,
) -> None:
    """Train a cost model on your own logs, for tune --prior."""
    from autosearch.learning import learn as run

    with errors():
        learned = run(logs, output)
        if not as_json:
            typer.echo(learned.summary())
        wrote([output], as_json, **asdict(learned))


def merge(
    logs: Logs,
    output: Annotated[Path, typer.Option("--output", "-o", help="the new log")],
    as_json: AsJson = False,
) -> None:
    """Make one log of several, each record once."""
    from autosearch.records.merge import merge_logs

    with errors():
        merged = merge_logs(logs, output)
        if as_json:
            wrote([output], as_json, **asdict(merged))
            return
        typer.echo(
            f"wrote {output}: {merged.records} records; left out {merged.duplicates} duplicates, "
            f"{merged.damaged} damaged lines"
        )
