"""Does what is handed over hold? Generators rebuilt with their headers, changed algorithms, short schedules, the first steps.

python -m benchmarks.export [--trials 60] [--only generators|changes|minimal|newcomer] [--check]

Needs g++, and for the newcomer's path a network to install from.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import halide as hl

import autosearch
from autosearch import Generator
from autosearch.errors import MismatchError
from autosearch.export.build import compile_to
from autosearch.export.stored import load_schedule
from autosearch.measure.protocol import Candidate
from autosearch.measure.statistics import Ratio, paired_ratio
from autosearch.minimal import minimize
from autosearch.pipeline.snapshot import take
from autosearch.result import Result
from autosearch.schedule.shorthand import length
from autosearch.toolchain import compile_cpp, halide_flags
from benchmarks import noise
from benchmarks.bars import Bar, verdict
from benchmarks.pipelines import CORE, load

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "examples" / "generators"
GENERATORS = ("sharpen", "equalize", "sobel")
TARGET = hl.get_host_target()
WORDS_A_MINUTE, KEYS_A_SECOND = 230, 4.0
"""How fast people read and type."""
NARROW, MOST_PROCESSES = 0.02, 96
"""An interval so narrow says enough of a rebuilt Generator's time; and so many processes are started for it."""


def main() -> int:
    """Print all figures; with --check hold them against the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.export", description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=60, help="of each pipeline")
    parser.add_argument("--only", help="one part: generators, changes, minimal or newcomer")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    arguments = parser.parse_args()
    parts: dict[str, Callable[[], Iterator[Bar]]] = {
        "generators": lambda: generators(arguments.trials),
        "changes": changes,
        "minimal": lambda: minimal(arguments.trials),
        "newcomer": newcomer,
    }
    bars = [bar for name, part in parts.items() if arguments.only in (None, name) for bar in part()]
    return verdict(bars) if arguments.check else 0


# Generators rebuilt with the header that was exported --------------------------------------------------------------


def generators(trials: int) -> Iterator[Bar]:
    """Tune each C++ Generator, rebuild it with the header, compare statements and times."""
    for name in GENERATORS:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            _compile_generator(name, folder, "plain")
            result = autosearch.tune(Generator(folder / "plain"), trials=trials, progress=False)
            result.export(folder / f"{name}.schedule.h")
            _compile_generator(name, folder, "tuned")
            _run_generator(folder, name)
            own = folder / "own.stmt"
            compile_to(result.snapshot, result.best, {hl.OutputFileType.stmt: str(own)}, name, TARGET)
            same = statement(own) == statement(folder / f"{name}.stmt")
            ratio = _times(result, folder, name)
            off = f"reported {noise.say(ratio)} of its time"
            print(f"{name:10} statements {'the same' if same else 'differ'}, {off}", flush=True)
            yield Bar(f"{name}: lowered statements that differ", int(not same), 0, at_least=False)
            yield Bar(f"{name}: time reported, off the rebuilt Generator's, in %", 100 * abs(ratio.value - 1), 3, False)


def _compile_generator(name: str, folder: Path, output: str) -> None:
    flags = [f"{hl.install_dir()}/lib64/libHalide_GenGen.a", "-fno-rtti", f"-I{folder}", *halide_flags()]
    flags += ["-DTUNED"] if output == "tuned" else []
    compile_cpp([str(SOURCES / f"{name}_generator.cpp")], folder / output, flags)


def _run_generator(folder: Path, name: str) -> None:
    """Have the rebuilt Generator write its statement, and its kernel for the C++ program."""
    for function, kinds in ((name, "stmt"), ("kernel", "static_library,c_header")):
        command = ["./tuned", "-g", name, "-f", function, "-n", function, "-o", ".", "-e", kinds, f"target={TARGET}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def statement(path: Path) -> str:
    """A lowered statement without the counters that Halide puts into names, which depend on what else a process did.

    Nor with the order of terms: Halide sorts sums by names, t100 before t99.
    """
    text = re.sub(r"(?:\$|__)\d+|(?<=\bt)\d+\b", "", path.read_text())
    return "\n".join(" ".join(sorted(re.findall(r"\w+|\S", line))) for line in text.splitlines())


def _times(result: Result, folder: Path, name: str) -> Ratio:
    """How many times as long the schedule takes in our runner as the rebuilt kernel in a C++ program, taken in turn.

    Where things lie in memory makes some percent from process to process: so many of them that the interval is narrow.
    """
    noise.write_program(result.snapshot, folder)
    turns = noise.Turns((), (), ())
    while True:
        turns += noise.take_turns(result.snapshot, Candidate(result.best), folder)
        ratio = noise.ratio_of(turns.ours, turns.theirs, turns.again)
        if ratio.high - ratio.low <= NARROW or len(turns.ours) >= MOST_PROCESSES:
            return ratio


# Changed algorithms ------------------------------------------------------------------------------------------------


def _blur(rows: str = "blur_x", taps: int = 3, kind: Any = None) -> hl.Func:
    """A blur whose variables in Python are called otherwise than its Funcs, as nobody should notice."""
    kind = kind or hl.UInt(16)
    picture = hl.ImageParam(kind, 2, "image")
    u, v = hl.Var("x"), hl.Var("y")
    first, second = hl.Func(rows), hl.Func("blur_y")
    total = picture[u, v]
    for tap in range(1, taps):
        total = total + picture[u + tap, v]
    first[u, v] = total / 3
    second[u, v] = (first[u, v] + first[u, v + 1] + first[u, v + 2]) / 3
    second.set_estimates([(0, 512), (0, 256)])
    return second


CHANGES: dict[str, tuple[Callable[[], hl.Func], str]] = {
    "a Func renamed": (lambda: _blur(rows="rows"), "rows"),
    "a tap added": (lambda: _blur(taps=4), "blur_x"),
    "a type changed": (lambda: _blur(kind=hl.UInt(32)), "blur_x"),
}


def changes() -> Iterator[Bar]:
    """Each export applied to changed algorithms: refused with the change's name, and to the same one: taken."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        result = autosearch.tune(_blur, trials=4, progress=False)
        for ending in ("h", "py", "json"):
            result.export(folder / f"blur.{ending}")
        program = _header_program(folder)
        missed = 0
        for change, (build, named) in CHANGES.items():
            for form, apply in _appliers(folder, program).items():
                said = apply(build())
                clear = "another algorithm" in said and named in said
                missed += not clear
                print(f"{change:16} {form:5} {said.strip()[:100] or 'was taken'}", flush=True)
        refused = [said for apply in _appliers(folder, program).values() if (said := apply(_blur()))]
    yield Bar("changed algorithms that an export doesn't refuse by name", missed, 0, at_least=False)
    yield Bar("exports that refuse the same algorithm in other words", len(refused), 0, at_least=False)


def _header_program(folder: Path) -> Path:
    """A program that applies the exported header to a serialized pipeline."""
    (folder / "main.cpp").write_text(
        '#include "blur.h"\n#include <iostream>\nint main(int, char **path) {\n'
        "    auto pipeline = Halide::deserialize_pipeline(path[1], Halide::deserialize_parameters(path[1]));\n"
        "    try { apply_schedule_blur(pipeline, Halide::get_host_target()); }\n"
        "    catch (const std::exception &error) { std::cout << error.what(); }\n}\n"
    )
    compile_cpp([str(folder / "main.cpp")], folder / "main", ["-O0", f"-I{folder}", *halide_flags()])
    return folder / "main"


def _appliers(folder: Path, program: Path) -> dict[str, Callable[[hl.Func], str]]:
    """By the form of the export: what applies it to a pipeline and returns what it has to object to."""

    def header(func: hl.Func) -> str:
        (folder / "given.hlpipe").write_bytes(hl.serialize_pipeline(hl.Pipeline([func])))
        return subprocess.run([program, folder / "given.hlpipe"], capture_output=True, text=True, check=True).stdout

    def module(func: hl.Func) -> str:
        code = compile((folder / "blur.py").read_text(), "blur.py", "exec")  # our own export, made above
        names: dict[str, Any] = {}
        exec(code, names)
        try:
            names["apply_schedule"](func)
        except ValueError as error:
            return str(error)
        return ""

    def stored(func: hl.Func) -> str:
        try:
            load_schedule(folder / "blur.json", take(func, TARGET))
        except MismatchError as error:
            return str(error)
        return ""

    return {".h": header, ".py": module, ".json": stored}


# Short schedules ---------------------------------------------------------------------------------------------------


def minimal(trials: int) -> Iterator[Bar]:
    """How short the winners of eight pipelines become, and what that costs."""
    shares, speeds = [], []
    for name in CORE:
        result = autosearch.tune(load(name).pipeline, trials=trials, progress=False)
        record = minimize(result)
        short, whole = length(record.schedule), length(record.whole)
        speed = paired_ratio(record.samples[1], record.samples[0])
        shares.append(short / whole)
        speeds.append(speed.value)
        print(f"{name:24} {short:3} of {whole:3} calls ({short / whole:.0%}), {speed} as fast", flush=True)
    yield Bar("least speed kept by a short schedule, in %", 100 * min(speeds), 98)
    yield Bar("calls of a short schedule, median of the whole's, in %", 100 * median(shares), 60, at_least=False)


# The newcomer's path -----------------------------------------------------------------------------------------------


def newcomer() -> Iterator[Bar]:
    """From a clean clone to an exported header by README's first command, without the tuning itself."""
    readme = (ROOT / "README.md").read_text()
    until = readme.index("## Test it")
    block = re.search(r"```sh\n(.*?)```", readme[:until], re.DOTALL)
    assert block is not None
    command = block[1].strip()
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), "clone"], cwd=folder, check=True)
        setup, _, tune = command.rpartition(" && ")
        subprocess.run(["bash", "-c", setup], cwd=f"{folder}/clone", check=True, stdout=subprocess.DEVNULL)
        installed = time.monotonic() - started
        subprocess.run(
            ["bash", "-c", tune],
            cwd=f"{folder}/clone",
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        header = next(Path(folder, "clone").glob("*.schedule.h"))
        assert "apply_schedule_" in header.read_text()
    reading = 60 * len(readme[:until].split()) / WORDS_A_MINUTE
    typing = len(command) / KEYS_A_SECOND
    print(f"installing {installed:.0f} s, reading {reading:.0f} s, typing {typing:.0f} s", flush=True)
    yield Bar(
        "from clone to header, the tuning aside, in minutes", (installed + reading + typing) / 60, 5, at_least=False
    )


if __name__ == "__main__":
    sys.exit(main())
