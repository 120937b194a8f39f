"""Signed paths about closed positions."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.wire import routes_records as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.faults import FaultPlane
from tests.unit.exchange.wire.asking import ask, code_of
from tests.unit.exchange.wire.conftest import SCENARIO
from tests.unit.exchange.wire.test_closing import trade


def test_closed_profit_by_symbol_and_page(api: Api) -> None:
    for _ in range(3):
        trade(api.exchange, Side.BUY, "0.01")
        trade(api.exchange, Side.SELL, "0.01")
    trade(api.exchange, Side.BUY, "0.1", InstrumentId("bybit:linear:BTCPERP"))
    assert len(ask(routes.closed_pnl, api, category="linear")["list"]) == 4
    first = ask(routes.closed_pnl, api, category="linear", symbol="BTCUSDT", limit=2)
    rest = ask(routes.closed_pnl, api, category="linear", symbol="BTCUSDT", limit=2, cursor=first["nextPageCursor"])
    ids = [row["orderId"] for row in (*first["list"], *rest["list"])]
    assert len(set(ids)) == 3
    assert ask(routes.closed_pnl, api, category="inverse")["list"] == []
    assert code_of(routes.closed_pnl, api, category="option") == 10001
    assert code_of(routes.closed_pnl, api, category="linear", symbol="NOPE") == 10001
    assert code_of(routes.closed_pnl, api, category="linear", limit=101) == 10001


@pytest.fixture
def expired() -> Api:
    """An exchange on which the book's Bitcoin option expired."""
    spec = msgspec.structs.replace(SCENARIO.underlyings[0], option_expiries_s=(20.0,))
    account = msgspec.structs.replace(
        SCENARIO.accounts[0],
        positions=tuple(
            msgspec.structs.replace(one, instrument=one.instrument.replace("/1/", "/0/"))
            for one in SCENARIO.accounts[0].positions
        ),
    )
    scenario = msgspec.structs.replace(
        SCENARIO, underlyings=(spec, *SCENARIO.underlyings[1:]), accounts=(account, *SCENARIO.accounts[1:])
    )
    import time

    exchange = Exchange(scenario, time.time_ns() - 30_000_000_000)
    exchange.advance(time.time_ns())
    return Api(exchange, FaultPlane(SCENARIO.weather, 1))


def test_a_delivery_is_recorded(expired: Api) -> None:
    (row,) = ask(routes.delivery_record, expired, category="option")["list"]
    symbol = row["symbol"]
    assert (row["side"], row["position"]) == ("Buy", "1")
    assert Decimal(row["strike"]) == Decimal(symbol.split("-")[2])
    listing = expired.find("option", symbol)
    assert listing is not None
    assert Decimal(row["deliveryPrice"]) == listing.settlement_price
    expiry = symbol.split("-")[1]
    assert len(ask(routes.delivery_record, expired, category="option", expDate=expiry)["list"]) == 1
    assert ask(routes.delivery_record, expired, category="option", expDate="1JAN20")["list"] == []
    assert ask(routes.delivery_record, expired, category="linear")["list"] == []
    (closed,) = ask(routes.closed_positions, expired, category="option")["list"]
    assert (closed["symbol"], closed["deliveryPrice"]) == (symbol, row["deliveryPrice"])


def test_no_session_settles(api: Api) -> None:
    assert ask(routes.settlement_record, api, category="linear")["list"] == []
    assert code_of(routes.settlement_record, api, category="inverse") == 10001
