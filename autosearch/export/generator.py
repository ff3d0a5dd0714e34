"""A complete Python Generator: the algorithm, its estimates and the schedule, in one file that needs only halide."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from pathlib import Path

from autosearch.errors import ExportError
from autosearch.export.algorithm import Writer, type_text, variable
from autosearch.export.blocks import blocks
from autosearch.export.heading import function_name, heading
from autosearch.export.leftover import untouched
from autosearch.export.python import declarations, statement
from autosearch.pipeline.decode import deep_recursion
from autosearch.pipeline.ir import Algorithm, Func
from autosearch.result import Result
from autosearch.schedule.source import PYTHON, chains

_INSIDE = "        "


def python_generator(result: Result, path: Path) -> str:
    """The file's source. Raises `ExportError` for an algorithm that can't be written in Python."""
    algorithm = result.snapshot.algorithm
    if any(len(algorithm.func(name).types) > 1 for name in algorithm.outputs):
        raise ExportError("an output of several values (a Tuple) can't be written as a Python Generator")
    name = function_name(path)
    lines = ['"""' + "\n".join(heading(result)).rstrip(), ""]
    lines += [f"python {path.name} -g {name} -o FOLDER -e static_library,c_header target={result.target}", '"""', ""]
    lines += ["import halide as hl", "", "", f'@hl.generator(name="{name}")', f"class {_class_name(name)}:"]
    lines += [f"    {line}" for line in _interface(algorithm)]
    lines += ["", "    def generate(self):"]
    with deep_recursion():
        lines += [f"{_INSIDE}{line}" for line in _algorithm(algorithm)]
    lines += ["", *(f"{_INSIDE}{line}" for line in _estimates(result)), ""]
    lines += [f"{_INSIDE}# The schedule."]
    lines += [_INSIDE + text.replace("\n", f"\n{_INSIDE}") for text in _schedule(result)]
    lines += ["", "", 'if __name__ == "__main__":', "    hl.main()"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("_")) or "Pipeline"


def _identifier(name: str) -> str:
    plain = re.sub(r"\W", "_", name)
    return f"{plain}_" if keyword.iskeyword(plain) or plain in ("hl", "self") else plain


def _interface(algorithm: Algorithm) -> Iterator[str]:
    for one in algorithm.inputs:
        if one.dimensions is None:
            yield f"{_identifier(one.name)} = hl.InputScalar({type_text(one.type)})"
        else:
            yield f"{_identifier(one.name)} = hl.InputBuffer({type_text(one.type)}, {one.dimensions})"
    for name in algorithm.outputs:
        func = algorithm.func(name)
        yield f"{_identifier(name)} = hl.OutputBuffer({type_text(func.types[0])}, {len(func.args)})"


def _wrapped(algorithm: Algorithm, func: Func) -> str:
    """The input that a Func stands for: Halide makes one, NAME_im, for every input that is read."""
    names = {one.name for one in algorithm.inputs if one.dimensions is not None}
    name = func.name.removesuffix("_im")
    return name if func.name.endswith("_im") and name in names and func.is_pure else ""


def _algorithm(algorithm: Algorithm) -> Iterator[str]:
    names = {one.name: f"self.{_identifier(one.name)}" for one in algorithm.inputs}
    args = {variable(arg): arg for func in algorithm.funcs for arg in func.args}
    for func in algorithm.funcs:
        wrapped = _wrapped(algorithm, func)
        own = _identifier(func.name) if _identifier(func.name) not in args else f"{_identifier(func.name)}_func"
        names[func.name] = f"self.{_identifier(wrapped)}" if wrapped else own
    yield from (f'{one} = hl.Var("{arg}")' for one, arg in args.items())
    yield from (f"{names[name]} = self.{_identifier(name)}" for name in algorithm.outputs)
    yield ""
    writer = Writer(algorithm, names)
    for func in algorithm.funcs:
        if _wrapped(algorithm, func):
            continue
        if func.name not in algorithm.outputs:
            yield f'{names[func.name]} = hl.Func("{func.name}")'
        yield from writer.func(func)


def _estimates(result: Result) -> Iterator[str]:
    sizes = result.snapshot.sizes
    for name, box in [*sizes.inputs.items(), *sizes.outputs.items()]:
        ranges = ", ".join(f"({int(low)}, {int(high - low) + 1})" for low, high in box)
        yield f"self.{_identifier(name)}.set_estimates([{ranges}])"
    for name, value in sizes.scalars.items():
        yield f"self.{_identifier(name)}.set_estimate({value:g})"


def _schedule(result: Result) -> Iterator[str]:
    """The schedule's statements, for Funcs fetched by their place: all names in it are its own."""
    algorithm = result.snapshot.algorithm
    outputs = ", ".join(f"self.{_identifier(name)}" for name in algorithm.outputs)
    yield f"pipeline = hl.Pipeline([{outputs}])"
    places = {func.name: place for place, func in enumerate(algorithm.funcs)}
    for block in blocks(result.snapshot, result.schedule):
        yield from (f"{ident} = pipeline.get_func({places[name]})" for name, ident in block.names.funcs.items())
        yield from declarations(block.names)
        yield from (statement(text, "") for text in chains(block.schedule, PYTHON, block.names, "    "))
    for name, update in untouched(result.schedule, algorithm):
        yield f"pipeline.get_func({places[name]}).update({update}).unscheduled()"
