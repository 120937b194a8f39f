"""Models side by side: the hedge, the move to be borne, and accounts whose numbers cannot be."""

import msgspec
import pytest

from hedgebot.daemon.risk_files import read_registry
from hedgebot.domain.errors import DataError
from hedgebot.domain.riskbook import AccountPoint, LegKind, RiskBook
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.comparison import Row, compare, equity_to_bear, standing, standings
from hedgebot.margin.positions import books_of
from hedgebot.margin.registry import Registry
from tests.support.riskbooks import book, coins, option


@pytest.fixture(scope="module")
def models() -> Registry:
    return read_registry()


def hedged() -> RiskBook:
    """One bitcoin owned, sold in a perpetual."""
    short = msgspec.structs.replace(coins("BTC", -1.0), is_hedge=True)
    return book(coins("BTC", 1.0, kind=LegKind.COINS), short, prices={"BTC": 100_000.0})


def rows(one: RiskBook, models: Registry, move: float = 0.1) -> dict[tuple[str, MarginMode], Row]:
    return {(row.venue, row.mode): row for row in compare(one, models, move=move, days_max=90)}


def test_isolated_must_bear_its_own_loss_and_cross_the_sum(models: Registry) -> None:
    found = rows(hedged(), models)
    isolated, cross = found["bybit", MarginMode.ISOLATED], found["bybit", MarginMode.CROSS]
    assert isolated.need == cross.need
    # Ten percent up on the short, and the margin of what it is then worth.
    assert isolated.bear == pytest.approx(10_000.0 + 0.005 * 110_000.0)
    assert cross.bear == pytest.approx(0.005 * 110_000.0)
    # Without the hedge the coins lose by themselves, and need no margin.
    assert cross.bear_without == pytest.approx(10_000.0)
    assert cross.hedge_saves == pytest.approx(10_000.0 - 550.0)
    assert cross.hedge_adds == pytest.approx(500.0)


def test_two_underlyings_move_alone_and_together(models: Registry) -> None:
    pair = books_of(book(coins("ETH", 25.0), coins("BTC", -1.0)))
    bear = equity_to_bear(models.of("hyperliquid", MarginMode.CROSS), pair, 0.1)
    # Together they cancel; each alone loses 10,000.
    assert bear == pytest.approx(10_000.0 + 0.0125 * 110_000.0 + 0.02 * 100_000.0)


def test_every_mode_has_a_row_or_a_reason(models: Registry) -> None:
    found = rows(book(option("BTC", -1.0, price=100_000.0, strike=120_000.0)), models)
    assert "is an option" in found["okx", MarginMode.PORTFOLIO].problem
    assert found["okx", MarginMode.PORTFOLIO].need is None
    assert found["okx", MarginMode.CROSS].problem.startswith("no model: its tiers")
    assert found["delta", MarginMode.PORTFOLIO].problem.startswith("no model: its risk matrix")
    deribit = found["deribit", MarginMode.PORTFOLIO]
    assert deribit.need is not None
    assert deribit.without is None  # nothing is marked as hedge
    assert not book(coins("BTC", 1.0)).has_hedge


def test_old_parameters_are_marked(models: Registry) -> None:
    found = rows(book(coins("BTC", 1.0)), models)
    assert found["binance", MarginMode.CROSS].age_problem.endswith("days old, limit 90")
    assert found["kraken", MarginMode.CROSS].age_problem == "undated"
    assert found["bybit", MarginMode.CROSS].age_problem == ""


def account(one: RiskBook, **fields: object) -> RiskBook:
    known = {"account": "main", "equity_usd": 50_000.0, "maintenance_margin_usd": 100.0, "venue": "bybit"}
    point = msgspec.convert(known | {"margin_mode": "cross"} | fields, AccountPoint)
    return msgspec.structs.replace(one, accounts=(point,))


def test_the_larger_number_rules(models: Registry) -> None:
    one = book(coins("BTC", 1.0), prices={"BTC": 100_000.0})
    (low,) = standings(account(one), models)
    assert low.use == pytest.approx(500.0 / 50_000.0)
    assert standing(account(one, maintenance_margin_usd=5_000.0), models, "main").use == pytest.approx(0.1)


def test_no_margin_in_portfolio_mode_is_unknown_and_not_zero(models: Registry) -> None:
    held = book(coins("BTC", 1.0))
    found = standing(account(held, margin_mode="portfolio", maintenance_margin_usd=0.0), models, "main")
    assert (found.maintenance, found.use) == (None, None)
    assert "unknown, not zero" in found.problem
    flat = book(coins("BTC", 1.0, kind=LegKind.COINS))
    none = standing(account(flat, margin_mode="portfolio", maintenance_margin_usd=0.0), models, "main")
    assert (none.use, none.problem) == (0.0, "")


@pytest.mark.parametrize("equity", [0.0, -5.0])
def test_without_equity_any_margin_is_too_much(models: Registry, equity: float) -> None:
    found = standing(account(book(coins("BTC", 1.0)), equity_usd=equity), models, "main")
    assert found.use == float("inf")
    assert "no equity is left" in found.problem


def test_an_account_that_no_model_fits_says_why(models: Registry) -> None:
    one = book(coins("BTC", 1.0))
    assert "does not say its venue" in standing(one, models, "main").problem
    assert "no margin model of okx cross" in standing(account(one, venue="okx"), models, "main").problem
    with pytest.raises(DataError, match="margin_mode is 'both', it must be one of isolated, cross, portfolio"):
        standing(account(one, margin_mode="both"), models, "main")


def test_a_watched_account_shows_the_venues_number_and_no_model_of_an_empty_book(models: Registry) -> None:
    one = account(book(coins("BTC", 1.0)), watched=True, equity_usd=1_000.0, maintenance_margin_usd=500.0)
    found = standing(one, models, "main")
    assert (found.use, found.model, found.need) == (0.5, None, None)
    assert found.problem.startswith("only watched")
