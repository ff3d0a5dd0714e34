"""The run: pipelines one after the other, unattended; what was done before isn't done again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.bench import Start, describe_machine
from benchmarks.suite.plot import plot
from benchmarks.suite.results import Results, Row
from benchmarks.suite.table import line, table

ROOT = Path(__file__).parents[2]
FILE = "suite.json"
AFTER_SECONDS = 1200.0
"""For the race with the expert's schedule and with a library, and for some compilation, after a call of `tune`."""


@dataclass(frozen=True)
class Plan:
    """What to run, and where the results go."""

    pipelines: Sequence[str]
    minutes: float
    to: Path
    seed: int = 0
    again: bool = False
    """Whether pipelines that have a result are to be run anew."""
    start: Start = Start.UNSEEN


def run(plan: Plan) -> Results:
    """Run all that has no result yet; whatever there is, is on disk after each."""
    logs = plan.to / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    results = _so_far(plan)
    for name in plan.pipelines:
        before = results.rows.get(name, Row())
        if before.comparison is not None and not plan.again:
            continue
        if plan.again:
            before = Row()
            (logs / f"{name}.jsonl").unlink(missing_ok=True)
        row = _one(name, plan, logs)
        troubles = before.troubles + row.troubles
        results = results.put(name, replace(row, troubles=troubles, minutes=plan.minutes, commit=_commit()))
        write(results, plan.to)
        print(line(name, results.rows[name]), flush=True)
    return results


def write(results: Results, to: Path) -> None:
    """Results, table and plot."""
    results.save(to / FILE)
    (to / "suite.md").write_text(table(results))
    if results.compared:
        (to / "suite.svg").write_text(plot(results))


def _so_far(plan: Plan) -> Results:
    path, machine = plan.to / FILE, describe_machine()
    if not path.exists():
        return Results(machine, start=plan.start)
    found = Results.load(path)
    if found.start is not plan.start:
        raise SystemExit(f"{path} holds results with schedules {found.start}: name another folder with --to")
    if found.machine != machine:
        raise SystemExit(f"{path} holds results of {found.machine}: name another folder with --to")
    return found


def _one(name: str, plan: Plan, logs: Path) -> Row:
    """One pipeline in a process of its own, whose progress goes to a file."""
    log, made, said = (logs / f"{name}.{kind}" for kind in ("jsonl", "row.json", "txt"))
    made.unlink(missing_ok=True)
    seconds = 60.0 * plan.minutes
    arguments = [name, str(log), str(made), str(seconds), str(plan.seed), plan.start]
    command = [sys.executable, "-m", "benchmarks.suite.one", *arguments]
    with said.open("a") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output)
        try:
            status: int | None = process.wait(timeout=2 * seconds + AFTER_SECONDS)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()
    if status == 0 and made.exists():
        row = Row.from_json(json.loads(made.read_text()))
        made.unlink()
        return row
    words = said.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    trouble = "hang: no end" if status is None else f"crash: exit status {status}"
    return Row(troubles=(f"{trouble}; {words[-1][:300]}",))


def _commit() -> str:
    """The commit that the code is at, if that can be told."""
    try:
        done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()
