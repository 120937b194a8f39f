"""Figures behind the market."""

import math
from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.wire import routes_statistics as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.bars import BarKind
from hedgebot.exchange.wire.codes import Answer
from hedgebot.exchange.wire.params import Params
from tests.unit.exchange.wire.asking import ask, code_of

PERP = {"category": "linear", "symbol": "BTCUSDT"}


def test_open_interest_counts_both_sides(api: Api) -> None:
    found = ask(routes.open_interest, api, **PERP, intervalTime="1h")
    row = found["list"][0]
    assert float(row["openInterest"]) == 2 * float(row["singleOpenInterest"]) > 0
    assert int(row["timestamp"]) % 3_600_000 == 0
    assert code_of(routes.open_interest, api, **PERP, intervalTime="7min") == 10001
    assert code_of(routes.open_interest, api, category="spot", symbol="BTCUSDT", intervalTime="1h") == 10001


def test_the_ratio_of_accounts(api: Api) -> None:
    even = ask(routes.account_ratio, api, **PERP, period="5min")["list"][0]
    assert (even["buyRatio"], even["sellRatio"]) == ("0.5", "0.5")
    # One account holds a short.
    short = ask(routes.account_ratio, api, category="linear", symbol="BTCPERP", period="5min")["list"][0]
    assert (short["buyRatio"], short["sellRatio"]) == ("0", "1")
    assert code_of(routes.account_ratio, api, **PERP, period="2min") == 10001


def volatility(api: Api, **values: Any) -> list[dict[str, Any]]:
    answer = routes.historical_volatility(api, "", Params({"category": "option", **values}))
    assert isinstance(answer, Answer)
    assert (answer.message, answer.beside) == ("SUCCESS", {"category": "option"})
    assert isinstance(answer.result, list)
    return answer.result


def test_volatility_is_the_markets_level_until_enough_was_seen(api: Api) -> None:
    (row,) = volatility(api)
    assert (row["period"], row["value"], int(row["time"]) % 3_600_000) == (7, "0.5", 0)
    assert volatility(api, baseCoin="DOGE") == []
    assert code_of(routes.historical_volatility, api, category="linear") == 10001
    assert code_of(routes.historical_volatility, api, category="option", period=8) == 10001
    assert code_of(routes.historical_volatility, api, category="option", startTime=1) == 10001


def test_volatility_of_what_was_seen(api: Api) -> None:
    perp = InstrumentId("bybit:linear:BTCUSDT")
    hour_ms = api.venue_ms // 3_600_000 * 3_600_000
    for minute in range(-50, 1):
        price = Decimal(90_000) * Decimal(str(math.exp(0.001 * (minute % 2))))
        api.bars.note(perp, BarKind.INDEX, hour_ms + minute * 60_000, price)
    # Every minute moves by 0.1 %: 0.001 x sqrt(525600) = 72.5 % a year.
    assert float(volatility(api)[-1]["value"]) == pytest.approx(0.001 * math.sqrt(525_600), rel=0.05)


def test_price_limits_stand_on_ticks_around_the_mark(api: Api) -> None:
    limits = ask(routes.price_limit, api, symbol="BTCUSDT")
    mark = api.exchange.ticker(InstrumentId("bybit:linear:BTCUSDT")).mark
    assert mark is not None
    assert Decimal(limits["sellLmt"]) < mark < Decimal(limits["buyLmt"])
    assert Decimal(limits["buyLmt"]) % Decimal("0.1") == 0
    assert code_of(routes.price_limit, api, category="option", symbol="BTCUSDT") == 10001
    assert code_of(routes.price_limit, api, symbol="NOPE") == 10001


def test_an_index_is_the_simulated_spot_market(api: Api) -> None:
    found = ask(routes.index_components, api, indexName="BTCUSDT")
    assert [one["weight"] for one in found["components"]] == ["1"]
    assert float(found["lastPrice"]) == pytest.approx(api.exchange.index_price("BTC"))
    assert code_of(routes.index_components, api, indexName="DOGEUSDT") == 10001


def test_nothing_has_been_delivered_yet_or_funded(api: Api) -> None:
    assert ask(routes.delivery_price, api, category="option")["list"] == []
    assert ask(routes.new_delivery_price, api, category="option", baseCoin="BTC")["list"] == []
    assert ask(routes.funding_history, api, **PERP)["list"] == []
    assert code_of(routes.funding_history, api, **PERP, startTime="5") == 10001
    dated = next(one.instrument for one in api.listings("linear") if one.instrument.expiry_ns is not None)
    assert ask(routes.funding_history, api, category="linear", symbol=dated.symbol)["list"] == []


def test_every_delivered_option_shows_its_settlement(api: Api) -> None:
    """In the money or not: the price is the underlying's, kept at delivery."""
    chain = [one.instrument for one in api.listings("option") if one.instrument.underlying == "BTC"]
    first = min(one.expiry_ns or 0 for one in chain)
    due = {one.symbol for one in chain if one.expiry_ns == first}
    world = api.exchange._world
    for market in world.coins["BTC"].options:
        if market.instrument.expiry_ns == first:
            market.deliver(Decimal("91234.5"))
    found = ask(routes.delivery_price, api, category="option")["list"]
    assert {row["symbol"] for row in found} == due
    assert {row["deliveryPrice"] for row in found} == {"91234.5"}
    assert {row["deliveryTime"] for row in found} == {str(first // 1_000_000)}
    (one,) = ask(routes.delivery_price, api, category="option", symbol=min(due))["list"]
    assert one["symbol"] == min(due)
    assert ask(routes.delivery_price, api, category="option", baseCoin="ETH")["list"] == []
    (by_expiry,) = ask(routes.new_delivery_price, api, category="option", baseCoin="BTC")["list"]
    assert by_expiry == {"deliveryPrice": "91234.5", "deliveryTime": str(first // 1_000_000)}
