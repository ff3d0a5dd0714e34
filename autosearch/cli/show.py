"""What a log holds, for reading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from autosearch.progress import format_seconds
from autosearch.records.identity import Identity
from autosearch.records.log import LogContent
from autosearch.records.record import TrialRecord


@dataclass(frozen=True)
class Group:
    """All that a log holds of one pipeline under one set of circumstances."""

    identity: Identity
    name: str
    trials: int
    best: float | None
    schedule: str
    baselines: dict[str, float]
    failed_baselines: dict[str, str]
    convergence: list[tuple[int, float]]
    """(trials, seconds of the best so far)."""
    failures: dict[str, int]
    messages: dict[str, str]
    """For each reason, the first message."""


@dataclass(frozen=True)
class LogSummary:
    """Groups, and what could not be read."""

    groups: list[Group] = field(default_factory=list)
    damaged: int = 0

    def to_json(self) -> dict[str, Any]:
        groups = []
        for group in self.groups:
            entry = {**group.__dict__, "identity": group.identity.to_json()}
            groups.append(entry)
        return {"groups": groups, "damaged": self.damaged}

    def text(self) -> str:
        parts = [_group_text(group) for group in self.groups] or ["the log holds no trials"]
        if self.damaged:
            parts.append(f"{self.damaged} damaged line{'s' if self.damaged > 1 else ''} skipped")
        return "\n\n".join(parts)


def summarize_log(content: LogContent) -> LogSummary:
    """Everything worth showing of a log."""
    grouped: dict[Identity, list[TrialRecord]] = {}
    for trial in content.trials:
        grouped.setdefault(trial.identity, []).append(trial)
    return LogSummary([_group(identity, trials, content) for identity, trials in grouped.items()], content.damaged)


def _group(identity: Identity, trials: list[TrialRecord], content: LogContent) -> Group:
    searched = [trial for trial in trials if not trial.baseline]
    timed = [trial for trial in trials if trial.ok and trial.schedule is not None]
    fastest = min(timed, key=lambda trial: trial.seconds, default=None)
    failed = [trial for trial in searched if not trial.ok]
    known = content.pipeline(identity.pipeline)
    messages: dict[str, str] = {}
    for trial in failed:
        messages.setdefault(trial.failure, trial.message)
    return Group(
        identity,
        known.name if known is not None else "",
        len(searched),
        fastest.seconds if fastest is not None else None,
        str(fastest.schedule) if fastest is not None else "",
        {trial.baseline: trial.seconds for trial in trials if trial.baseline and trial.ok},
        {trial.baseline: f"{trial.failure}: {trial.message}" for trial in trials if trial.baseline and not trial.ok},
        convergence(searched),
        dict(Counter(trial.failure for trial in failed).most_common()),
        messages,
    )


def convergence(trials: Sequence[TrialRecord]) -> list[tuple[int, float]]:
    """(trials, seconds of the best so far), wherever that improved."""
    points = []
    best = float("inf")
    for count, trial in enumerate(trials, start=1):
        if trial.ok and trial.seconds < best:
            best = trial.seconds
            points.append((count, best))
    return points


def _group_text(group: Group) -> str:
    one = group.identity
    lines = [
        f"{group.name or one.pipeline}: {group.trials} trials, target {one.target}, {one.cpu}, {one.threads} threads"
    ]
    if group.best is not None:
        lines.append(f"best {format_seconds(group.best)}")
    for name, seconds in sorted(group.baselines.items(), key=lambda item: item[1]):
        ratio = f"{seconds / group.best:.2f}x" if group.best else ""
        lines.append(f"  {ratio:>9} over {name} ({format_seconds(seconds)})")
    lines += [f"  {name} failed: {reason}" for name, reason in group.failed_baselines.items()]
    if group.convergence:
        lines.append("convergence (trials: best so far)")
        lines += [f"  {count:>6}: {format_seconds(seconds)}" for count, seconds in group.convergence]
    if group.failures:
        lines.append("failures by reason")
        for reason, count in group.failures.items():
            lines.append(f"  {count:>6} {reason}: {group.messages[reason][:100]}")
    if group.schedule:
        lines += ["best schedule", "  " + group.schedule.replace("\n", "\n  ")]
    return "\n".join(lines)
