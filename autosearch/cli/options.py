"""What the commands have in common: how a pipeline and its inputs are named, and what an error exits with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from autosearch.errors import ArgumentError, AutoSearchError, InputError, MismatchError

if TYPE_CHECKING:  # it loads Halide, which not every command needs
    from autosearch.pipeline.source import PipelineLike

EXIT_ERROR, EXIT_MISMATCH, EXIT_INTERRUPTED = 1, 3, 130

_WHAT = (
    "file.py:NAME (a pipeline, Func, generator class or function) or file.hlpipe; with --generator its NAME=VALUE..."
)
Pipeline = Annotated[list[str] | None, typer.Argument(metavar="PIPELINE", help=_WHAT)]
LoggedPipeline = Annotated[
    list[str] | None, typer.Argument(metavar="PIPELINE", help=f"{_WHAT}; by default the one that the log holds")
]
GeneratorProgram = Annotated[
    Path | None, typer.Option("--generator", "-g", help="a C++ Generator's program, built against Halide 21")
]
GeneratorName = Annotated[str, typer.Option("--name", help="which Generator of that program; may be left out for one")]
Log = Annotated[Path, typer.Argument(metavar="LOG", help="a log that tune wrote")]
Logs = Annotated[list[Path], typer.Argument(metavar="LOG", help="logs that tune wrote")]
Exports = Annotated[
    list[Path] | None,
    typer.Option(
        "--export", "-o", help="write the schedule here (.h, .cpp, .py, .generator.py or .json); repeat for more"
    ),
]
Target = Annotated[str, typer.Option("--target", "-t", help="Halide target")]
LoggedTarget = Annotated[str | None, typer.Option("--target", "-t", help="Halide target; by default this machine's")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=VALUE", help="an input: a .npy file or a number; repeat for more"),
]
Tolerance = Annotated[
    float | None, typer.Option(help="relative difference that floats may have; by default as the algorithm demands")
]
AsJson = Annotated[bool, typer.Option("--json", help="print the result as JSON")]


def named_pipeline(words: Sequence[str] | None, generator: Path | None, name: str) -> PipelineLike | None:
    """The pipeline that a command line names, None where it names none. Raises `AutoSearchError`."""
    from autosearch.pipeline.generator import Generator
    from autosearch.pipeline.source import load_object

    given = list(words or [])
    if generator is None:
        if name:
            raise ArgumentError("--name is of a C++ Generator: give its program with --generator")
        if len(given) > 1:
            raise ArgumentError(f"one pipeline is wanted, but {len(given)} are given: {' '.join(given)}")
        return load_object(given[0]) if given else None
    params: dict[str, str] = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise ArgumentError(f"with --generator only its parameters may follow, as NAME=VALUE, not {word!r}")
        params[key] = value
    return Generator(generator, name, params)


def parse_inputs(given: list[str] | None) -> dict[str, Any]:
    """Inputs from NAME=FILE.npy and NAME=NUMBER. Raises `InputError`."""
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


@contextmanager
def errors() -> Iterator[None]:
    """Turns errors into one sentence and an exit status."""
    try:
        yield
    except AutoSearchError as error:
        typer.echo(f"autosearch: {error}", err=True)
        raise typer.Exit(EXIT_MISMATCH if isinstance(error, MismatchError) else EXIT_ERROR) from None
    except KeyboardInterrupt:
        typer.echo("autosearch: interrupted before anything was found", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
