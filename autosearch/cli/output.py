"""How a result is printed and written."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from autosearch.result import Result


def finish(result: Result, exports: list[Path] | None, as_json: bool) -> None:
    """Print a result and write its exports."""
    if as_json:
        typer.echo(json.dumps(result_json(result), indent=1))
    else:
        typer.echo(result.summary())
        typer.echo("")
        typer.echo(str(result.schedule))
    for path in exports or []:
        result.export(path)
        print(f"wrote {path}", file=sys.stderr)


def wrote(paths: Iterable[Path], as_json: bool, **more: Any) -> None:
    """Say which files were written, and to scripts more about them."""
    names = [str(path) for path in paths]
    if as_json:
        typer.echo(json.dumps({**more, "wrote": names}))
    else:
        for name in names:
            typer.echo(f"wrote {name}")


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
        "schedule": result.schedule.to_json(),
    }


def check_exports(paths: list[Path] | None) -> None:
    """Refuse what can't be written before hours are spent."""
    from autosearch.export import check_path

    for path in paths or []:
        check_path(path)
