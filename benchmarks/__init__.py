"""Benchmarks: each `python -m benchmarks.NAME --check` prints bars, figures and verdicts, and exits 1 where one falls short."""
