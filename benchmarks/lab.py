"""Do the strategies beat random search? In the laboratory, on all recorded spaces, and live, on pipelines as they run here.

python -m benchmarks.lab [--only lab | --only live] [--seeds 30] [--trials 150] [--live box_blur,...] [--check] [--docs docs]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import halide as hl

import autosearch
from autosearch.cost_model.model import StageTimeModel
from autosearch.cost_model.prior import save_prior
from autosearch.errors import LogError
from autosearch.finalists import Contender
from autosearch.lab.comparison import EVALUATIONS, SEEDS, Comparison, compare
from autosearch.lab.plot import plot
from autosearch.lab.recording import Recording, random_trials, read_recording
from autosearch.learning import train
from autosearch.measure.protocol import Candidate
from autosearch.measure.statistics import RESOLUTION, paired_ratio, present, typical
from autosearch.pipeline.snapshot import take
from autosearch.records.log import read_log
from autosearch.records.record import TrialRecord
from benchmarks.bars import Bar, verdict
from benchmarks.bench import race
from benchmarks.pipelines import load
from benchmarks.record import QUICKEST
from benchmarks.recorded import BRED, read_records

LEARNERS = ("genetic", "tree", "bayesian", "beam")
PORTFOLIO = "portfolio"
COMPARED = ("random", *LEARNERS, "local", PORTFOLIO)
LAB, LIVE = "lab", "live"
LIVE_TRIALS = 150
LEAST_POINTS = 300
"""A sample of fewer points is none of its space: its log is left out."""
TOP = 3
"""Of plain random's trials so many race for being its best: the fastest by their records may have been lucky."""
RACE_SECONDS = 24.0
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def main() -> int:
    """Print the table and, with --check, every figure beside its bar; 1 where one falls short."""
    arguments = _arguments()
    results: list[Bar] = []
    if arguments.only != LIVE:
        results += replay(arguments)
    if arguments.only != LAB and (arguments.check or arguments.live):
        known = [one.sample() for one in read_records(arguments.records, arguments.records / BRED.name)]
        for name in arguments.live or QUICKEST:
            prior = train([one for one in known if one.name != name])
            results.append(live(name, arguments.records / f"{name}.jsonl.gz", prior))
            print(results[-1], flush=True)
    return verdict(results) if arguments.check else 0


def replay(arguments: argparse.Namespace) -> list[Bar]:
    """All strategies on all recorded spaces: the table, printed and put into the documentation, and the bars."""
    recordings = recorded(arguments.records)
    print(f"{len(recordings)} recorded spaces, {arguments.seeds} seeds, {arguments.jobs} processes")
    comparison = compare(recordings, COMPARED, arguments.seeds, arguments.trials, arguments.jobs)
    print(comparison.markdown(), flush=True)
    if arguments.docs is not None:
        document(comparison, recordings, arguments.docs)
    return bars(comparison)


def recorded(folder: Path) -> list[Recording]:
    """The exhaustive spaces, and the samples that are large enough."""
    found = [read_recording(path) for path in sorted((folder / "spaces").glob("*.json.gz"))]
    for path in sorted(folder.glob("*.jsonl.gz")):
        try:
            sample = read_recording(path)
        except LogError:
            continue  # no random trials
        if len(sample.points) >= LEAST_POINTS:
            found.append(sample)
    return found


def bars(comparison: Comparison) -> list[Bar]:
    """What the laboratory's figures are held against."""
    results = []
    for name in LEARNERS:
        score = comparison.mean(name)
        ahead = sum(comparison.of(space, name).score.low > 0 for space in comparison.spaces)
        behind = sum(comparison.of(space, name).score.high < 0 for space in comparison.spaces)
        note = f"score {score}; by itself ahead on {ahead}, behind on {behind} of {len(comparison.spaces)} spaces"
        results.append(Bar(f"{name}: mean score over random's, lower end of its interval", score.low, 0.0, note=note))
    for space in comparison.spaces:
        best = max(LEARNERS, key=lambda name: comparison.of(space, name).score.value)
        difference = comparison.difference(space, PORTFOLIO, best)
        note = f"score {comparison.of(space, PORTFOLIO).score}, {best}'s {comparison.of(space, best).score}"
        upper = difference.wide[1]
        results.append(Bar(f"{space}: portfolio less the best, upper end of the 99 % interval", upper, 0.0, note=note))
    return results


def live(name: str, log: Path, prior: StageTimeModel) -> Bar:
    """Tune a pipeline; after how many trials was the best so far as fast as the best of random's recorded ones?

    prior: a model of other pipelines, as the one that ships is of a user's.
    """
    recorded_trials = random_trials(read_log(log).trials, str(log))
    rivals = sorted((one for one in recorded_trials if one.ok), key=lambda one: one.seconds)[:TOP]
    pipeline = load(name).pipeline
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "prior.ubj"
        save_prior(prior, path)
        result = autosearch.tune(pipeline, trials=LIVE_TRIALS, strategy=PORTFOLIO, prior=path, progress=False)
    steps = improvements([one for one in result.records if not one.baseline])
    ours = [_contender(f"trial {number}", trial) for number, trial in steps]
    theirs = [_contender(f"random {place}", trial) for place, trial in enumerate(rivals, start=1)]
    target = hl.Target(result.target)
    outcome = race(take(pipeline, target), target, [*ours, *theirs], 0, RACE_SECONDS)
    samples = {one.name: row for one, row in zip(outcome.contenders, outcome.samples, strict=True)}
    seconds = {who: typical(present(row)) for who, row in samples.items() if any(row)}
    rival = min((one.name for one in theirs), key=lambda who: seconds.get(who, float("inf")))
    reached = LIVE_TRIALS + 1
    for (number, _), one in zip(steps, ours, strict=True):
        if one.name in seconds and paired_ratio(samples[one.name], samples[rival]).value <= 1.0 + RESOLUTION:
            reached = number
            break
    last = paired_ratio(samples[rival], samples[ours[-1].name])
    note = f"of {len(recorded_trials)} random trials; after {LIVE_TRIALS} the best is {last} as fast"
    return Bar(f"{name}: trials until random's best is reached", reached, LIVE_TRIALS, at_least=False, note=note)


def improvements(trials: Sequence[TrialRecord]) -> list[tuple[int, TrialRecord]]:
    """The trials that were faster than all before them, with their numbers, from 1."""
    found: list[tuple[int, TrialRecord]] = []
    for number, trial in enumerate(trials, start=1):
        if trial.ok and (not found or trial.seconds < found[-1][1].seconds):
            found.append((number, trial))
    return found


def document(comparison: Comparison, recordings: Sequence[Recording], folder: Path) -> None:
    """Put table and picture into the documentation."""
    plot(comparison, folder / "lab.svg")
    page = folder / "lab.md"
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    whole = sum(one.exhaustive for one in recordings)
    machines = sorted({f"{one.identity.cpu}, {one.identity.threads} cores, {one.identity.target}" for one in recordings})
    about = (
        f"{comparison.seeds} seeds; {whole} spaces measured to the last point and {len(recordings) - whole} random samples, "
        f"recorded on {'; '.join(machines)}."
    )
    picture = "![scores over the time of a run](lab.svg)"
    page.write_text(f"{before}{BEGIN}\n{about}\n\n{picture}\n\n{comparison.markdown()}\n{END}{after}")


def _contender(name: str, trial: TrialRecord) -> Contender:
    return Contender(name, Candidate(trial.schedule), trial.schedule)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lab", description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path, default=Path("records"))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--trials", type=int, default=EVALUATIONS, help="of a run, about, at most")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", choices=(LAB, LIVE), help="only the replays, or only what is tuned here and now")
    parser.add_argument("--live", type=lambda text: text.split(","), help="pipelines; by default those with most trials")
    parser.add_argument("--docs", type=Path, help="write table and picture into this folder's lab.md and lab.svg")
    parser.add_argument("--check", action="store_true", help="exit 1 where a figure falls short of its bar")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
