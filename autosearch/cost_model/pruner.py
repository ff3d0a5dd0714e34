"""Picks which of many proposed schedules are worth compiling: the predicted best, different ones, some at random."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from autosearch.choices import STYLE, Option, Proposal
from autosearch.cost_model.improvement import difference, expected_improvement, stage_seconds, stages_of
from autosearch.cost_model.learner import Learner
from autosearch.cost_model.neighbours import Near, Neighbours, Places, placement
from autosearch.lots import in_order_drawn
from autosearch.stagnation import Stagnation

EARLY, EARLY_EXPLORE = 64, 0.35
"""So many measurements the model hardly knows the pipeline: at least this share of each batch is drawn at random."""
ALIKE = 0.6
"""Of those that the model picks, the share that may compute and store all Funcs at the same levels."""
STALE, BETTER, OF_A_STYLE = 32, 0.98, 0.5
"""Where so many schedules in a row brought nothing as much faster, the share of those picked that may be of one style. A good
schedule found early is followed by many like it; what other styles are worth shows only after as many."""
ELSEWHERE, ELSEWHERE_STALE = 0.2, 0.35
"""Share of each batch that computes one Func elsewhere than one of the fastest schedules does, as nobody has tried: what is
expected to gain most, see `expected_improvement`. More where nothing better was found for long."""
OTHERWISE = 0.2
"""Share that differs from one of the fastest in one decision, as nobody has tried. Any, though rather where more is to be
gained: what the model thinks best of a decision it has taken already."""
LEAST_GAIN = 1e-4
"""Decisions from which less is expected are taken otherwise as often as those from which so much is."""
DOUBTFUL = 0.25
"""Schedules that run with less than this probability aren't measured where there are others."""


class Pruner:
    """Selects among schedules by what a `Learner` says of them, and by what was tried."""

    def __init__(self, learner: Learner, seed: int = 0, explore: float = 0.1) -> None:
        """`explore`: share of each batch that is drawn at random, whatever the model says."""
        self.learner = learner
        """What tells how fast schedules are."""
        self._random = random.Random(seed)
        self._explore = explore
        self._neighbours = Neighbours()
        self._stagnation = Stagnation(BETTER)

    def observe(self, measured: Sequence[tuple[Proposal, float | None]]) -> None:
        """Learn from schedules and their times in seconds; None where they failed."""
        for one, seconds in self.learner.observe(measured):
            self._neighbours.observe(one, seconds)
            self._stagnation.observe(seconds)

    @property
    def _stale(self) -> bool:
        """Whether nothing better was found for long."""
        return self._stagnation.in_vain >= STALE

    def select(self, proposals: Sequence[Proposal], few: int) -> list[int]:
        """The places in `proposals` of the `few` to measure."""
        places = self._promising(proposals, few)
        if not self.learner.ready or len(places) <= few:
            self._random.shuffle(places)
            return places[:few]
        predicted = self.learner.predict([proposals[place].schedule for place in places])
        ranked = [place for _, place in sorted(zip(predicted, places, strict=True))]
        early = EARLY_EXPLORE if self._explore and self.learner.count < EARLY else 0.0
        at_random = self._share(few, max(self._explore, early))
        share = ELSEWHERE_STALE if self._stale else ELSEWHERE
        gains = self._gains(proposals, ranked, self._neighbours.elsewhere)
        picked = sorted(gains, key=lambda place: -gains[place])[: self._share(few - at_random, share)]
        others = [place for place in ranked if place not in picked]
        many = min(self._share(few - at_random, OTHERWISE), few - at_random - len(picked))
        picked += self._drawn(self._gains(proposals, others, self._neighbours.decided_otherwise), many)
        others = [place for place in ranked if place not in picked]
        chosen = self._different([proposals[place] for place in others], few - at_random - len(picked))
        picked += [others[number] for number in chosen]
        rest = [place for place in others if place not in picked]
        return picked + self._random.sample(rest, min(few - len(picked), len(rest)))

    def _promising(self, proposals: Sequence[Proposal], few: int) -> list[int]:
        """All places, but for those of schedules that are likely to fail where there are enough others."""
        chances = self.learner.feasible([one.schedule for one in proposals])
        likely = [place for place, chance in enumerate(chances) if chance >= DOUBTFUL]
        return likely if len(likely) >= few else list(range(len(proposals)))

    def _gains(
        self, proposals: Sequence[Proposal], places: Sequence[int], close: Callable[[Sequence[Proposal]], dict[int, Near]]
    ) -> dict[int, float]:
        """What may be gained on the fastest schedule by those at the places that are `close` to a fast one."""
        found = {places[number]: near for number, near in close([proposals[place] for place in places]).items()}
        if not found:
            return {}
        fast = self._neighbours.fastest
        schedules = [*(near.one.schedule for near in fast), *(proposals[place].schedule for place in found)]
        rows = self.learner.features(schedules)
        seconds = stage_seconds(self.learner.model, rows)
        stages = [stages_of(own) for own in rows]
        of_fast = {near.where: own for near, own in zip(fast, stages, strict=False)}
        return {
            place: expected_improvement(difference(own, of_fast[near.where], seconds), near.seconds / fast[0].seconds)
            for (place, near), own in zip(found.items(), stages[len(fast) :], strict=True)
        }

    def _drawn(self, weights: Mapping[int, float], few: int) -> list[int]:
        """So few of the places, drawn by their weights."""
        places = list(weights)
        order = in_order_drawn([max(weights[place], LEAST_GAIN) for place in places], self._random)
        return [places[number] for number in order[:few]]

    def _share(self, few: int, share: float) -> int:
        """How many of so few a share comes to this time."""
        return sum(self._random.random() < share for _ in range(few))

    def _different(self, proposals: Sequence[Proposal], few: int) -> list[int]:
        """The places of the first `few` that the model can tell apart (the others hardly differ in what they do): most of
        them, but not all, with their Funcs computed and stored at the same levels where there are others, and, where nothing
        better was found for long, no more than half of one style."""
        seen: set[bytes] = set()
        alike: Counter[Places] = Counter()
        styles: Counter[Option | None] = Counter()
        most = OF_A_STYLE * few if self._stale else few
        chosen: list[int] = []
        aside: list[int] = []
        every = self.learner.features([proposal.schedule for proposal in proposals])
        for place, (proposal, features) in enumerate(zip(proposals, every, strict=True)):
            if len(chosen) == few:
                break
            rows = features.tobytes()
            if rows in seen:
                continue
            seen.add(rows)
            where, style = placement(proposal.schedule), proposal.trace.by_key.get(STYLE)
            if alike[where] < ALIKE * few and (style is None or styles[style] < most):
                alike[where] += 1
                styles[style] += 1
                chosen.append(place)
            else:
                aside.append(place)
        return chosen + aside[: few - len(chosen)]
