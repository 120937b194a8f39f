"""Orders and executions: priority of ids, windows, closed orders."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import OrderRequest, OrderType
from hedgebot.exchange.wire import routes_history as routes
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.params import DAY_MS, Params


def place(api: Api, client_id: str, instrument: str = "linear:BTCUSDT", price: str | None = None) -> None:
    api.exchange.place(
        OrderRequest(
            account="book",
            instrument=InstrumentId(f"bybit:{instrument}"),
            side=Side.BUY,
            type=OrderType.LIMIT if price else OrderType.MARKET,
            qty_contracts=Decimal("0.01"),
            limit_price=Decimal(price) if price else None,
            client_id=client_id,
        )
    )


def links(handler: Any, api: Api, **values: Any) -> list[str]:
    return [row["orderLinkId"] for row in handler(api, "book", Params(values))["list"]]


LINEAR = {"category": "linear", "symbol": "BTCUSDT"}


def test_open_orders_newest_first(api: Api) -> None:
    for number in range(3):
        place(api, f"open-{number}", price="88000")
    place(api, "done")
    assert links(routes.realtime, api, **LINEAR) == ["open-2", "open-1", "open-0"]
    assert links(routes.realtime, api, **LINEAR, openOnly=1) == ["done"]
    assert links(routes.realtime, api, category="linear", settleCoin="USDC") == []
    assert links(routes.realtime, api, category="spot") == []


def test_an_id_finds_open_and_ended_orders_in_its_category(api: Api) -> None:
    place(api, "open", price="88000")
    place(api, "done")
    assert links(routes.realtime, api, category="linear", orderLinkId="open") == ["open"]
    assert links(routes.realtime, api, category="linear", orderLinkId="done") == ["done"]
    assert links(routes.realtime, api, category="spot", orderLinkId="done") == []
    # An order id, even one that nobody has, comes before the client id.
    assert links(routes.realtime, api, category="linear", orderId="None", orderLinkId="open") == []


def test_a_restart_empties_what_ended_but_not_the_history(api: Api) -> None:
    place(api, "done")
    api.closed_since_ns = api.exchange.now_ns
    assert links(routes.realtime, api, category="linear", orderLinkId="done") == []
    assert links(routes.history, api, category="linear", orderLinkId="done") == ["done"]


def test_history_by_status_and_window(api: Api) -> None:
    place(api, "done")
    place(api, "dead", price="88000")
    api.exchange.cancel("book", InstrumentId("bybit:linear:BTCUSDT"), client_id="dead")
    assert links(routes.history, api, **LINEAR) == ["dead", "done"]
    assert links(routes.history, api, **LINEAR, orderStatus="Cancelled") == ["dead"]
    old_ms = api.venue_ms - 9 * DAY_MS
    assert links(routes.history, api, **LINEAR, startTime=old_ms) == []


def test_linear_needs_a_narrower_question(api: Api) -> None:
    with pytest.raises(WireError, match="10001"):
        routes.realtime(api, "book", Params({"category": "linear"}))


def test_executions_by_id_category_and_type(api: Api) -> None:
    place(api, "perp")
    place(api, "spot", "spot:BTCUSDT")
    assert set(links(routes.execution_list, api, category="linear")) == {"perp"}
    assert set(links(routes.execution_list, api, category="spot")) == {"spot"}
    assert set(links(routes.execution_list, api, category="linear", orderLinkId="perp", symbol="ETHUSDT")) == {"perp"}
    assert links(routes.execution_list, api, category="linear", execType="Funding") == []
    assert links(routes.execution_list, api, category="linear", baseCoin="ETH") == []
    with pytest.raises(WireError):
        links(routes.execution_list, api, category="linear", execType="Gift")
    with pytest.raises(WireError):
        links(routes.execution_list, api, category="linear", limit=101)


def test_other_accounts_see_nothing(api: Api) -> None:
    place(api, "mine", price="88000")
    place(api, "done")
    assert routes.realtime(api, "other", Params(LINEAR))["list"] == []
    assert routes.execution_list(api, "other", Params(LINEAR))["list"] == []
