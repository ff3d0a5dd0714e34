"""Recognising an algorithm with nothing but Halide's Python bindings: digests of Funcs' definitions as Halide prints them.

An exported Python module must work where AutoSearch isn't installed, so it can't use its fingerprint. Instead each Func's
definition, printed by Halide and freed of the counters that Halide puts in names, is hashed (64-bit FNV-1a), by this very
source, which is part of the module. What Halide doesn't print it can't see: ranges and predicates of reduction domains,
values of constant images, digits of floats beyond the sixth. The C++ header sees these too (`definitions.py`).
"""

from __future__ import annotations

import re

import halide as hl


def plain_name(name: str) -> str:
    """A Func's name without the suffixes that Halide adds when a name is used again in a process."""
    return re.sub(r"\$\d+", "", name)


def definition_digest(func: hl.Func) -> str:
    """A digest of what `func` computes, the same in every process."""
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
    return digest_of(text)


def digest_of(text: str | bytes) -> str:
    """64-bit FNV-1a, as 16 hexadecimal digits; of text without the counters in names."""
    names: dict[str, str] = {}

    def number(match: re.Match[str]) -> str:
        return names.setdefault(match[0], (match[1] or match[2]) + "#" + str(len(names)))

    if isinstance(text, str):
        text = re.sub(r"\b(?:([A-Za-z_])\d+(?:_im|_intm)?\b(?!\$\d)|(lambda_)\d+\b)", number, text)
        text = re.sub(r"\$\d+", "", text).encode()
    digest = 0xCBF29CE484222325
    for byte in text:
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
