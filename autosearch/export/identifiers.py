"""Identifiers for the Funcs and loops of a schedule, and how each is declared, for C++ and Python alike."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass

from autosearch.pipeline.ir import Algorithm, StageKey
from autosearch.pipeline.names import is_anonymous
from autosearch.schedule.directives import COPYING, At, FuncName, Fuse, RFactor, Split
from autosearch.schedule.schedule import Schedule

_CPP_WORDS = frozenset(
    """
    and auto bool break case catch char class const continue default delete do double else enum explicit extern false
    float for friend goto if inline int long namespace new not nullptr operator or private protected public register
    return short signed sizeof static struct switch template this throw true try typedef typename union unsigned using
    virtual void volatile while xor
    """.split()  # noqa: SIM905 (a list of so many words is no easier to read)
)
_OUR_WORDS = frozenset(("pipeline", "target", "hl", "re", "Func", "Var", "RVar", "apply_schedule", "halide"))


@dataclass(frozen=True)
class Declaration:
    """One loop variable: its identifier and where it comes from.

    `name` for a variable made by name; else the `place`-th argument of Func `func`, or the `place`-th reduction
    variable of its update `update`.
    """

    identifier: str
    reduction: bool
    name: str = ""
    func: str = ""
    update: int = -1
    place: int = 0


class Identifiers:
    """The names of one schedule, see `autosearch.schedule.source.Names`.

    `before`: those of what is scheduled before it in the same function, whose identifiers are known already.
    """

    def __init__(self, algorithm: Algorithm, schedule: Schedule, before: Identifiers | None = None) -> None:
        self.algorithm = algorithm
        self.declarations: list[Declaration] = []
        """The loop variables to declare for it."""
        self._named: list[Declaration] = list(before.lasting) if before is not None else []
        self._before: dict[str, str] = before.all_funcs if before is not None else {}
        self._taken: set[str] = set(before._taken) if before is not None else set()
        self._funcs: dict[str, str] = {}
        self._made: dict[str, str] = {}
        self._loops: dict[tuple[StageKey, str], str] = {}
        used = {step.stage.func for step in schedule}
        for step in schedule:
            used.update(one.func for one in step.directive.arguments() if isinstance(one, At))
            used.update(one.name for one in step.directive.arguments() if isinstance(one, FuncName))
        for func in algorithm.funcs:
            if func.name in used and func.name not in self._before:
                self._funcs[func.name] = self._free(func.name)
        for func in algorithm.funcs:
            if func.name in used:
                for stage in func.stages:
                    self._own_variables(stage.key)
        for step in schedule:
            self._introduced(step.stage, step.directive)

    @property
    def lasting(self) -> list[Declaration]:
        """All declarations so far that mean the same wherever they are used."""
        return self._named + [one for one in self.declarations if one.name]

    @property
    def all_funcs(self) -> dict[str, str]:
        """Identifiers of all Funcs so far."""
        return {**self._before, **self._funcs, **self._made}

    @property
    def funcs(self) -> dict[str, str]:
        """Identifiers of the Funcs to look up for it, producers first."""
        return dict(self._funcs)

    def func(self, name: str) -> str:
        return self.all_funcs[name]

    def loop(self, stage: StageKey, name: str) -> str:
        return self._loops[stage, name]

    def level(self, at: At) -> tuple[str, str]:
        for stage in self.algorithm.func(at.func).stages:
            if (stage.key, at.var) in self._loops:
                return self.func(at.func), self._loops[stage.key, at.var]
        raise KeyError(at)

    def extent(self, output: str, dim: str) -> str:
        place = self.algorithm.func(output).args.index(dim)
        return f"{self.func(output)}.output_buffers()[0].dim({place}).extent()"

    def _own_variables(self, key: StageKey) -> None:
        func = self.algorithm.func(key.func)
        place_of = {f.name: place for place, f in enumerate(self.algorithm.funcs)}
        halide_name = self.algorithm.halide_names[place_of[key.func]]
        for place, name in enumerate(func.args):
            # Implicit variables (_0) and ones that Halide numbered have no name that lasts: fetch them by place.
            lasting = not is_anonymous(name) and not halide_name.endswith("_im")
            declaration = (
                Declaration("", False, name=name) if lasting else Declaration("", False, func=func.name, place=place)
            )
            self._declare(key, name, declaration)
        for place, rvar in enumerate(func.stages[key.index].rvars):
            self._declare(key, rvar.name, Declaration("", True, func=func.name, update=key.index - 1, place=place))

    def _introduced(self, key: StageKey, directive: object) -> None:
        if isinstance(directive, Split):
            reduction = self._is_reduction(key, directive.old)
            for name in (directive.outer, directive.inner):
                self._declare(key, name, Declaration("", reduction, name=name))
        elif isinstance(directive, Fuse):
            reduction = self._is_reduction(key, directive.inner) or self._is_reduction(key, directive.outer)
            self._declare(key, directive.fused, Declaration("", reduction, name=directive.fused))
        elif isinstance(directive, RFactor):
            self._declare(key, directive.var, Declaration("", False, name=directive.var))
            self._made[directive.func] = self._free(directive.func)
        elif isinstance(directive, COPYING):
            self._made[directive.func] = self._free(directive.func)

    def _is_reduction(self, key: StageKey, name: str) -> bool:
        identifier = self._loops[key, name]
        return next(one.reduction for one in [*self._named, *self.declarations] if one.identifier == identifier)

    def _declare(self, key: StageKey, name: str, wanted: Declaration) -> None:
        if (key, name) in self._loops:
            return
        for one in [*self._named, *self.declarations]:
            same = (one.reduction, one.name, one.func, one.update, one.place)
            if same == (wanted.reduction, wanted.name, wanted.func, wanted.update, wanted.place):
                self._loops[key, name] = one.identifier
                return
        identifier = self._free(name if wanted.name else f"{name}" if name[0] != "_" else f"{key.func}{name}")
        self.declarations.append(
            Declaration(identifier, wanted.reduction, wanted.name, wanted.func, wanted.update, wanted.place)
        )
        self._loops[key, name] = identifier

    def _free(self, name: str) -> str:
        stem = re.sub(r"\W", "_", name)
        stem = stem if not stem[0].isdigit() else f"_{stem}"
        candidate, number = stem, 1
        while candidate in self._taken or keyword.iskeyword(candidate) or candidate in _CPP_WORDS | _OUR_WORDS:
            number += 1
            candidate = f"{stem}_{number}"
        self._taken.add(candidate)
        return candidate
