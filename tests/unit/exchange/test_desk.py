from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import (
    Ack,
    EndReason,
    Executed,
    Execution,
    Notice,
    OrderChanged,
    OrderRequest,
    OrderType,
    PositionChanged,
    Refusal,
    RefusalReason,
    SimOrder,
    WalletChanged,
)

BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")


def limit(side: Side, price: Decimal, qty: str = "0.5", **changes: object) -> OrderRequest:
    request = OrderRequest(
        account="main",
        instrument=BTCUSDT,
        side=side,
        type=OrderType.LIMIT,
        qty_contracts=Decimal(qty),
        limit_price=price,
    )
    return msgspec.structs.replace(request, **changes)


def placed(exchange: Exchange, request: OrderRequest) -> SimOrder:
    answer = exchange.place(request)
    assert isinstance(answer, Ack), answer
    order = exchange.order(request.account, order_id=answer.order_id)
    assert order is not None
    return order


def touch(exchange: Exchange) -> tuple[Decimal, Decimal]:
    book = exchange.book(BTCUSDT, 1)
    return book.bids[0][0], book.asks[0][0]


def test_an_order_inside_its_limit_fills_at_the_books_prices(exchange: Exchange) -> None:
    _, ask = touch(exchange)
    order = placed(exchange, limit(Side.BUY, ask + 50, "8"))
    assert order.status is OrderStatus.FILLED
    rows = [row for row in exchange.executions("main") if isinstance(row, Execution)]
    assert len(rows) > 1, "eight coins take more than one level"
    assert sum((row.qty_contracts for row in rows), ZERO) == Decimal(8)
    assert rows[0].price == ask
    assert all(row.price <= ask + 50 and not row.is_maker for row in rows)
    assert order.average_price == sum((row.value_quote for row in rows), ZERO) / 8
    assert order.fee == sum((row.fee for row in rows), ZERO)


def test_ioc_keeps_nothing_in_the_book(exchange: Exchange) -> None:
    _, ask = touch(exchange)
    order = placed(exchange, limit(Side.BUY, ask, "100", time_in_force=TimeInForce.IOC))
    assert (order.status, order.end_reason) == (OrderStatus.CANCELLED, EndReason.IOC_REMAINDER)
    assert ZERO < order.filled_contracts < 100
    assert exchange.open_orders("main") == ()
    assert order.leaves_contracts == ZERO


def test_fok_is_all_or_nothing(exchange: Exchange) -> None:
    _, ask = touch(exchange)
    order = placed(exchange, limit(Side.BUY, ask, "100", time_in_force=TimeInForce.FOK))
    assert (order.end_reason, order.filled_contracts) == (EndReason.FOK_NOT_FILLABLE, ZERO)
    whole = placed(exchange, limit(Side.BUY, ask + 20, "1", time_in_force=TimeInForce.FOK))
    assert whole.status is OrderStatus.FILLED


def test_post_only_never_takes(exchange: Exchange) -> None:
    bid, ask = touch(exchange)
    crossing = placed(exchange, limit(Side.BUY, ask, time_in_force=TimeInForce.POST_ONLY))
    assert (crossing.end_reason, crossing.filled_contracts) == (EndReason.POST_ONLY_WOULD_CROSS, ZERO)
    resting = placed(exchange, limit(Side.BUY, bid, time_in_force=TimeInForce.POST_ONLY))
    assert resting.status is OrderStatus.OPEN


def test_participants_trade_with_each_other_at_the_makers_price(exchange: Exchange) -> None:
    bid, ask = touch(exchange)
    inside = bid + Decimal("0.1")
    assert inside < ask
    maker = placed(exchange, limit(Side.BUY, inside, "0.3"))
    taker = placed(exchange, limit(Side.SELL, inside, "0.3", account="other", time_in_force=TimeInForce.IOC))
    assert taker.status is OrderStatus.FILLED
    (mine,) = exchange.executions("main")
    (theirs,) = exchange.executions("other")
    assert isinstance(mine, Execution)
    assert isinstance(theirs, Execution)
    assert (mine.order.order_id, mine.is_maker, theirs.is_maker) == (maker.order_id, True, False)
    assert mine.price == theirs.price == inside
    assert mine.fee < theirs.fee


def test_a_resting_order_fills_when_the_price_comes(exchange: Exchange, start_ns: int) -> None:
    bid, _ = touch(exchange)
    order = placed(exchange, limit(Side.BUY, bid, "0.01"))
    for second in range(1, 200):
        exchange.advance(start_ns + second * 1_000_000_000)
        now = exchange.order("main", order_id=order.order_id)
        assert now is not None
        if now.status is OrderStatus.FILLED:
            break
    else:
        pytest.fail("the price never came back to the touch within 200 s")
    (row,) = exchange.executions("main")
    assert isinstance(row, Execution)
    assert (row.is_maker, row.price) == (True, bid)


def test_reduce_only_never_turns_the_position(exchange: Exchange) -> None:
    bid, ask = touch(exchange)
    refused = exchange.place(limit(Side.SELL, bid, reduce_only=True))
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.REDUCE_ONLY_VIOLATION
    placed(exchange, limit(Side.BUY, ask + 5, "0.2"))
    order = placed(exchange, limit(Side.SELL, bid - 50, "5", reduce_only=True))
    assert (order.filled_contracts, order.end_reason) == (Decimal("0.2"), EndReason.REDUCE_ONLY)
    assert exchange.positions("main") == ()


def test_cancel_answers_by_how_the_order_stands(exchange: Exchange) -> None:
    bid, _ = touch(exchange)
    order = placed(exchange, limit(Side.BUY, bid - 100, client_id="c1"))
    wrong = exchange.cancel("other", BTCUSDT, client_id="c1")
    assert isinstance(wrong, Refusal)
    assert wrong.reason is RefusalReason.UNKNOWN_ORDER
    assert exchange.cancel("main", BTCUSDT, client_id="c1") == Ack(order_id=order.order_id, client_id="c1")
    again = exchange.cancel("main", BTCUSDT, order_id=order.order_id)
    assert isinstance(again, Refusal)
    assert again.reason is RefusalReason.ALREADY_TERMINAL
    ended = exchange.order_history("main")[-1]
    assert (ended.order_id, ended.end_reason) == (order.order_id, EndReason.BY_USER)


def test_notices_tell_the_execution_before_the_orders_new_state(exchange: Exchange) -> None:
    told: list[Notice] = []
    exchange.listen(told.append)
    _, ask = touch(exchange)
    placed(exchange, limit(Side.BUY, ask + 5, "0.2"))
    private = [type(one) for one in told if isinstance(one, Executed | PositionChanged | WalletChanged | OrderChanged)]
    assert private == [Executed, PositionChanged, WalletChanged, OrderChanged]
