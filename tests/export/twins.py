"""Copies of pipelines, and their comparison, schedules included."""

from __future__ import annotations

import halide as hl


def twin(pipeline: hl.Pipeline) -> hl.Pipeline:
    """The same pipeline again, with the same names (one built again would get other suffixes)."""
    return hl.deserialize_pipeline(*hl.serialize_pipeline(pipeline, get_params=True))


def whole(pipeline: hl.Pipeline) -> bytes:
    """All that Halide stores of a pipeline: algorithm, names, schedule. Equal bytes are lowered to equal statements.

    (Statements themselves can't be compared: names in them are numbered by counters of the process.)
    """
    return bytes(hl.serialize_pipeline(twin(pipeline)))
