"""The commands that time kernels: `tune`, `minimize`, `explain`, `remeasure`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from autosearch.cli.options import (
    AsJson,
    Exports,
    GeneratorName,
    GeneratorProgram,
    Inputs,
    Log,
    LoggedPipeline,
    LoggedTarget,
    Pipeline,
    Sizes,
    Target,
    Tolerance,
    errors,
    named_pipeline,
    parse_inputs,
    parse_sizes,
)
from autosearch.cli.output import check_exports, finish
from autosearch.strategies import STRATEGIES


def tune(
    pipeline: Pipeline = None,
    trials: Annotated[int, typer.Option("--trials", "-n", help="schedules to measure")] = 2000,
    log: Annotated[
        Path | None, typer.Option("--log", "-l", help="record trials here; what it holds is not repeated")
    ] = None,
    target: Target = "host",
    inputs: Inputs = None,
    sizes: Sizes = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy", "-s", help=f"one of {', '.join(STRATEGIES)}", autocompletion=lambda: list(STRATEGIES)
        ),
    ] = "portfolio",
    seed: Annotated[int, typer.Option(help="of every random choice")] = 0,
    timeout: Annotated[float | None, typer.Option(help="seconds for everything")] = None,
    tolerance: Tolerance = None,
    cold_cache: Annotated[bool, typer.Option("--cold-cache", help="empty the caches before each sample")] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="FUNC", help="keep this Func's own schedule; repeat for more, or: scheduled"),
    ] = None,
    cost_model: Annotated[
        bool, typer.Option("--cost-model/--no-cost-model", help="measure only what a learned model holds promising")
    ] = True,
    prior: Annotated[Path | None, typer.Option(help="the cost model to begin with, as learn writes one")] = None,
    template: Annotated[
        str, typer.Option("--template", metavar="FILE.py:NAME", help="a function that schedules Funcs with knobs")
    ] = "",
    export: Exports = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="show no progress")] = False,
    as_json: AsJson = False,
) -> None:
    """Search for a fast schedule of a pipeline; print how it compares, and its source."""
    from autosearch.pipeline.source import load_object
    from autosearch.tuner import tune as run

    with errors():
        check_exports(export)
        what = named_pipeline(pipeline, generator, name)
        if what is None:
            raise typer.BadParameter("name the pipeline to tune, as FILE.py:NAME, or a C++ Generator with --generator")
        result = run(
            what,
            target,
            trials,
            inputs=parse_inputs(inputs),
            sizes=parse_sizes(sizes),
            log=log,
            strategy=strategy,
            cost_model=cost_model,
            seed=seed,
            timeout=timeout,
            progress=not quiet,
            tolerance=tolerance,
            cold_cache=cold_cache,
            keep="scheduled" if keep == ["scheduled"] else keep or (),
            template=load_object(template) if template else None,
            prior=prior,
        )
        finish(result, export, as_json)


def minimize(
    log: Log,
    pipeline: LoggedPipeline = None,
    threshold: Annotated[float, typer.Option(help="how much longer it may take, as a share")] = 0.02,
    target: LoggedTarget = None,
    inputs: Inputs = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    tolerance: Tolerance = None,
    export: Exports = None,
    as_json: AsJson = False,
) -> None:
    """Drop the directives of the best schedule that don't matter. The log keeps it: exports are of the short form then."""
    from autosearch.minimal import minimize_log

    with errors():
        check_exports(export)
        result, record = minimize_log(
            log,
            named_pipeline(pipeline, generator, name),
            target,
            threshold=threshold,
            inputs=parse_inputs(inputs),
            tolerance=tolerance,
        )
        if not as_json:
            typer.echo(f"{record.summary()}\n")
        finish(result, export, as_json)


def explain(
    log: Log,
    pipeline: LoggedPipeline = None,
    target: LoggedTarget = None,
    inputs: Inputs = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    tolerance: Tolerance = None,
    as_json: AsJson = False,
) -> None:
    """Measure what each call of the best schedule is worth, and say how it differs from the baselines."""
    from autosearch.explain import explain as run
    from autosearch.replayer import replay

    with errors():
        given = parse_inputs(inputs)
        result = replay(log, named_pipeline(pipeline, generator, name), target, inputs=given)
        found = run(result, inputs=given, tolerance=tolerance)
        typer.echo(json.dumps(found.to_json(), indent=1) if as_json else found.text())


def remeasure(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="a log that tune wrote, here or elsewhere")],
    pipeline: LoggedPipeline = None,
    top: Annotated[int, typer.Option("--top", "-n", help="how many of the fastest schedules")] = 20,
    target: Target = "host",
    inputs: Inputs = None,
    generator: GeneratorProgram = None,
    name: GeneratorName = "",
    into: Annotated[
        Path | None, typer.Option("--log", "-l", help="record the new measurements here; tune can go on from it")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the best schedules of a log again: what still holds, what regressed, what no longer compiles."""
    from autosearch.remeasure import remeasure as run
    from autosearch.remeasure import table

    with errors():
        what = named_pipeline(pipeline, generator, name)
        rows = run(log, what, target, inputs=parse_inputs(inputs), top=top, into=into)
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
