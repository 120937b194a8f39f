"""Portfolio margins of a whole book: each venue's parts by hand, and what they refuse."""

import numpy as np
import pytest

from hedgebot.daemon.risk_files import read_registry, read_tiers
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.bybit_portfolio import days_counted, portfolio_margin
from hedgebot.margin.positions import CoinBook, Line, books_of, option_deltas
from hedgebot.margin.registry import Registry
from hedgebot.margin.tiers import short_option_maintenance
from hedgebot.margin.venue_models import NotCoveredError, VenueModel
from hedgebot.margin.venue_scenarios import bybit_scenarios, bybit_tiered, legs_of
from hedgebot.pricing import black76
from tests.support.riskbooks import book, coins, option


@pytest.fixture(scope="module")
def models() -> Registry:
    return read_registry()


def portfolio(models: Registry, venue: str) -> VenueModel:
    return models.of(venue, MarginMode.PORTFOLIO)


def test_bybit_portfolio_counts_begun_days_and_the_contingency() -> None:
    held = books_of(book(option("BTC", -2.0, price=100_000.0, strike=110_000.0, days=9.3), coins("BTC", 1.0)))["BTC"]
    parameters = read_tiers()
    days = np.array([days_counted(one) for one in held.options.years])
    assert days.tolist() == [10.0]
    legs = legs_of(held)
    counted = type(legs.options)(
        **{name: getattr(legs.options, name) for name in legs.options.__slots__} | {"days": days}
    )
    wanted = portfolio_margin(parameters.portfolio, legs_of(held, counted), index=100_000.0)
    found = bybit_scenarios(parameters, "BTC", held)
    assert (found.initial, found.maintenance) == (wanted.initial, wanted.maintenance)
    assert wanted.futures_contingency == pytest.approx(0.0003 * 100_000.0)


def test_bybit_cross_adds_short_options_to_ladders_in_coin_and_usd() -> None:
    parameters = read_tiers()
    held = books_of(book(option("BTC", -2.0, price=100_000.0, strike=110_000.0)))["BTC"]
    mark = float(held.options.base[0])
    options = 2.0 * short_option_maintenance(parameters.short_option, 100_000.0, mark)
    lines = (Line("linear", 1.0, 100_000.0), Line("inverse", -1.0, 100_000.0, is_inverse=True))
    found = bybit_tiered(parameters, "BTC", held._replace(lines=lines))
    ladders = parameters.ladder("BTC", is_inverse=False).maintenance(100_000.0)
    ladders += parameters.ladder("BTC", is_inverse=True).maintenance(1.0) * 100_000.0
    assert found.maintenance == pytest.approx(options + ladders)


def test_deribit_shocks_the_delta_of_a_very_large_position(models: Registry) -> None:
    def need(coins_held: float) -> float:
        held = {"BTC": CoinBook(100_000.0, (Line("perp", coins_held, 100_000.0),))}
        return portfolio(models, "deribit").total(held).maintenance

    # 16 % and 1 % of roll; above 20M USD of delta the shock at its cap of 10 % comes on top.
    assert need(100.0) == pytest.approx(0.8 * 0.17 * 10e6)
    assert need(300.0) == pytest.approx(0.8 * 0.27 * 30e6)


def test_a_long_option_is_worth_no_more_than_its_loss(models: Registry) -> None:
    held = books_of(book(option("BTC", 1.0, price=100_000.0, strike=100_000.0)))
    worth = float(held["BTC"].options.base[0])
    need = portfolio(models, "deribit").total(held)
    assert need.initial is not None
    # What it can lose, and the roll shock of its delta.
    assert need.initial <= worth + 0.02 * 100_000.0


def deribit_options(
    *, in_coin: bool, qty: float = 1.0, strike: float = 100_000.0, forward: float = 110_000.0
) -> CoinBook:
    """One option on an index of 100,000 whose expiry's forward is 10 % above it."""
    held = books_of(book(option("BTC", qty, price=forward, strike=strike)))["BTC"]
    return held._replace(index_usd=100_000.0, coin_settled=(True,), in_coin=in_coin)


def test_an_option_that_is_paid_in_coin_loses_coins(models: Registry) -> None:
    """By hand: its value at each cell's forward in coins, less what it is worth in coins now."""
    held = deribit_options(in_coin=True, qty=-1.0, strike=105_000.0)
    legs = held.options
    now, years = black76.price(legs.forward, legs.strike, legs.years, legs.vol, legs.is_call), float(legs.years[0])
    term = 1.0 + 0.5 * (30.0 / (years * 365.0)) ** (0.3 if years * 365.0 <= 30.0 else 0.13)
    after = black76.price(legs.forward * 1.16, legs.strike, legs.years, np.maximum(legs.vol * term, 0.5), legs.is_call)
    lost = float(after[0] / (legs.forward[0] * 1.16) - now[0] / legs.forward[0])
    delta = float(option_deltas(legs)[0])
    roll = abs(delta) * max(0.01, float(np.exp(0.075 * years)) - 1.0)
    need = portfolio(models, "deribit").total({"BTC": held})
    assert need.at_least == pytest.approx(0.8 * (lost + roll) * 100_000.0, rel=1e-6)


def test_a_call_that_is_nothing_but_coins_loses_none_of_them_and_its_value_in_usd(models: Registry) -> None:
    own = portfolio(models, "deribit").total({"BTC": deribit_options(in_coin=True, strike=100.0)})
    in_usd = deribit_options(in_coin=False, strike=100.0)._replace(coin_settled=())
    whole = portfolio(models, "deribit").total({"BTC": in_usd})
    assert own.maintenance < 0.8 * 0.03 * 100_000.0, "only its delta rolls"
    assert whole.maintenance > 0.8 * 0.16 * 100_000.0, "a fall takes a sixth of what the coins are worth"


def test_a_currency_by_itself_needs_parameters_in_its_coin(models: Registry) -> None:
    held = {"SOL": deribit_options(in_coin=True)}
    with pytest.raises(NotCoveredError, match="has no parameters in coin of SOL"):
        portfolio(models, "deribit").total(held)


def test_gains_of_one_currency_may_take_something_off_anothers_loss(models: Registry) -> None:
    lines = {
        coin: CoinBook(price, (Line("perp", size, price),))
        for coin, price, size in (("BTC", 100_000.0, 10.0), ("ETH", 4_000.0, -100.0))
    }
    model = portfolio(models, "deribit")
    need = model.total(lines)
    assert need.maintenance == pytest.approx(0.8 * (0.17 * 1e6 + 0.19 * 4e5))
    # ETH's gains count to 40 %, BTC's not at all; alone nothing is offset.
    assert need.at_least == pytest.approx(need.maintenance - 0.8 * 0.4 * 0.18 * 4e5)
    assert model.total({"ETH": lines["ETH"]}).least is None


def test_okx_takes_mark_for_charges_and_index_for_shocks(models: Registry) -> None:
    held = {"BTC": CoinBook(100_000.0, (Line("perp", 1.0, 101_000.0), Line("future", -0.5, 99_000.0)))}
    need = portfolio(models, "okx").total(held)
    shock, charge = 0.5 * 100_000.0 * 0.12, (101_000.0 + 49_500.0) * 0.002
    assert need.maintenance == pytest.approx(shock + charge)
    assert need.initial == pytest.approx(1.3 * (shock + charge))


def test_derive_knows_perpetuals_and_two_underlyings(models: Registry) -> None:
    derive = portfolio(models, "derive")
    with pytest.raises(NotCoveredError, match="has no parameters of SOL: it knows BTC, ETH"):
        derive.total({"SOL": CoinBook(100.0, (Line("perp", 1.0, 100.0),))})
    with pytest.raises(NotCoveredError, match="BTC is held in a dated future"):
        derive.total({"BTC": CoinBook(100.0, (Line("future", 1.0, 100.0, years=0.1),))})
    hedged = books_of(
        book(option("BTC", 1.0, price=100_000.0, strike=100_000.0), coins("BTC", -0.5), prices={"BTC": 100_000.0})
    )
    bare = books_of(book(coins("BTC", -0.5), prices={"BTC": 100_000.0}))
    assert derive.total(hedged).maintenance < derive.total(bare).maintenance


@pytest.mark.parametrize("venue", ["okx", "paradex", "deribit"])
def test_a_coin_without_parameters_is_an_error(models: Registry, venue: str) -> None:
    with pytest.raises(NotCoveredError, match="of DOGE: it knows BTC, ETH"):
        portfolio(models, venue).total({"DOGE": CoinBook(1.0, (Line("perp", 1.0, 1.0),))})
