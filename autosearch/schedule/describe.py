"""Loop nests as text."""

from __future__ import annotations

from dataclasses import dataclass

from autosearch.pipeline.ir import StageKey
from autosearch.schedule.loops import PARALLEL, SERIAL, VECTORIZED
from autosearch.schedule.nest import LoopNest, Position


def describe(nest: LoopNest) -> str:
    """The nest as text, in the manner of Halide's `print_loop_nest`: one line a produce, consume, store or loop."""
    lines: list[str] = []
    _Printer(nest, lines).root()
    return "\n".join(lines)


@dataclass
class _Printer:
    nest: LoopNest
    lines: list[str]

    def root(self) -> None:
        self.level(None, 0)

    def level(self, position: Position | None, indent: int) -> None:
        """What happens inside one iteration at `position`: storage, productions, then the rest of the stage's loops."""
        nest = self.nest
        for group in self.groups():
            placement = nest.placements[group[0]]
            if placement.store == position and placement.store != placement.compute:
                for name in group:
                    self.lines.append("  " * indent + f"store {name}:")
                    indent += 1
            if placement.compute != position:
                continue
            for inside, name in enumerate(group):
                self.lines.append("  " * (indent + inside) + f"produce {name}:")
            for name in group:
                for stage in nest.algorithm.func(name).stages:
                    if stage.key not in nest.joined:
                        self.stage(stage.key, 0, indent + len(group))
            for name in group:
                if name not in nest.algorithm.outputs:
                    self.lines.append("  " * indent + f"consume {name}:")
                    indent += 1
        if position is not None:
            for key in (position.stage, *(key for key, shared in nest.joined.items() if shared == position)):
                self.stage(key, position.depth, indent)

    def stage(self, key: StageKey, depth: int, indent: int) -> None:
        nest = self.nest.stages[key]
        if depth == len(nest.loops.order):
            self.lines.append("  " * indent + f"{key.func}(...) = ...")
            return
        kind, name = nest.loops.kinds[depth], nest.loops.loop_names[depth]
        extent = nest.loop_extents[depth]
        word = {SERIAL: "for", PARALLEL: "parallel", VECTORIZED: "vectorized"}.get(kind, kind)
        self.lines.append("  " * indent + f"{word} {name} in {extent}:")
        self.level(Position(key, depth + 1), indent + 1)

    def groups(self) -> list[list[str]]:
        """The Funcs computed somewhere, in order; those that share loops together, first the one whose loops they are."""
        first = {name: name for name in self.nest.boxes}
        for key, shared in self.nest.joined.items():  # the other one was placed before
            first[key.func] = first[shared.stage.func]
        found: dict[str, list[str]] = {}
        for func in self.nest.algorithm.funcs:
            if func.name in first:
                found.setdefault(first[func.name], []).append(func.name)
        return [sorted(group, key=lambda name: name != head) for head, group in found.items()]
