"""The truth adds up by itself."""

from decimal import Decimal
from typing import Any

import orjson

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.types import OrderRequest, OrderType
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.truth import truth


def test_executions_sum_to_positions_and_orders_name_their_clients(api: Api) -> None:
    for side, qty in ((Side.BUY, "0.5"), (Side.SELL, "0.2")):
        api.exchange.place(
            OrderRequest(
                account="book",
                instrument=InstrumentId("bybit:linear:BTCUSDT"),
                side=side,
                type=OrderType.MARKET,
                qty_contracts=Decimal(qty),
                client_id=f"c-{side}",
            )
        )
    content: dict[str, Any] = orjson.loads(orjson.dumps(truth(api)))
    book = content["accounts"]["book"]
    signed = sum(
        Decimal(one["qty_contracts"]) * (1 if one["side"] == "buy" else -1)
        for one in book["executions"]
        if one["instrument"].endswith("BTCUSDT")
    )
    held = {one["instrument"]: Decimal(one["contracts"]) for one in book["positions"]}
    assert held["bybit:linear:BTCUSDT"] == signed == Decimal("0.3")
    assert [one["client_id"] for one in book["orders"]] == ["c-buy", "c-sell"]
    assert {one["order"]["client_id"] for one in book["executions"]} == {"c-buy", "c-sell"}
    assert content["accounts"]["other"]["orders"] == []
    assert (content["client_flow"], content["crashes"]) == (False, 0)
    assert set(content["index"]) == {"BTC", "ETH"}


def test_open_orders_are_in_it(api: Api) -> None:
    api.exchange.place(
        OrderRequest(
            account="book",
            instrument=InstrumentId("bybit:linear:BTCUSDT"),
            side=Side.BUY,
            type=OrderType.LIMIT,
            limit_price=Decimal(88_000),
            qty_contracts=Decimal("0.1"),
        )
    )
    accounts: dict[str, Any] = orjson.loads(orjson.dumps(truth(api)))["accounts"]
    assert [(one["status"], one["limit_price"]) for one in accounts["book"]["orders"]] == [("open", "88000")]
