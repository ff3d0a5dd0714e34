"""The body of a Generator's `schedule()`, in the names of the algorithm's own Funcs and variables, for pasting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autosearch.export.blocks import Block, blocks
from autosearch.export.heading import heading
from autosearch.export.identifiers import Declaration
from autosearch.export.leftover import untouched
from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.pipeline.names import is_anonymous
from autosearch.result import Result
from autosearch.schedule.directives import At
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.shorthand import abbreviated, loops_of
from autosearch.schedule.source import CPP, chains

_DIMENSIONS = "xyzw"
_HALIDES = ("lambda", "repeat_edge", "constant_exterior", "repeat_image", "mirror_image", "mirror_interior")
"""Names of Funcs that Halide's own functions make."""
_USE = "Paste it into schedule(). Funcs, Vars and RDoms go by the names that they were given in the algorithm."


def cpp_body(result: Result, _: Path) -> str:
    """The source. What the algorithm names is used by that name; only new loops are declared."""
    algorithm = result.snapshot.algorithm
    lines = [f"// {line}".rstrip() for line in heading(result)]
    lines += ["//", f"// {_USE}", ""]
    for block in blocks(result.snapshot, result.schedule):
        written = abbreviated(block.schedule)
        names = _OwnNames(block, written, algorithm)
        new = {kind: names.new(kind == "RVar") for kind in ("Var", "RVar")}
        lines += [f"{kind} {', '.join(found)};" for kind, found in new.items() if found]
        lines += list(_fetched_funcs(block, algorithm))
        lines += [f"{text};" for text in chains(written, CPP, names, "    ")]
    lines += [f"{func}.update({update}).unscheduled();" for func, update in untouched(result.schedule, algorithm)]
    return "\n".join(lines) + "\n"


def _fetched_funcs(block: Block, algorithm: Algorithm) -> Iterator[str]:
    """Declarations of the Funcs that the user has no variable for: Halide made them."""
    inputs = {one.name for one in algorithm.inputs}
    for place, func in enumerate(algorithm.funcs):
        identifier = block.names.funcs.get(func.name)
        if identifier is None:
            continue
        if func.name.endswith("_im") and func.name.removesuffix("_im") in inputs:
            yield f"Func {identifier} = {func.name.removesuffix('_im')};"
        elif func.name.rstrip("_0123456789") in _HALIDES or is_anonymous(func.name):
            yield f"Func {identifier} = get_pipeline().get_func({place});"


class _OwnNames:
    """Names for `autosearch.schedule.source`: the user's own where he gave one."""

    def __init__(self, block: Block, written: Schedule, algorithm: Algorithm) -> None:
        self.block = block
        self.mentioned = {name for step in written for name in loops_of(step.directive)}
        self.algorithm = algorithm
        self.vars = {arg for func in algorithm.funcs for arg in func.args}

    def new(self, reduction: bool) -> list[str]:
        """Declarations of the loops that the algorithm doesn't have."""
        return [
            f'{one.identifier}("{one.name}")'
            for one in self.block.names.declarations
            if one.reduction == reduction and one.name and one.name not in self.vars and one.name in self.mentioned
        ]

    def func(self, name: str) -> str:
        return self.block.names.func(name)

    def loop(self, stage: StageKey, name: str) -> str:
        return self._own(self.block.names.loop(stage, name), name)

    def level(self, at: At) -> tuple[str, str]:
        func, loop = self.block.names.level(at)
        return func, self._own(loop, at.var)

    def extent(self, output: str, dim: str) -> str:
        return self.block.names.extent(output, dim)

    def _own(self, identifier: str, name: str) -> str:
        declared = next((one for one in self.block.names.declarations if one.identifier == identifier), None)
        if declared is None:
            return name if name in self.vars else identifier
        if declared.name:
            return name if name in self.vars else identifier
        return self._fetched(declared, name)

    def _fetched(self, one: Declaration, name: str) -> str:
        known = one.func in self.algorithm.by_name
        if one.reduction and known and len(name) > 1 and name[-1] in _DIMENSIONS:
            return f"{name[:-1]}.{name[-1]}"
        if one.reduction:
            return f"{self.func(one.func)}.rvars({one.update})[{one.place}]"
        return f"{self.func(one.func)}.args()[{one.place}]"
