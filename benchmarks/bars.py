"""What every benchmark's `--check` prints: bar, figure, verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One figure held against its bar. `note` says how it was taken, or why it falls short."""

    name: str
    figure: float
    bar: float
    at_least: bool = True
    note: str = ""

    @property
    def met(self) -> bool:
        return self.figure >= self.bar if self.at_least else self.figure <= self.bar

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        note = f"  ({self.note})" if self.note else ""
        return f"{'PASS' if self.met else 'FAIL'}  {self.name}: {self.figure:.4g}, bar {sign} {self.bar:.4g}{note}"


def verdict(bars: Iterable[Bar]) -> int:
    """Print all bars; the exit status: 1 where one falls short."""
    results = list(bars)
    for bar in results:
        print(bar)
    missed = [bar for bar in results if not bar.met]
    print(f"{len(results) - len(missed)} of {len(results)} bars met")
    return 1 if missed else 0
