"""Our matrix product and convolution beside those of numpy (OpenBLAS) and torch (oneDNN), on the same data and threads.

A library's threads keep spinning for a while after a call and slow whoever comes next, so that each sample comes after a
rest and an untimed call. This happens in a process of its own: how many threads a library has is fixed when it is loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import halide as hl
import numpy as np

from autosearch.machine import this_machine
from autosearch.measure.statistics import paired_ratio, typical
from autosearch.pipeline.snapshot import take
from autosearch.schedule.apply import apply
from autosearch.schedule.schedule import Schedule
from benchmarks.pipelines import conv_layer, load, matmul
from benchmarks.suite.results import Library

Call = Callable[[], Any]

ROUNDS = 15
REST_SECONDS = 0.4
SAMPLE_SECONDS = 0.04
SECONDS = 300.0
"""For all of it; no more than a minute is needed."""
SETTINGS = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Not handed on: they force kernels made for other processors."""


def beside(name: str, schedule: list[list[Any]]) -> Library:
    """Time the schedule of pipeline `name` in turn with the library's function, in a process of its own."""
    threads = str(this_machine(hl.get_host_target()).cores)
    environment = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    for variable in ("HL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        environment[variable] = threads
    command = [sys.executable, "-m", "benchmarks.suite.libraries", name]
    try:
        done = subprocess.run(
            command, input=json.dumps(schedule), capture_output=True, text=True, timeout=SECONDS,
            env=environment, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        return Library(**json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Library(LIBRARIES[name][0], 0.0, None, f"no end after {SECONDS:.0f} s")
    except (IndexError, ValueError, TypeError):
        return Library(
            LIBRARIES[name][0], 0.0, None, (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:300]
        )


def in_turn(ours: Call, theirs: Call, rounds: int = ROUNDS) -> tuple[list[float], list[float]]:
    """Seconds a call of both, a sample each a round; who goes first changes from round to round."""
    calls = (ours, theirs)
    samples: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for place in (0, 1) if number % 2 == 0 else (1, 0):
            time.sleep(REST_SECONDS)
            calls[place]()
            samples[place].append(_sample(calls[place]))
    return samples


def _sample(call: Call) -> float:
    """Seconds a call, over as many as take `SAMPLE_SECONDS`."""
    count, start = 0, time.perf_counter()
    while True:
        call()
        count += 1
        spent = time.perf_counter() - start
        if spent >= SAMPLE_SECONDS:
            return spent / count


def _kernel(name: str, schedule: Schedule, *arrays: np.ndarray[Any, Any]) -> Call:
    """The schedule compiled, to be called on these arrays: inputs by name, then the output."""
    target = hl.get_host_target()
    snapshot = take(load(name).pipeline, target)
    pipeline = snapshot.fresh()
    apply(schedule, pipeline, snapshot.algorithm)
    function = pipeline.compile_to_callable(pipeline.infer_arguments(), target)
    buffers = [hl.Buffer(array) for array in arrays]
    return lambda: function(*buffers)


def _openblas(schedule: Schedule) -> tuple[Call, Call, str]:
    from threadpoolctl import threadpool_info

    generator = np.random.default_rng(0)
    a, b = (generator.random((matmul.SIZE, matmul.SIZE), dtype=np.float32) for _ in range(2))
    our, their = np.empty_like(a), np.empty_like(a)
    ours, theirs = _kernel("matmul", schedule, a, b, our), lambda: np.matmul(a, b, out=their)
    _same(ours, theirs, our, lambda: their)
    pool = next(one for one in threadpool_info() if one["internal_api"] == "openblas")
    return ours, theirs, f"version {pool['version']}, kernels for {pool['architecture']}, {pool['num_threads']} threads"


def _onednn(schedule: Schedule) -> tuple[Call, Call, str]:
    import torch

    c, generator = conv_layer, np.random.default_rng(0)
    shapes = (
        (c.BATCH, c.HEIGHT + 2, c.WIDTH + 2, c.CHANNELS_IN), (c.CHANNELS_IN, 3, 3, c.CHANNELS_OUT), (c.CHANNELS_OUT,)
    )  # fmt: skip
    image, weights, bias = (generator.random(shape, dtype=np.float32) - np.float32(0.5) for shape in shapes)
    our = np.empty((c.BATCH, c.HEIGHT, c.WIDTH, c.CHANNELS_OUT), np.float32)
    # The same layout, channels innermost; the weights as oneDNN likes them best, packed beforehand, and ReLU fused.
    x = torch.from_numpy(image).permute(0, 3, 1, 2)
    w, b = torch.from_numpy(weights).permute(3, 0, 1, 2).contiguous(), torch.from_numpy(bias)
    shape, ones = list(x.shape), [1, 1]
    packed = torch._C._nn.mkldnn_reorder_conv2d_weight(w.to_mkldnn(), [0, 0], ones, ones, 1, shape)
    fused = torch.ops.mkldnn._convolution_pointwise
    ours = _kernel("conv_layer", schedule, bias, image, weights, our)

    def theirs() -> Any:
        return fused(x, packed, b, [0, 0], ones, ones, 1, "relu", [], "")

    with torch.inference_mode():
        _same(ours, theirs, our, lambda: theirs().permute(0, 2, 3, 1).numpy())
    return ours, torch.inference_mode()(theirs), f"torch {torch.__version__}, {torch.get_num_threads()} threads"


def _same(ours: Call, theirs: Call, our: np.ndarray[Any, Any], their: Callable[[], np.ndarray[Any, Any]]) -> None:
    """Stop where the two don't compute the same."""
    ours()
    theirs()
    if not np.allclose(our, their(), rtol=1e-3, atol=1e-3):
        raise SystemExit("the library computes something else")


LIBRARIES: dict[str, tuple[str, Callable[[Schedule], tuple[Call, Call, str]]]] = {
    "matmul": ("numpy's OpenBLAS", _openblas),
    "conv_layer": ("torch's oneDNN", _onednn),
}
"""By pipeline: the library, and what sets up our function and its own."""


def main() -> int:
    """Argument: the pipeline; its schedule comes on standard input, the `Library` goes to standard output."""
    label, prepare = LIBRARIES[sys.argv[1]]
    schedule = Schedule.from_json(json.loads(sys.stdin.read()))
    try:
        ours, theirs, note = prepare(schedule)
    except ImportError as error:
        print(json.dumps(asdict(Library(label, 0.0, None, f"{error.name} isn't installed: pip install '.[suite]'"))))
        return 0
    our, their = in_turn(ours, theirs)
    ratio = paired_ratio(their, our)
    print(json.dumps(asdict(Library(label, typical(their), (ratio.value, ratio.low, ratio.high), note))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
