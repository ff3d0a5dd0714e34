"""Copies of pipelines, and their comparison, schedules included."""

from __future__ import annotations

import halide as hl

from autosearch.export.leftover import untouched
from autosearch.pipeline.snapshot import funcs_of
from autosearch.result import Result


def twin(pipeline: hl.Pipeline) -> hl.Pipeline:
    """The same pipeline again, with the same names (one built again would get other suffixes)."""
    return hl.deserialize_pipeline(*hl.serialize_pipeline(pipeline, get_params=True))


def whole(pipeline: hl.Pipeline) -> bytes:
    """All that Halide stores of a pipeline: algorithm, names, schedule. Equal bytes are lowered to equal statements.

    (Statements themselves can't be compared: names in them are numbered by counters of the process.)
    """
    return bytes(hl.serialize_pipeline(twin(pipeline)))


def finish(pipeline: hl.Pipeline, result: Result) -> None:
    """Say of what the schedule leaves as it is that this is meant, as exported source does."""
    funcs = dict(zip((one.name for one in result.snapshot.algorithm.funcs), funcs_of(pipeline), strict=True))
    for name, update in untouched(result.schedule, result.snapshot.algorithm):
        funcs[name].update(update).unscheduled()
