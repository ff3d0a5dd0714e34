"""All pipelines of `benchmarks/pipelines`, each tuned for so many minutes, and what came of it held against the bars.

python -m benchmarks.suite --minutes-per-pipeline 10 [--given] [--pipelines NAME,NAME] [--to FOLDER] [--again]
python -m benchmarks.suite --check

The first runs unattended and goes on where it was cut off; `FOLDER` then holds the results (`suite.json`), a table
(`suite.md`), a plot (`suite.svg`) and, in `logs/`, what the tuner wrote. Pipelines may be run again with other minutes; each
row says how many it was given, and of which commit it is. With `--given` the pipelines carry their schedules by hand, as a
user's do who has one, for the search to begin with; without, it never sees them. Those results lie in `FOLDER/given`.

The second holds the results against the bars, those with schedules given too where there are any, and measures the schedules
of two pipelines, drawn at random, anew. Both may name a folder other than `benchmarks/results`.
"""
