"""The result of a tuning run from its log alone: nothing is compiled, nothing timed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import halide as hl

from autosearch.errors import LogError
from autosearch.journal import refuse_other_algorithm
from autosearch.machine import parse_target, this_machine
from autosearch.pipeline.snapshot import take
from autosearch.pipeline.source import PipelineLike
from autosearch.records.identity import Identity, identify
from autosearch.records.log import LogContent, read_log
from autosearch.result import Result


def replay(
    log: str | os.PathLike[str],
    pipeline: PipelineLike,
    target: str | hl.Target = "host",
    *,
    inputs: Mapping[str, Any] | None = None,
) -> Result:
    """The result that `tune` returned, from its log.

    Records of this machine are preferred; where the log has only those of another, the latest of these are used.
    Raises `LogError` where the log can't be read or has no trials of this target and these sizes, `MismatchError`
    where it is of another algorithm.
    """
    content = read_log(log)
    parsed = parse_target(target)
    snapshot = take(pipeline, parsed, inputs)
    refuse_other_algorithm(content, snapshot, str(log))
    identity = identify(snapshot.fingerprint, snapshot.sizes, str(parsed), this_machine(parsed))
    chosen = _choose(content, identity)
    if not chosen.trials:
        raise LogError(f"the log {str(log)!r} has no trials of this pipeline at these sizes: {_what_there_is(content)}")
    return Result(snapshot, str(parsed), chosen.trials, chosen.races[-1] if chosen.races else None)


def _choose(content: LogContent, wanted: Identity) -> LogContent:
    exact = content.of(wanted)
    if exact.trials:
        return exact
    for trial in reversed(content.trials):
        there = trial.identity
        if (there.pipeline, there.sizes) == (wanted.pipeline, wanted.sizes):
            return content.of(there)
    return LogContent()


def _what_there_is(content: LogContent) -> str:
    found = {trial.identity for trial in content.trials}
    return "; ".join(f"target {one.target} on {one.cpu}, sizes {one.sizes}" for one in sorted(found, key=str)) or "none"
