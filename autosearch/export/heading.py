"""What every exported file says of itself: where the schedule comes from and what it is worth."""

from __future__ import annotations

import re
from pathlib import Path

from autosearch.pipeline.bounds import extents
from autosearch.progress import format_seconds
from autosearch.result import Result


def heading(result: Result) -> list[str]:
    """Lines of text for the comment at the top."""
    snapshot = result.snapshot
    lines = [
        f"Schedule of {', '.join(snapshot.algorithm.outputs)}, found by AutoSearch.",
        "",
        f"Algorithm {snapshot.fingerprint}, target {result.target}.",
    ]
    if result.records:
        identity = result.records[0].identity
        lines.append(f"Tuned with Halide {identity.halide} on {identity.cpu}, {identity.threads} threads.")
    for name in snapshot.sizes.outputs:
        shapes = [" x ".join(map(str, extents(one.outputs[name]))) for one in snapshot.sizes.each]
        lines.append(f"Tuned for {name} of {' and '.join(shapes)}{'; it works at any size' if shapes[1:] else ''}.")
    mean = " (geometric mean over the sizes)" if snapshot.sizes.others else ""
    lines += ["", f"{format_seconds(result.best_time)} a run{mean}:"]
    lines += [f"  {result.speedup(name)} over {name}" for name in result.baselines]
    return lines


def function_name(path: Path) -> str:
    """The NAME of `apply_schedule_NAME`: the file's name up to its first dot, as an identifier."""
    return re.sub(r"\W", "_", path.name.split(".")[0]) or "pipeline"
