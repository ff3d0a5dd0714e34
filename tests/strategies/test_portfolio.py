"""A portfolio gives more of the trials to the member whose proposals are better."""

from __future__ import annotations

from statistics import mean, median

from autosearch.choices import FirstChooser, Proposal, Replay, draw
from autosearch.strategies import STRATEGIES
from autosearch.strategies.bandit import LEAST
from autosearch.strategies.base import Predict, Strategy
from autosearch.strategies.portfolio import LIKELY, OPENING, Portfolio
from autosearch.strategies.random import Random
from autosearch.testing.synthetic import Synthetic, measured, noisy_model

SPACE = Synthetic(6)


class Fixed(Random):
    """Random proposals that all have the same factor."""

    def __init__(self, seed: int, factor: int) -> None:
        super().__init__(SPACE, seed)
        self.factors = {f"f{number}.0/tile0/x": factor for number in range(SPACE.funcs)}

    def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
        """See `Strategy.propose`."""
        answers = [{**proposal.trace.by_key, **self.factors} for proposal in super().propose(n)]
        return [draw(SPACE, Replay(one, FirstChooser())) for one in answers]


def _after(rounds: int, members: dict[str, Strategy]) -> dict[str, float]:
    portfolio = Portfolio(members, 1)
    for _ in range(rounds):
        portfolio.observe(measured(portfolio.propose(16)))
    return portfolio.shares


def test_the_better_member_gets_more_and_none_gets_nothing() -> None:
    shares = _after(15, {"good": Fixed(1, 16), "bad": Fixed(2, 4)})
    assert shares["good"] > 2 * shares["bad"]
    assert shares["bad"] >= LEAST / 2


def test_no_member_is_starved_from_the_first_batch_on() -> None:
    """A cost model chooses among what it gets: of each member there is something in every large batch."""
    strategy = STRATEGIES["portfolio"](SPACE, 0)
    assert isinstance(strategy, Portfolio)
    for _ in range(5):
        proposals = strategy.propose(64, noisy_model())
        assert len(proposals) == 64
        strategy.observe(measured(proposals[:8]))
    assert min(strategy.shares.values()) >= LEAST / len(strategy.shares)
    assert list(strategy.shares) == ["genetic", "tree", "bayesian", "beam", "local"]


def test_shares_add_up() -> None:
    for rounds in (0, 1, 7):
        shares = _after(rounds, {name: Random(SPACE, seed) for seed, name in enumerate("abc")})
        assert abs(sum(shares.values()) - 1.0) < 1e-9


def test_where_one_has_no_more_to_propose_the_others_fill_in() -> None:
    class Empty(Random):
        def propose(self, n: int, predict: Predict | None = None) -> list[Proposal]:
            return []

    portfolio = Portfolio({"empty": Empty(SPACE, 0), "other": Random(SPACE, 1)}, 0)
    assert len(portfolio.propose(12)) == 12


def test_without_a_cost_model_it_chooses_by_what_it_has_learned() -> None:
    """Members that only draw at random, and yet what is proposed gets faster."""
    portfolio = Portfolio({name: Random(SPACE, seed) for seed, name in enumerate("ab")}, 0)
    drawn = [one.seconds for one in measured(Random(SPACE, 7).propose(64)) if one.seconds is not None]
    for _ in range(8):
        portfolio.observe(measured(portfolio.propose(16)))
    chosen = [one.seconds for one in measured(portfolio.propose(64)) if one.seconds is not None]
    assert median(chosen) < 0.8 * median(drawn)


def test_it_opens_with_what_an_expert_would_try_unless_there_is_a_cost_model() -> None:
    """Most of the first schedules, until so many were measured; a cost model chooses by itself from the first on."""
    opening = Fixed(3, 4)

    def opened(portfolio: Portfolio, predict: Predict | None = None) -> float:
        proposals = portfolio.propose(OPENING // 2, predict)
        assert len({one.schedule.digest for one in proposals}) == OPENING // 2
        portfolio.observe(measured(proposals))
        return mean(all(one.trace.by_key[key] == 4 for key in opening.factors) for one in proposals)

    portfolio = Portfolio({"any": Random(SPACE, 1)}, 0, opening)
    shares = [opened(portfolio) for _ in range(4)]
    assert all(abs(share - LIKELY) < 0.25 for share in shares[:2]) and shares[2:] == [0.0, 0.0]
    assert opened(Portfolio({"any": Random(SPACE, 1)}, 0, Fixed(3, 4)), noisy_model()) == 0.0
