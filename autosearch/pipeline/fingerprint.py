"""The identity of an algorithm: a digest of what it computes, the same in every process.

Each Func's definition is written out as text with canonical names, so that two algorithms can be compared Func by Func
and an error can name what differs.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping

from autosearch.pipeline.decode import deep_recursion
from autosearch.pipeline.ir import Algorithm, Expr, Func, Stage
from autosearch.pipeline.names import is_anonymous

_SYMBOLS = {
    "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%", "eq": "==", "ne": "!=", "lt": "<", "le": "<=",
    "gt": ">", "ge": ">=", "and": "&&", "or": "||",
}  # fmt: skip


def definitions(algorithm: Algorithm) -> dict[str, str]:
    """Each Func's definition as text, by canonical name, producers first."""
    with deep_recursion():
        return {func.name: _anonymous(_func_text(func), algorithm) for func in algorithm.funcs}


def fingerprint(algorithm: Algorithm) -> str:
    """A digest of the whole algorithm: Funcs, names (without suffixes), inputs and outputs; not estimates or schedules."""
    return _digest("\n".join([*definitions(algorithm).values(), _interface(algorithm)]))


def func_digests(algorithm: Algorithm) -> dict[str, str]:
    """A short digest of each Func's definition, for naming what changed."""
    return {name: _digest(text) for name, text in definitions(algorithm).items()}


def describe_difference(recorded: Mapping[str, str], algorithm: Algorithm) -> str:
    """In words, how `algorithm` differs from the one whose `func_digests` were recorded; "" if not."""
    current = func_digests(algorithm)
    added = [name for name in current if name not in recorded]
    removed = [name for name in recorded if name not in current]
    changed = [name for name in current if name in recorded and recorded[name] != current[name]]
    parts = []
    if changed:
        parts.append(f"the definition of {_names(changed)} changed")
    if removed:
        parts.append(f"{_names(removed)} {'is' if len(removed) == 1 else 'are'} missing")
    if added:
        parts.append(f"{_names(added)} {'is' if len(added) == 1 else 'are'} new")
    return "; ".join(parts)


def _names(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:4])
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return f"Func{'s' if len(names) > 1 else ''} {shown}{more}"


def _interface(algorithm: Algorithm) -> str:
    inputs = [f"{i.name}: {i.type}, {'scalar' if i.is_scalar else f'{i.dimensions}-d'}" for i in algorithm.inputs]
    images = [f"{image.name}: {image.type}, {image.box}, {image.digest}" for image in algorithm.images]
    text = f"inputs {inputs} images {images} outputs {list(algorithm.outputs)} requirements {algorithm.requirements}"
    return _anonymous(text, algorithm)


def _anonymous(text: str, algorithm: Algorithm) -> str:
    """`text` with inputs and images that Halide named by a counter numbered by their place."""
    names = [one.name for one in algorithm.inputs] + [image.name for image in algorithm.images]
    for place, name in enumerate(names):
        if is_anonymous(name):
            text = re.sub(rf"\b{re.escape(name)}\b", f"buffer_{place}", text)
    return text


def _func_text(func: Func) -> str:
    types = ", ".join(str(t) for t in func.types)
    head = f"{func.name}({', '.join(func.args)}) -> {types}"
    if func.extern:
        head += f" extern {func.extern}"
    return "\n  ".join([head, *(_stage_text(stage) for stage in func.stages)])


def _stage_text(stage: Stage) -> str:
    args = ", ".join(show(arg) for arg in stage.args)
    values = ", ".join(show(value) for value in stage.values)
    text = f"({args}) = {values}"
    for rvar in stage.rvars:
        text += f" | {rvar.name} in [{show(rvar.min)}, +{show(rvar.extent)})"
    return text + (f" where {show(stage.predicate)}" if stage.predicate is not None else "")


def show(expr: Expr) -> str:
    """An expression as text: complete (types and exact constants included), meant for digests and for messages."""
    op, args = expr.op, expr.args
    if op == "const":
        value = expr.value
        if isinstance(value, float) and math.isfinite(value):
            value = value.hex() if value != int(value) else f"{value:g}"
        return f"{value}:{expr.type}" if expr.type.code != "int" or expr.type.bits != 32 else str(value)
    if op in ("var", "param"):
        return str(expr.value)
    if op in _SYMBOLS:
        return f"({show(args[0])} {_SYMBOLS[op]} {show(args[1])})"
    inside = ", ".join(show(arg) for arg in args)
    if op in ("func", "image", "call"):
        element = f".{expr.index}" if expr.index else ""
        return f"{expr.value}{element}({inside})" + (f":{expr.type}" if op != "func" else "")
    if op in ("cast", "reinterpret"):
        return f"{op}<{expr.type}>({inside})"
    return f"{op}{f' {expr.value}' if expr.value else ''}({inside})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
