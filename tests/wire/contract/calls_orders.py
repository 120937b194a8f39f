"""Contract tests of orders: what was sent, what the client made of the answer, and what the venue did."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from tests.wire.contract.stage import Stage
from tests.wire.contract.table import contract


def _qty(stage: Stage) -> Decimal:
    return Decimal(str(stage.product.amount))


def _sent(stage: Stage, path: str, link: str) -> dict[str, object]:
    """The order as the venue received it."""
    return stage.asked(path, orderLinkId=link)


def _rests(stage: Stage, link: str, price: float, amount: float | None = None) -> None:
    order = stage.order(link)
    qty = Decimal(str(amount or stage.product.amount))
    assert (order.status, order.side, order.qty_contracts) == (OrderStatus.OPEN, Side.BUY, qty)
    assert (order.limit_price, order.instrument) == (Decimal(str(price)), stage.id)


def _filled(stage: Stage, link: str, before: Decimal) -> None:
    order = stage.order(link)
    assert (order.status, order.filled_contracts) == (OrderStatus.FILLED, _qty(stage))
    fee = order.fee if stage.is_spot else Decimal(0)
    assert stage.held() == before + order.side.sign * _qty(stage) - fee


@contract("createOrder")
async def create_order(stage: Stage) -> None:
    link, price, before = stage.link(), stage.far_price(), stage.held()
    params = {"orderLinkId": link, "timeInForce": "GTC"}
    made = await stage.client.create_order(stage.symbol, "limit", "buy", stage.product.amount, price, params)
    sent = _sent(stage, "order/create", link)
    expected = {"symbol": stage.instrument.symbol, "side": "Buy", "orderType": "Limit", "timeInForce": "GTC"}
    assert expected.items() <= sent.items()
    assert Decimal(str(sent["qty"])) == _qty(stage)
    assert (made["id"], made["clientOrderId"]) == (stage.order(link).order_id, link)
    _rests(stage, link, price)
    taken = await stage.buy()
    assert _sent(stage, "order/create", taken)["orderType"] == "Market"
    assert "timeInForce" not in _sent(stage, "order/create", taken)
    _filled(stage, taken, before)
    with pytest.raises(ccxt.InvalidOrder):
        await stage.rest(link)  # an id is used once


@contract("createLimitOrder")
async def create_limit_order(stage: Stage) -> None:
    link, price = stage.link(), stage.far_price()
    await stage.client.create_limit_order(stage.symbol, "buy", stage.product.amount, price, {"orderLinkId": link})
    assert Decimal(str(_sent(stage, "order/create", link)["price"])) == Decimal(str(price))
    _rests(stage, link, price)


@contract("createMarketOrder")
async def create_market_order(stage: Stage) -> None:
    link, before = stage.link(), stage.held()
    await stage.client.create_market_order(stage.symbol, "sell", stage.product.amount, None, {"orderLinkId": link})
    assert _sent(stage, "order/create", link)["side"] == "Sell"
    order = stage.order(link)
    assert order.status is OrderStatus.FILLED
    assert stage.held() == before - _qty(stage)


@contract("createPostOnlyOrder")
async def create_post_only_order(stage: Stage) -> None:
    link, price = stage.link(), stage.far_price()
    await stage.client.create_post_only_order(
        stage.symbol, "limit", "buy", stage.product.amount, price, {"orderLinkId": link}
    )
    assert _sent(stage, "order/create", link)["timeInForce"] == "PostOnly"
    assert stage.order(link).time_in_force is TimeInForce.POST_ONLY
    _rests(stage, link, price)


@contract("createReduceOnlyOrder")
async def create_reduce_only_order(stage: Stage) -> None:
    await stage.buy()
    link, before = stage.link(), stage.held()
    side = "sell" if before > 0 else "buy"
    await stage.client.create_reduce_only_order(
        stage.symbol, "market", side, stage.product.amount, None, {"orderLinkId": link}
    )
    assert _sent(stage, "order/create", link)["reduceOnly"] is True
    assert stage.order(link).reduce_only
    assert abs(stage.held()) == abs(before) - _qty(stage)
    other = "buy" if side == "sell" else "sell"
    with pytest.raises(ccxt.InvalidOrder, match="110017"):
        await stage.client.create_reduce_only_order(stage.symbol, "market", other, stage.product.amount)


@contract("createMarketBuyOrderWithCost")
async def create_market_buy_order_with_cost(stage: Stage) -> None:
    made = await stage.client.create_market_buy_order_with_cost(stage.symbol, 900)
    order = stage.exchange.order("book", order_id=made["id"])
    assert order is not None
    # The venue counts a market purchase of coins in quote unless told otherwise (`marketUnit`).
    sent = stage.asked("order/create")
    assert (sent["qty"], sent.get("marketUnit", "quoteCoin")) == ("900", "quoteCoin")
    assert float(order.filled_value) == pytest.approx(900, rel=0.01)


@contract("createMarketSellOrderWithCost")
async def create_market_sell_order_with_cost(stage: Stage) -> None:
    made = await stage.client.create_market_sell_order_with_cost(stage.symbol, 900)
    order = stage.exchange.order("book", order_id=made["id"])
    assert order is not None
    assert (stage.asked("order/create")["marketUnit"], order.side) == ("quoteCoin", Side.SELL)
    assert float(order.filled_value) == pytest.approx(900, rel=0.01)


def _wish(stage: Stage, link: str, **more: Any) -> dict[str, Any]:
    wish = {"symbol": stage.symbol, "type": "limit", "side": "buy", "amount": stage.product.amount}
    return {**wish, "price": stage.far_price(), "params": {"orderLinkId": link}, **more}


def _batch(stage: Stage, path: str) -> int:
    """How many orders stood in the one batch that reached the path."""
    (asked,) = stage.seen(path, category=stage.product.category)
    request = asked["request"]
    assert isinstance(request, list)
    return len(request)


@contract("createOrders")
async def create_orders(stage: Stage) -> None:
    links = [stage.link(), stage.link()]
    wishes = [_wish(stage, link) for link in links]
    made = await stage.client.create_orders(wishes)
    assert [one["clientOrderId"] for one in made] == links
    assert _batch(stage, "order/create-batch") == 2
    for link, wish in zip(links, wishes, strict=True):
        _rests(stage, link, wish["price"])


@contract("createOrderWs")
async def create_order_ws(stage: Stage) -> None:
    link, price = stage.link(), stage.far_price()
    made = await stage.client.create_order_ws(
        stage.symbol, "limit", "buy", stage.product.amount, price, {"orderLinkId": link}
    )
    assert _sent(stage, "order/create", link)["orderType"] == "Limit"
    assert (made["id"], made["clientOrderId"]) == (stage.order(link).order_id, link)
    _rests(stage, link, price)
    assert [one.account for one in stage.venue.server.sessions.chosen("trade")] == ["book"]


@contract("createLimitOrderWs")
async def create_limit_order_ws(stage: Stage) -> None:
    link, price = stage.link(), stage.far_price()
    await stage.client.create_limit_order_ws(stage.symbol, "buy", stage.product.amount, price, {"orderLinkId": link})
    _rests(stage, link, price)
    assert len(stage.venue.server.sessions.chosen("trade")) == 1


@contract("createMarketOrderWs")
async def create_market_order_ws(stage: Stage) -> None:
    link, before = stage.link(), stage.held()
    await stage.client.create_market_order_ws(stage.symbol, "buy", stage.product.amount, None, {"orderLinkId": link})
    assert _sent(stage, "order/create", link)["orderType"] == "Market"
    _filled(stage, link, before)


def _lower(stage: Stage) -> float:
    """Another price at which a purchase rests, on the tick."""
    return stage.far_price() + 2 * float(stage.instrument.tick_size)


@contract("editOrder")
async def edit_order(stage: Stage) -> None:
    link = await stage.rest()
    amount, price = stage.product.amount * 2, _lower(stage)
    edited = await stage.client.edit_order(stage.order(link).order_id, stage.symbol, "limit", "buy", amount, price)
    assert Decimal(str(stage.asked("order/amend", orderId=edited["id"])["qty"])) == Decimal(str(amount))
    _rests(stage, link, price, amount)


@contract("editOrders")
async def edit_orders(stage: Stage) -> None:
    links = [await stage.rest(), await stage.rest()]
    amount, price = stage.product.amount * 2, _lower(stage)
    wishes = [
        _wish(stage, link, id=stage.order(link).order_id, amount=amount, price=price, params={}) for link in links
    ]
    await stage.client.edit_orders(wishes)
    assert _batch(stage, "order/amend-batch") == 2
    for link in links:
        _rests(stage, link, price, amount)


@contract("editOrderWs")
async def edit_order_ws(stage: Stage) -> None:
    link = await stage.rest()
    amount, price = stage.product.amount * 2, _lower(stage)
    await stage.client.edit_order_ws(stage.order(link).order_id, stage.symbol, "limit", "buy", amount, price)
    stage.asked("order/amend", orderId=stage.order(link).order_id)
    _rests(stage, link, price, amount)
    assert len(stage.venue.server.sessions.chosen("trade")) == 1


@contract("cancelOrder")
async def cancel_order(stage: Stage) -> None:
    by_id, by_link = await stage.rest(), await stage.rest()
    order_id = stage.order(by_id).order_id
    gone = await stage.client.cancel_order(order_id, stage.symbol)
    stage.asked("order/cancel", orderId=order_id, symbol=stage.instrument.symbol)
    assert gone["id"] == order_id
    await stage.client.cancel_order(None, stage.symbol, {"orderLinkId": by_link})
    stage.asked("order/cancel", orderLinkId=by_link)
    assert {stage.order(link).status for link in (by_id, by_link)} == {OrderStatus.CANCELLED}
    with pytest.raises(ccxt.OrderNotFound):
        await stage.client.cancel_order(order_id, stage.symbol)


@contract("cancelOrderWs")
async def cancel_order_ws(stage: Stage) -> None:
    link = await stage.rest()
    await stage.client.cancel_order_ws(stage.order(link).order_id, stage.symbol)
    stage.asked("order/cancel", orderId=stage.order(link).order_id)
    assert stage.order(link).status is OrderStatus.CANCELLED
    assert len(stage.venue.server.sessions.chosen("trade")) == 1


@contract("cancelOrders")
async def cancel_orders(stage: Stage) -> None:
    links = [await stage.rest(), await stage.rest(), await stage.rest()]
    ids = [stage.order(link).order_id for link in links[:2]]
    await stage.client.cancel_orders(ids, stage.symbol)
    assert _batch(stage, "order/cancel-batch") == 2
    assert [stage.order(link).status.is_terminal for link in links] == [True, True, False]


@contract("cancelOrdersForSymbols")
async def cancel_orders_for_symbols(stage: Stage) -> None:
    links = [await stage.rest(), await stage.rest()]
    orders = [{"id": stage.order(link).order_id, "symbol": stage.symbol} for link in links]
    await stage.client.cancel_orders_for_symbols(orders)
    assert _batch(stage, "order/cancel-batch") == 2
    assert all(stage.order(link).status is OrderStatus.CANCELLED for link in links)


@contract("cancelAllOrders")
async def cancel_all_orders(stage: Stage) -> None:
    for _ in range(3):
        await stage.rest()
    other = "BTC/USDC:USDC" if stage.product.name != "usdc" else "BTC/USDT:USDT"
    await stage.client.create_order(other, "limit", "buy", 0.01, 80_000, {"orderLinkId": "stays"})
    await stage.client.cancel_all_orders(stage.symbol)
    stage.asked("order/cancel-all", symbol=stage.instrument.symbol)
    assert [order.client_id for order in stage.exchange.open_orders("book")] == ["stays"]


@contract("cancelAllOrdersAfter")
async def cancel_all_orders_after(stage: Stage) -> None:
    await stage.client.cancel_all_orders_after(10_000)
    (asked,) = stage.venue.seen("disconnected-cancel-all")
    assert asked["timeWindow"] == 10
    info = (await stage.client.privateGetV5AccountInfo())["result"]
    assert info["timeWindow"] in {10, "10"}


# --- looking at them ------------------------------------------------------------------------------------------------


@contract("fetchOpenOrders")
async def fetch_open_orders(stage: Stage) -> None:
    price, links = stage.far_price(), [await stage.rest(), await stage.rest()]
    await stage.buy()
    rows = await stage.client.fetch_open_orders(stage.symbol)
    stage.asked("order/realtime", symbol=stage.instrument.symbol)
    assert {row["clientOrderId"] for row in rows} == set(links)
    for row in rows:
        assert (row["symbol"], row["status"], row["side"], row["type"]) == (stage.symbol, "open", "buy", "limit")
        assert (row["amount"], row["filled"], row["price"]) == (stage.product.amount, 0, pytest.approx(price, rel=0.01))
        assert row["timestamp"] > 0
    (one,) = await stage.client.fetch_open_orders(stage.symbol, None, None, {"orderLinkId": links[0]})
    assert one["clientOrderId"] == links[0]


@contract("fetchOpenOrder")
async def fetch_open_order(stage: Stage) -> None:
    link = await stage.rest()
    row = await stage.client.fetch_open_order(stage.order(link).order_id, stage.symbol)
    stage.asked("order/realtime", orderId=row["id"])
    assert (row["clientOrderId"], row["status"], row["symbol"]) == (link, "open", stage.symbol)


@contract("fetchOrder")
async def fetch_order(stage: Stage) -> None:
    for link, status in ((await stage.rest(), "open"), (await stage.buy(), "closed")):
        row = await stage.client.fetch_order(stage.order(link).order_id, stage.symbol, {"acknowledged": True})
        stage.asked("order/realtime", orderId=row["id"])
        assert (row["clientOrderId"], row["status"], row["symbol"]) == (link, status, stage.symbol)


async def _ended(stage: Stage) -> tuple[str, str]:
    """Two orders that ended: one filled, one cancelled."""
    filled, cancelled = await stage.buy(), await stage.rest()
    await stage.client.cancel_order(None, stage.symbol, {"orderLinkId": cancelled})
    return filled, cancelled


@contract("fetchClosedOrders")
async def fetch_closed_orders(stage: Stage) -> None:
    filled, cancelled = await _ended(stage)
    rows = await stage.client.fetch_closed_orders(stage.symbol)
    stage.asked("order/history", symbol=stage.instrument.symbol)
    assert [row["clientOrderId"] for row in rows if row["clientOrderId"] in {filled, cancelled}] == [filled]
    row = next(row for row in rows if row["clientOrderId"] == filled)
    order = stage.order(filled)
    assert (row["status"], row["filled"], row["symbol"]) == ("closed", stage.product.amount, stage.symbol)
    assert row["average"] == pytest.approx(float(order.average_price or 0), rel=1e-6)


@contract("fetchClosedOrder")
async def fetch_closed_order(stage: Stage) -> None:
    filled, _ = await _ended(stage)
    row = await stage.client.fetch_closed_order(stage.order(filled).order_id, stage.symbol)
    stage.asked("order/history", orderId=row["id"])
    assert (row["clientOrderId"], row["status"]) == (filled, "closed")


@contract("fetchCanceledOrders")
async def fetch_canceled_orders(stage: Stage) -> None:
    filled, cancelled = await _ended(stage)
    rows = await stage.client.fetch_canceled_orders(stage.symbol)
    stage.asked("order/history", orderStatus="Cancelled")
    assert filled not in {row["clientOrderId"] for row in rows}
    (row,) = [row for row in rows if row["clientOrderId"] == cancelled]
    assert (row["status"], row["filled"]) == ("canceled", 0)


@contract("fetchCanceledAndClosedOrders")
async def fetch_canceled_and_closed_orders(stage: Stage) -> None:
    filled, cancelled = await _ended(stage)
    rows = await stage.client.fetch_canceled_and_closed_orders(stage.symbol)
    stage.asked("order/history", symbol=stage.instrument.symbol)
    found = {row["clientOrderId"]: row["status"] for row in rows}
    assert (found[filled], found[cancelled]) == ("closed", "canceled")


def _holds(stage: Stage, rows: list[dict[str, Any]], link: str) -> None:
    """The rows are the executions of an order, to the last decimal."""
    truth = {one.exec_id: one for one in stage.exchange.executions("book") if getattr(one, "order", None)}
    assert rows
    for row in rows:
        one = truth[row["id"]]
        assert (row["symbol"], row["side"]) == (stage.symbol, "buy")
        assert Decimal(row["info"]["execPrice"]) == one.price  # type: ignore[union-attr]
        assert Decimal(row["info"]["execFee"]) == one.fee  # type: ignore[union-attr]
        assert row["info"]["orderLinkId"] == link
    assert sum(Decimal(row["info"]["execQty"]) for row in rows) == _qty(stage)


@contract("fetchOrderTrades")
async def fetch_order_trades(stage: Stage) -> None:
    link = await stage.buy()
    await stage.buy()
    order_id = stage.order(link).order_id
    rows = await stage.client.fetch_order_trades(order_id, stage.symbol)
    stage.asked("execution/list", orderId=order_id)
    _holds(stage, rows, link)


@contract("fetchMyTrades")
async def fetch_my_trades(stage: Stage) -> None:
    link = await stage.buy()
    rows = await stage.client.fetch_my_trades(stage.symbol)
    stage.asked("execution/list", symbol=stage.instrument.symbol, execType="Trade")
    _holds(stage, rows, link)
    order = stage.order(link)
    assert {row["fee"]["currency"] for row in rows} == {order.fee_coin}
    assert sum(Decimal(str(row["fee"]["cost"])) for row in rows) == order.fee
