"""A Python module with `apply_schedule(pipeline)` that needs nothing but halide."""

from __future__ import annotations

import inspect
from pathlib import Path

from autosearch.export import signature
from autosearch.export.blocks import blocks
from autosearch.export.heading import heading
from autosearch.export.identifiers import Declaration, Identifiers
from autosearch.export.leftover import untouched
from autosearch.export.signature import definition_digest, funcs_in_order
from autosearch.result import Result
from autosearch.schedule.source import PYTHON, chains


def python_module(result: Result, path: Path) -> str:
    """The module's source."""
    algorithm = result.snapshot.algorithm
    digests = [definition_digest(func) for func in funcs_in_order(result.snapshot.fresh())]
    expected = ",\n    ".join(
        f"({func.name!r}, {digest!r})" for func, digest in zip(algorithm.funcs, digests, strict=True)
    )
    lines = ['"""' + "\n".join(heading(result)).rstrip(), '"""', "", "import re", "", "import halide as hl", ""]
    lines += ["# What the schedule is for: each Func, producers first, with a digest of its definition."]
    lines += [f"EXPECTED = [\n    {expected},\n]", "", ""]
    lines += ["def apply_schedule(pipeline):"]
    lines += ['    """Schedule `pipeline` (an hl.Pipeline or hl.Func, not scheduled yet)."""']
    lines += ["    funcs = check(pipeline if isinstance(pipeline, hl.Pipeline) else hl.Pipeline([pipeline]))"]
    for block in blocks(result.snapshot, result.schedule):
        lines += [f"    {identifier} = funcs[{name!r}]" for name, identifier in block.names.funcs.items()]
        lines += [f"    {line}" for line in declarations(block.names)]
        lines += [statement(text) for text in chains(block.schedule, PYTHON, block.names, "        ")]
    for func, update in untouched(result.schedule, algorithm):
        lines.append(f"    funcs[{func!r}].update({update}).unscheduled()")
    lines += ["", "", _check_source(), "", ""]
    for function in (signature.funcs_in_order, signature.definition_digest, signature.digest_of, signature.plain_name):
        lines += [inspect.getsource(function).rstrip(), "", ""]
    return "\n".join(lines).rstrip() + "\n"


def statement(chain: str, indent: str = "    ") -> str:
    """A chain of calls, in parentheses where it takes several lines."""
    if "\n" not in chain:
        return f"{indent}{chain}"
    target, assigns, value = chain.partition(" = ")
    if not assigns or "\n" in target:
        return f"{indent}(\n{indent}    {chain}\n{indent})"
    return f"{indent}{target} = (\n{indent}    {value}\n{indent})"


def declarations(names: Identifiers) -> list[str]:
    """Assignments that make or fetch the loops of a schedule."""
    return [f"{one.identifier} = {_initial(one, names)}" for one in names.declarations]


def _initial(one: Declaration, names: Identifiers) -> str:
    if one.name:
        return f'hl.{"RVar" if one.reduction else "Var"}("{one.name}")'
    if one.reduction:
        return f"{names.func(one.func)}.rvars({one.update})[{one.place}]"
    return f"{names.func(one.func)}.args()[{one.place}]"


def _check_source() -> str:
    return '''def check(pipeline):
    """The pipeline's Funcs by name; an error that says what changed if it isn't the algorithm that was tuned."""
    funcs = funcs_in_order(pipeline)
    found = [(plain_name(func.name()), definition_digest(func)) for func in funcs]
    wanted = {name: digest for name, digest in EXPECTED}
    there = {name for name, _ in found}
    if [digest for _, digest in found] != [digest for _, digest in EXPECTED]:
        missing = [name for name in wanted if name not in there]
        changed = [name for name, digest in found if wanted.get(name, digest) != digest]
        new = [name for name in there if name not in wanted]
        raise ValueError(
            "this schedule is for another algorithm, tune it anew:"
            + (f" the definition of {', '.join(changed)} changed;" if changed else "")
            + (f" {', '.join(missing)} is missing;" if missing else "")
            + (f" {', '.join(sorted(new))} is new;" if new else "")
        )
    return {name: func for (name, _), func in zip(EXPECTED, funcs)}'''
