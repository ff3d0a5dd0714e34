"""Halide's own autoschedulers: baselines to beat and seeds to start from. They run in a worker, since they may crash."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import halide as hl

from autosearch.measure.kernel import Source
from autosearch.measure.protocol import Failure
from autosearch.pipeline.unschedule import without_bounds

AUTOSCHEDULERS = ("Mullapudi2016", "Li2018", "Adams2019")
"""Those for CPUs that come with Halide 21."""


@dataclass(frozen=True)
class AutoschedulerRequest:
    """Which autoscheduler to run, with which parameters (`parallelism` is the number of threads)."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AutoschedulerReply:
    """The pipeline as it scheduled it, serialized, and the C++ that it printed; or why it failed."""

    scheduled: bytes | None = None
    source: str = ""
    seconds: float = 0.0
    failure: Failure | None = None
    message: str = ""
    note: str = ""
    """What had to be done so that it didn't fail."""


def run_autoscheduler(source: Source, request: AutoschedulerRequest) -> AutoschedulerReply:
    """Run one autoscheduler on a fresh copy of the pipeline, in this process.

    Where it fails, on one without the bounds that the pipeline states: Mullapudi2016 takes those of all dimensions or none.
    """
    reply = _run(source, request)
    if reply.failure is None or not any(func.bounds or func.alignments for func in source.algorithm.funcs):
        return reply
    again = _run(replace(source, data=without_bounds(source.data)), request)
    if again.failure is not None:
        return replace(reply, seconds=reply.seconds + again.seconds)
    note = f"without the bounds that the pipeline states, since with them it failed: {reply.message}"
    return replace(again, seconds=reply.seconds + again.seconds, note=note)


def _run(source: Source, request: AutoschedulerRequest) -> AutoschedulerReply:
    start = time.perf_counter()
    try:
        library = f"libautoschedule_{request.name.lower()}.so"
        hl.load_plugin(os.path.join(hl.install_dir(), "lib64", library))
        pipeline = estimated_pipeline(source)
        parameters = hl.AutoschedulerParams(request.name, dict(request.parameters))
        results = pipeline.apply_autoscheduler(hl.Target(source.target), parameters)
        scheduled = hl.serialize_pipeline(pipeline)
    except (hl.HalideError, RuntimeError, MemoryError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        seconds = time.perf_counter() - start
        return AutoschedulerReply(None, "", seconds, Failure.COMPILE, " ".join(lines[:2])[:300])
    return AutoschedulerReply(scheduled, results.schedule_source, time.perf_counter() - start)


def estimated_pipeline(source: Source) -> hl.Pipeline:
    """A fresh pipeline with estimates on all inputs and outputs: autoschedulers refuse to work without."""
    params = source.parameters.restore()
    for name, box in source.sizes.inputs.items():
        for dimension, (low, high) in enumerate(box):
            params[name].set_min_constraint_estimate(dimension, hl.i32(int(low)))
            params[name].set_extent_constraint_estimate(dimension, hl.i32(int(high - low) + 1))
    pipeline = hl.deserialize_pipeline(source.data, params)
    for output, name in zip(pipeline.outputs(), source.algorithm.outputs, strict=True):
        for arg, (low, high) in zip(output.args(), source.sizes.outputs[name], strict=True):
            output.set_estimate(arg, int(low), int(high - low) + 1)
    return pipeline
