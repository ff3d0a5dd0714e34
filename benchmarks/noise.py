"""Can the numbers be believed? The same schedule against itself, and our times against a C++ program's.

python -m benchmarks.noise [--runs 100] [--seconds 0.5] [--only same|agreement] [--check]

A/A: the same schedule is entered twice in a race, on a quiet machine and with a process that keeps one core half busy;
how often are the two declared different? Agreement: kernels compiled ahead of time, called on the same data by a small
C++ program that takes turns with our own timing of them; how far do the two times differ, and how far does that
program's from its own, started twice? Needs g++.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from statistics import median

import halide as hl
import numpy as np

from autosearch.finalists import Contender, run_race
from autosearch.machine import this_machine
from autosearch.measure.data import SharedMemory, fill_sets, layout_sets, memory_of
from autosearch.measure.local import LocalRunner
from autosearch.measure.protocol import Candidate, Effort, Inputs
from autosearch.measure.statistics import Ratio, geometric_mean, paired_ratio
from autosearch.pipeline.ir import Type
from autosearch.pipeline.snapshot import Snapshot, take
from benchmarks.bars import Bar, verdict
from benchmarks.bench import start_runner
from benchmarks.pipelines import load

AA_PIPELINE = "box_blur"
AA_SIZE = (512, 400)
RUNNERS, PROCESSES, ROUNDS = 6, 4, 6
"""So many runners, each with inputs in memory of its own, and so many processes of each, for what lies where in memory makes
5 % and more, as one C++ program shows against another; and so many turns in each process, every order of three once."""
SAMPLES, WARM = 6, 2
"""Of each turn, by either program; the first few see caches, cores and thread pools that the other left cold."""
TURN = Effort(samples=SAMPLES, seconds=60.0, min_samples=SAMPLES, sample_seconds=0.004, check=False)
CPP_TYPES = {"int": "int{}_t", "uint": "uint{}_t"}


@dataclass(frozen=True)
class Kernel:
    """A pipeline with its expert's schedule; `size` of its first output's first two dimensions where not its own."""

    pipeline: str
    size: tuple[int, int] | None = None

    def scheduled(self) -> hl.Func:
        """The pipeline with the schedule and the estimates to time it at."""
        func: hl.Func = load(self.pipeline).expert()
        if self.size is not None:
            func.set_estimates([(0, self.size[0]), (0, self.size[1])])
        return func


KERNELS = (
    Kernel("box_blur", (512, 400)),
    Kernel("box_blur"),
    Kernel("harris"),
    Kernel("matmul"),
    Kernel("bilateral_grid"),
    Kernel("nl_means"),
)


def main() -> int:
    """Print both comparisons; with --check hold them against the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.noise", description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each race of the same schedule with itself")
    parser.add_argument("--only", choices=("same", "agreement"), help="one of the two comparisons")
    parser.add_argument("--check", action="store_true", help="exit 1 where a bar is missed")
    arguments = parser.parse_args()
    bars = []
    if arguments.only != "agreement":
        bars += list(same(arguments.runs, arguments.seconds))
    if arguments.only != "same":
        bars += list(agreements())
    return verdict(bars) if arguments.check else 0


def same(runs: int, seconds: float) -> Iterator[Bar]:
    """The same schedule against itself, on a quiet machine and a busy one."""
    for label, busy in (("quiet", False), ("one core half busy", True)):
        different = count_different(runs, seconds, busy)
        print(f"A/A, {label}: declared different in {different} of {runs} races", flush=True)
        share = 100 * different / runs
        yield Bar(f"A/A, {label}: races of 100 that declare a schedule different from itself", share, 5, False)


def agreements() -> Iterator[Bar]:
    """Every kernel's time by our runner against the C++ program's."""
    for kernel in KERNELS:
        turns = agreement(kernel)
        ratio, itself = ratio_of(turns.ours, turns.theirs, turns.again), ratio_of(turns.again, turns.theirs)
        name = kernel.pipeline + (f" {kernel.size[0]}x{kernel.size[1]}" if kernel.size else "")
        print(f"{name:20} ours {_typical(turns.ours):10.1f} us, C++ {_typical(turns.theirs):10.1f} us, ratio {say(ratio)};"
              f" C++ against itself {say(itself)}", flush=True)  # fmt: skip
        yield Bar(f"{name}: our time from the C++ program's, in %", 100 * abs(ratio.value - 1), 5, at_least=False)


def _typical(rows: Rows) -> float:
    """Microseconds."""
    return 1e6 * median(median(row) for row in rows)


def say(ratio: Ratio) -> str:
    return f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


# A/A ---------------------------------------------------------------------------------------------------------------


def count_different(runs: int, seconds: float, busy: bool) -> int:
    """In how many races a schedule is declared different from itself."""
    target = hl.get_host_target()
    func = Kernel(AA_PIPELINE, AA_SIZE).scheduled()
    scheduled = hl.serialize_pipeline(hl.Pipeline([func]))
    snapshot = take(func, target)
    different = 0
    with ExitStack() as stack:
        runner = start_runner(snapshot, target, stack)
        if busy:
            stack.enter_context(half_busy_core())
        for seed in range(runs):
            contenders = [Contender(name, Candidate(scheduled=scheduled), None) for name in ("one", "other")]
            one, other = run_race(runner, contenders, seconds, seed).samples
            different += paired_ratio(one, other, seed).significant
    return different


@contextmanager
def half_busy_core() -> Iterator[None]:
    """A process that works for 5 ms and sleeps for 5 ms, over and over."""
    program = """
import time
while True:
    end = time.monotonic() + 0.005
    while time.monotonic() < end:
        pass
    time.sleep(0.005)
"""
    process = subprocess.Popen([sys.executable, "-c", program])
    try:
        yield
    finally:
        process.kill()
        process.wait()


# Agreement with C++ ------------------------------------------------------------------------------------------------


Rows = tuple[tuple[float, ...], ...]
"""Seconds of each turn, process by process."""


@dataclass(frozen=True)
class Turns:
    """One kernel in our workers, in the C++ program, and in that program started a second time."""

    ours: Rows
    theirs: Rows
    again: Rows

    def __add__(self, more: Turns) -> Turns:
        return Turns(self.ours + more.ours, self.theirs + more.theirs, self.again + more.again)


def agreement(kernel: Kernel) -> Turns:
    """The kernel's times by our runner and by the C++ program."""
    target = hl.get_host_target()
    func = kernel.scheduled()
    snapshot = take(func, target)
    scheduled = hl.serialize_pipeline(hl.Pipeline([func]))
    with tempfile.TemporaryDirectory() as folder:
        _compile(func, snapshot, target, Path(folder))
        return take_turns(snapshot, Candidate(scheduled=scheduled), folder)


def ratio_of(one: Rows, *others: Rows) -> Ratio:
    """How many times as long `one` takes as the others do on average: the geometric mean over processes, of which each is
    one draw of where things lie in memory; the median over the turns in each; the interval by bootstrap over processes."""
    by_other = [[paired_ratio(a, b).value for a, b in zip(one, other, strict=True)] for other in others]
    each = np.exp(np.log(by_other).mean(axis=0))
    drawn = np.random.default_rng(0).integers(0, len(each), (2000, len(each)))
    low, high = np.percentile(np.exp(np.log(each)[drawn].mean(axis=1)), [2.5, 97.5])
    return Ratio(geometric_mean(each), float(low), float(high))


def take_turns(snapshot: Snapshot, candidate: Candidate, folder: str | Path) -> Turns:
    """A candidate in our workers and the C++ program in `folder`, in turn, in many processes of each.

    They may be added up: every call has processes of its own.
    """
    rows: tuple[list[tuple[float, ...]], ...] = ([], [], [])
    target = hl.get_host_target()
    for _ in range(RUNNERS):
        with ExitStack() as stack:
            runner: LocalRunner = start_runner(snapshot, target, stack)
            for number in range(PROCESSES):
                runner.reset()
                found = _one_process(runner, candidate, folder, ours_first=number % 2 == 0)
                for row, seconds in zip(rows, found, strict=True):
                    row.append(tuple(seconds))
    ours, theirs, again = (tuple(row) for row in rows)
    return Turns(ours, theirs, again)


def _one_process(
    runner: LocalRunner, candidate: Candidate, folder: str | Path, ours_first: bool
) -> tuple[list[float], ...]:
    """Seconds of every turn of one worker and of two C++ programs.

    `ours_first`: which of them gets its memory first, for the pages that are free are not the same then.
    """
    threads = this_machine(hl.get_host_target()).cores
    with program(folder, threads) as one, program(folder, threads) as other:
        built = cache(lambda: runner.build([candidate], [0])[0])
        sides: tuple[Callable[[], list[float]], ...] = (
            lambda: list(runner.run(built(), TURN).times),
            lambda: turn(one),
            lambda: turn(other),
        )
        for side in sides if ours_first else reversed(sides):
            side()  # untimed: each touches its memory for the first time
        seconds: tuple[list[float], ...] = ([], [], [])
        orders = tuple(permutations(range(len(sides))))
        for number in range(ROUNDS):
            for place in orders[number % len(orders)]:
                seconds[place].append(median(sides[place]()[WARM:]))
    return seconds


@contextmanager
def program(folder: str | Path, threads: int) -> Iterator[subprocess.Popen[str]]:
    """The C++ program, waiting to be asked for a turn."""
    pipe = subprocess.PIPE
    started = subprocess.Popen(
        ["./main"], cwd=folder, stdin=pipe, stdout=pipe, text=True, env={"HL_NUM_THREADS": str(threads)}
    )
    with started as running:
        yield running
        assert running.stdin is not None
        running.stdin.close()


def turn(program: subprocess.Popen[str]) -> list[float]:
    """Its samples, seconds a call."""
    assert program.stdin is not None and program.stdout is not None
    program.stdin.write("run\n")
    program.stdin.flush()
    return list(map(float, program.stdout.readline().split()))


def _compile(func: hl.Func, snapshot: Snapshot, target: hl.Target, folder: Path) -> None:
    """The kernel as a library, and the program for it."""
    pipeline = hl.Pipeline([func])
    arguments = {one.name: one for one in pipeline.infer_arguments()}
    ordered = [arguments[one.name] for one in snapshot.algorithm.inputs if one.name in arguments]
    pipeline.compile_to_static_library(str(folder / "kernel"), ordered, "kernel", target)
    write_program(snapshot, folder)


def write_program(snapshot: Snapshot, folder: Path) -> None:
    """A program that times `kernel`, of the library in `folder`, once for every line that it reads."""
    buffers, calls = [], []
    contents = _inputs(snapshot)
    for one in snapshot.algorithm.inputs:
        if one.dimensions is not None:
            (folder / f"{one.name}.bin").write_bytes(contents[one.name])
            buffers.append(_buffer(one.name, one.type, snapshot.sizes.inputs[one.name]))
            buffers.append(f'load({one.name}, "{one.name}.bin");')
            calls.append(f"{one.name}.raw_buffer()")
    for name in snapshot.algorithm.outputs:
        output = snapshot.algorithm.func(name)
        buffers.append(_buffer(name, output.types[0], snapshot.sizes.outputs[name]))
        calls.append(f"{name}.raw_buffer()")
    (folder / "main.cpp").write_text(
        _MAIN
        % {
            "buffers": "\n    ".join(buffers),
            "call": f"kernel({', '.join(calls)})",
            "seconds": TURN.sample_seconds,
            "samples": SAMPLES,
        }
    )
    include = f"{hl.install_dir()}/include"
    flags = ["-std=c++17", "-O2", f"-I{include}", "-pthread", "-ldl"]
    subprocess.run(["g++", "main.cpp", "kernel.a", "-o", "main", *flags], cwd=folder, check=True)


def _buffer(name: str, kind: Type, box: tuple[tuple[float, float], ...]) -> str:
    cpp = CPP_TYPES[kind.code].format(kind.bits) if kind.code in CPP_TYPES else "float"
    sizes = ", ".join(str(int(high - low) + 1) for low, high in box)
    mins = ", ".join(str(int(low)) for low, _ in box)
    return f"Halide::Runtime::Buffer<{cpp}, {len(box)}> {name}({sizes}); {name}.set_min({mins});"


def _inputs(snapshot: Snapshot) -> dict[str, bytes]:
    """What our runner times on."""
    sets = layout_sets(snapshot)
    memory = SharedMemory(memory_of(sets))
    fill_sets(sets, memory, {}, 0)
    content = {one.name: memory.map[one.offset : one.offset + one.nbytes] for one in sets[Inputs.TIMED.value][0].inputs}
    memory.close()
    return content


_MAIN = """
#include "HalideBuffer.h"
#include "kernel.h"
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

template<typename Buffer>
static void load(Buffer &buffer, const char *path) {
    std::ifstream(path, std::ios::binary).read((char *)buffer.data(), buffer.size_in_bytes());
}

static double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int main() {
    %(buffers)s
    std::string line;
    while (std::getline(std::cin, line)) {
        double start = now();
        %(call)s;
        double first = now() - start;
        int calls = std::max(1, (int)(%(seconds)s / first));
        for (int sample = 0; sample < %(samples)s; sample++) {
            start = now();
            for (int i = 0; i < calls; i++) {
                %(call)s;
            }
            std::printf("%%.9f ", (now() - start) / calls);
        }
        std::printf("\\n");
        std::fflush(stdout);
    }
}
"""


if __name__ == "__main__":
    sys.exit(main())
