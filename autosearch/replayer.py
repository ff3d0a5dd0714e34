"""The result of a tuning run from its log alone: nothing is compiled, nothing timed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import halide as hl

from autosearch.errors import LogError
from autosearch.journal import refuse_other_algorithm
from autosearch.machine import read_target, this_machine
from autosearch.pipeline.several import SizesLike
from autosearch.pipeline.snapshot import Snapshot, take
from autosearch.pipeline.source import PipelineLike
from autosearch.pipeline.stored import restore
from autosearch.records.identity import Identity, identify, sizes_digest
from autosearch.records.log import LogContent, read_log
from autosearch.result import Result


def replay(
    log: str | os.PathLike[str],
    pipeline: PipelineLike | None = None,
    target: str | hl.Target | None = None,
    *,
    inputs: Mapping[str, Any] | None = None,
    sizes: SizesLike | None = None,
) -> Result:
    """The result that `tune` returned, from its log.

    pipeline: what was tuned; may be left out, for logs hold it, unless it calls functions outside of Halide.
    target: what it was tuned for; else this machine's own or, where the log has none of that, the latest in it.
    inputs, sizes: as they were for `tune`, where they said the sizes; only needed with `pipeline`.

    Records of this machine are preferred; where the log has only those of another, the latest of these are used.
    Raises `LogError` where the log can't be read or has no trials of this target and these sizes, `MismatchError`
    where it is of another algorithm.
    """
    content = read_log(log)
    wanted = read_target(target if target is not None else "host")
    snapshot = snapshot_for(content, str(log), pipeline, wanted, inputs, sizes)
    identity = identify(snapshot.fingerprint, snapshot.sizes, str(wanted), this_machine(wanted))
    chosen = _choose(content, identity, any_target=target is None)
    if not chosen.trials:
        raise LogError(f"the log {str(log)!r} has no trials of this pipeline at these sizes: {_what_there_is(content)}")
    found = chosen.trials[-1].identity
    return Result(
        snapshot,
        found.target,
        chosen.trials,
        chosen.races[-1] if chosen.races else None,
        shortened=chosen.minimal[-1] if chosen.minimal else None,
    )


def snapshot_for(
    content: LogContent,
    path: str,
    pipeline: PipelineLike | None,
    target: hl.Target,
    inputs: Mapping[str, Any] | None,
    sizes: SizesLike | None = None,
) -> Snapshot:
    """The pipeline given, if the log is of it, or else the one that the log holds; at the sizes that are asked for, if any.

    Raises `LogError`, `MismatchError`, or what `take` raises.
    """
    if pipeline is not None:
        snapshot = take(pipeline, target, inputs, sizes)
        refuse_other_algorithm(content, snapshot, path)
        return snapshot
    stored = _stored_snapshot(content, path)
    if not inputs and sizes is None:
        return stored
    return replace(take(stored.fresh(), target, inputs, sizes), given=stored.given)


def _stored_snapshot(content: LogContent, path: str) -> Snapshot:
    """The pipeline that a log holds, at the sizes of its latest trial."""
    if not content.trials:
        raise LogError(f"the log {path!r} holds no trials")
    if len({trial.identity.pipeline for trial in content.trials}) > 1:
        names = sorted({one.name for one in content.pipelines})
        raise LogError(
            f"the log {path!r} is of several pipelines ({', '.join(names)}): say which by passing the pipeline"
        )
    latest = content.trials[-1].identity
    for record in reversed(content.pipelines):
        if (record.pipeline, sizes_digest(record.sizes)) == (latest.pipeline, latest.sizes):
            if record.stored is not None:
                return restore(record.stored, record.sizes, record.pipeline)
            break
    raise LogError(f"the log {path!r} does not hold its pipeline: pass the pipeline too")


def _choose(content: LogContent, wanted: Identity, any_target: bool) -> LogContent:
    """The trials of one identity: as wanted or, where there are none, the latest of that pipeline and those sizes."""
    exact = content.of(wanted)
    if exact.trials:
        return exact
    for trial in reversed(content.trials):
        there = trial.identity
        same = (there.pipeline, there.sizes) == (wanted.pipeline, wanted.sizes)
        if same and (any_target or there.target == wanted.target):
            return content.of(there)
    return LogContent()


def _what_there_is(content: LogContent) -> str:
    found = {trial.identity for trial in content.trials}
    return "; ".join(f"target {one.target} on {one.cpu}, sizes {one.sizes}" for one in sorted(found, key=str)) or "none"
