"""Recognising an algorithm with nothing but Halide: digests of Funcs' definitions as Halide prints them.

Exported schedules must work where AutoSearch isn't installed, so they can't use its fingerprint. Instead each Func's
definition, printed by Halide and freed of the counters that Halide puts in names, is hashed (64-bit FNV-1a). The same
is done by the exported Python (this very source) and by the exported C++.
"""

from __future__ import annotations

import re

import halide as hl


def plain_name(name: str) -> str:
    """A Func's name without the suffix that Halide adds when a name is used again in a process."""
    return re.sub(r"\$\d+$", "", name)


def definition_digest(func: hl.Func) -> str:
    """A digest of what `func` computes, the same in every process."""
    names: dict[str, str] = {}
    types = " ".join(str(one) for one in func.types())
    parts = [plain_name(func.name()), str(func.dimensions()), types]
    if func.is_extern():
        parts.append(func.extern_function_name())
    else:
        parts += [str(one) for one in func.args()] + [str(one) for one in func.values()]
        for update in range(func.num_update_definitions()):
            parts += [str(one) for one in func.update_args(update)] + [str(one) for one in func.update_values(update)]
            parts.append(str(len(func.rvars(update))))
    text = "\n".join(re.sub(r"^<halide\.Expr of type (.*)>$", r"\1", part, flags=re.DOTALL) for part in parts)

    def number(match: re.Match[str]) -> str:
        return names.setdefault(match[0], (match[1] or match[2]) + "#" + str(len(names)))

    text = re.sub(r"\b(?:([A-Za-z_])\d+(?:_im|_intm)?\b(?!\$\d)|(lambda_)\d+\b)", number, text)
    text = re.sub(r"\$\d+", "", text)
    digest = 0xCBF29CE484222325
    for byte in text.encode():
        digest = ((digest ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def funcs_in_order(pipeline: hl.Pipeline) -> list[hl.Func]:
    """All Funcs of a pipeline, producers first."""
    funcs: list[hl.Func] = []
    while True:
        try:
            funcs.append(pipeline.get_func(len(funcs)))
        except hl.HalideError:
            return funcs
