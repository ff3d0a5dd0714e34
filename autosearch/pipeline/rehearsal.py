"""Loads a serialized pipeline, in a process that may die of it: `python -m autosearch.pipeline.rehearsal FILE`.

Halide trusts the bytes that it deserializes. Where they are damaged it may crash, run forever or take all memory, now or
when the pipeline is first looked at.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import halide as hl

from autosearch.errors import AutoSearchError
from autosearch.pipeline.snapshot import take
from autosearch.pipeline.source import load_serialized

MEMORY_BYTES = 8 << 30


def main() -> None:
    """Do what a tuner does with the file at first. That it ends of itself is all that counts: errors are told later."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path = Path(sys.argv[1])
    try:
        take(load_serialized(path.read_bytes(), str(path)), hl.get_host_target())
    except (AutoSearchError, hl.HalideError):
        pass


if __name__ == "__main__":
    main()
