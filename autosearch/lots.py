"""Drawing lots: an order in which what weighs more tends to come earlier."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence


def in_order_drawn(weights: Sequence[float], generator: random.Random) -> list[int]:
    """The places of positive weights, as if drawn one by one without replacement (Efraimidis, Spirakis 2006)."""
    lots = [math.log(1.0 - generator.random()) / weight for weight in weights]
    return sorted(range(len(weights)), key=lambda place: -lots[place])
