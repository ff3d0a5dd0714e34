"""Schedules as source: what is printed does in Halide what the schedule does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import halide as hl
import pytest

from autosearch.errors import ScheduleError
from autosearch.pipeline.snapshot import Snapshot, funcs_of
from autosearch.schedule.directives import DIRECTIVES, STRUCTURAL, Fuse, Split
from autosearch.schedule.read import read_schedule
from autosearch.schedule.schedule import Schedule
from autosearch.schedule.source import CPP, PYTHON, PlainNames, chains
from tests.conftest import random_proposal, snapshot_of
from tests.schedule.examples import EXAMPLES
from tests.schedule.oracle import scheduled

SPLIT_UP: list[list[Any]] = [
    ["blur_y", "split", "x", "xo", "xi", 8, "GuardWithIf"],
    ["blur_y", "reorder", ["xi", "y", "xo"]],
    ["blur_y", "parallel", "xo"],
    ["blur_x", "compute_at", ["blur_y", "xo"]],
    ["blur_x", "store_in", "Stack"],
    ["product.update(1)", "atomic", False],
    ["product.update(1)", "compute_with", ["blur_y", "y"], 2, "AlignStart"],
]

MAKING = [one.method for one in STRUCTURAL]
"""Those that make a Func, tested in test_structure and tests/export."""


def _printed(syntax: Any) -> list[str]:
    return chains(Schedule.from_json(SPLIT_UP), syntax, PlainNames(), "  ")


def test_cpp() -> None:
    assert _printed(CPP) == [
        "blur_y\n  .split(x, xo, xi, 8, TailStrategy::GuardWithIf)\n  .reorder(xi, y, xo)\n  .parallel(xo)",
        "blur_x.compute_at(blur_y, xo).store_in(MemoryType::Stack)",
        "product.update(1)\n  .atomic()\n  .compute_with(LoopLevel(blur_y, y, 2), LoopAlignStrategy::AlignStart)",
    ]


def test_python() -> None:
    assert _printed(PYTHON) == [
        "blur_y\n  .split(x, xo, xi, 8, hl.TailStrategy.GuardWithIf)\n  .reorder(xi, y, xo)\n  .parallel(xo)",
        "blur_x.compute_at(blur_y, xo).store_in(hl.MemoryType.Stack)",
        "product.update(1)\n  .atomic()\n  .compute_with(hl.LoopLevel(blur_y, y, 2), hl.LoopAlignStrategy.AlignStart)",
    ]


def test_plain_text_for_reading() -> None:
    text = str(Schedule.from_json(SPLIT_UP[:5]))
    assert text.splitlines()[1] == "    .split(x, xo, xi, 8, GuardWithIf)"
    assert text.splitlines()[-1] == "blur_x.compute_at(blur_y, xo).store_in(Stack)"
    assert str(Schedule()) == ""


def _run_python(snapshot: Snapshot, schedule: Schedule) -> hl.Pipeline:
    """A fresh pipeline with the printed Python source run on it."""
    pipeline = snapshot.fresh()
    algorithm = snapshot.algorithm
    names: dict[str, Any] = {"hl": hl}
    for func, handle in zip(algorithm.funcs, funcs_of(pipeline), strict=True):
        names[func.name] = handle
        names.update(zip(func.args, handle.args(), strict=True))
        for stage in func.updates:
            names.update((r.name, v) for r, v in zip(stage.rvars, handle.rvars(stage.index - 1), strict=True))
    for step in schedule:
        directive = step.directive
        if isinstance(directive, (Split, Fuse)):
            old = directive.old if isinstance(directive, Split) else directive.inner
            made = (directive.outer, directive.inner) if isinstance(directive, Split) else (directive.fused,)
            for name in made:
                names.setdefault(name, type(names[old])(name))
    for chain in chains(schedule, PYTHON, PlainNames(), ""):
        exec(re.sub(r"\n", "", chain), names)
    return pipeline


@pytest.mark.parametrize("seed", range(4))
def test_the_python_source_makes_the_schedule(sample: str, seed: int) -> None:
    snapshot = snapshot_of(sample)
    schedule = random_proposal(sample, seed).schedule
    wanted, found = (
        read_schedule(hl.serialize_pipeline(pipeline), snapshot.algorithm)
        for pipeline in (scheduled(snapshot, schedule), _run_python(snapshot, schedule))
    )
    assert found == wanted


@pytest.mark.parametrize("method", [method for method in DIRECTIVES if method not in (*MAKING, "specialize")])
def test_every_directive_is_valid_python(method: str) -> None:
    sample, content = EXAMPLES[method]
    snapshot, schedule = snapshot_of(sample), Schedule.from_json(content)
    wanted, found = scheduled(snapshot, schedule), _run_python(snapshot, schedule)
    try:
        expected = read_schedule(hl.serialize_pipeline(wanted), snapshot.algorithm)
    except ScheduleError:
        assert method == "compute_with"
    else:
        assert read_schedule(hl.serialize_pipeline(found), snapshot.algorithm) == expected


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")
def test_every_directive_is_valid_cpp(tmp_path: Path) -> None:
    lines = ['#include "Halide.h"', "using namespace Halide;"]
    for method, (_, content) in EXAMPLES.items():
        if method in MAKING:
            continue
        schedule = Schedule.from_json(content)
        words = {step.stage.func for step in schedule} | {"blur_x", "blur_y", "product", "row_sum"}
        loops = {name for step in schedule for name in re.findall(r"'([a-z]\w*)'", repr(step.directive))} - words
        reductions = {name for name in loops if name.startswith("k")}
        lines.append(f"void try_{method}({', '.join(f'Func {name}' for name in sorted(words))}) {{")
        lines += [f'    {"RVar" if name in reductions else "Var"} {name}("{name}");' for name in sorted(loops)]
        lines += [f"    {chain};" for chain in chains(schedule, CPP, PlainNames(), "        ")] + ["}"]
    source = tmp_path / "every.cpp"
    source.write_text("\n".join(lines))
    include = Path(hl.install_dir()) / "include"
    command = ["g++", "-std=c++17", "-fsyntax-only", f"-I{include}", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
