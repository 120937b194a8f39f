from decimal import Decimal
from typing import Any

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
    assert order.average_price == sum((row.value for row in rows), ZERO) / 8
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
    bid, _ = touch(exchange)
    maker = placed(exchange, limit(Side.BUY, bid, "0.3"))
    everything = exchange.book(BTCUSDT, 1).bids[0][1]  # the crowd first, then the maker
    taker = placed(exchange, limit(Side.SELL, bid, str(everything), account="other", time_in_force=TimeInForce.IOC))
    assert taker.status is OrderStatus.FILLED
    (mine,) = exchange.executions("main")
    *_, theirs = exchange.executions("other")
    assert isinstance(mine, Execution)
    assert isinstance(theirs, Execution)
    assert (mine.order.order_id, mine.is_maker, theirs.is_maker) == (maker.order_id, True, False)
    assert mine.price == theirs.price == bid
    assert mine.qty_contracts == theirs.qty_contracts == Decimal("0.3")
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


def amend(exchange: Exchange, order: SimOrder, **changes: Any) -> SimOrder:
    answer = exchange.amend(order.account, BTCUSDT, order_id=order.order_id, **changes)
    assert isinstance(answer, Ack), answer
    found = exchange.order(order.account, order_id=order.order_id)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"qty_contracts": Decimal("0.3")}, "old"),  # smaller: keeps its place
        ({"qty_contracts": Decimal("0.7")}, "young"),  # larger: to the end
        ({"limit_price": Decimal(0)}, "young"),  # away and back: to the end
    ],
)
def test_an_amendment_keeps_its_place_only_when_it_shrinks(
    exchange: Exchange, changes: dict[str, Decimal], first: str
) -> None:
    tick = Decimal("0.1")
    bid, ask = touch(exchange)
    # In front of the crowd where the spread has room, else behind it is no matter: both stand at one price.
    price = bid + tick if bid + tick < ask else bid
    old = placed(exchange, limit(Side.BUY, price, client_id="old"))
    placed(exchange, limit(Side.BUY, price, client_id="young"))
    if "limit_price" in changes:
        amend(exchange, old, limit_price=price - 50)
        amend(exchange, old, limit_price=price)
    else:
        assert amend(exchange, old, **changes).qty_contracts == changes["qty_contracts"]
    market = exchange._world.markets[BTCUSDT]
    names = [exchange.order("main", order_id=one.order_id) for one in market.resting(Side.BUY)]
    assert [one.client_id for one in names if one] == [first, "young" if first == "old" else "old"]


def test_an_amended_order_shows_in_the_book_and_fills_at_its_new_price(exchange: Exchange) -> None:
    bid, ask = touch(exchange)
    told: list[Notice] = []
    order = placed(exchange, limit(Side.BUY, bid - 500, "0.5", client_id="a"))
    exchange.listen(told.append)
    moved = amend(exchange, order, limit_price=bid - 300, qty_contracts=Decimal("0.4"))
    assert (moved.status, moved.limit_price, moved.qty_contracts) == (OrderStatus.OPEN, bid - 300, Decimal("0.4"))
    assert [type(one) for one in told] == [OrderChanged]
    levels = dict(exchange.book(BTCUSDT, 400).bids)
    assert levels[bid - 300] >= Decimal("0.4")
    filled = amend(exchange, moved, limit_price=ask + 20)
    assert filled.status is OrderStatus.FILLED
    assert filled.average_price is not None
    assert filled.average_price <= ask + 20
    assert all(not row.is_maker for row in exchange.executions("main") if isinstance(row, Execution))
    assert not exchange._world.markets[BTCUSDT].resting(Side.BUY)


def test_a_post_only_order_amended_across_the_book_ends(exchange: Exchange) -> None:
    bid, ask = touch(exchange)
    order = placed(exchange, limit(Side.BUY, bid - 100, time_in_force=TimeInForce.POST_ONLY))
    ended = amend(exchange, order, limit_price=ask + 1)
    assert (ended.status, ended.end_reason) == (OrderStatus.CANCELLED, EndReason.POST_ONLY_WOULD_CROSS)
    assert exchange.executions("main") == ()


def test_an_order_filled_in_part_is_amended_by_its_whole_quantity(exchange: Exchange) -> None:
    _, ask = touch(exchange)
    order = placed(exchange, limit(Side.BUY, ask, "60"))
    assert order.status is OrderStatus.PARTIAL
    filled = order.filled_contracts
    for qty in (filled, filled - Decimal("0.001")):
        refused = exchange.amend("main", BTCUSDT, order_id=order.order_id, qty_contracts=qty)
        assert isinstance(refused, Refusal)
        assert refused.reason is RefusalReason.QTY_NOT_ABOVE_FILLED
    smaller = amend(exchange, order, qty_contracts=filled + Decimal("0.002"))
    assert (smaller.status, smaller.leaves_contracts) == (OrderStatus.PARTIAL, Decimal("0.002"))
    (resting,) = exchange._world.markets[BTCUSDT].resting(Side.BUY)
    assert resting.lots == 2
    away = amend(exchange, smaller, limit_price=ask - 200)
    assert (away.status, away.filled_contracts, away.leaves_contracts) == (
        OrderStatus.PARTIAL,
        filled,
        Decimal("0.002"),
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, RefusalReason.NOT_MODIFIED),
        ({"qty_contracts": Decimal("0.5")}, RefusalReason.NOT_MODIFIED),
        ({"qty_contracts": Decimal("0.0005")}, RefusalReason.BAD_QTY),
        ({"qty_contracts": Decimal("NaN")}, RefusalReason.BAD_QTY),
        ({"qty_contracts": Decimal(5_000)}, RefusalReason.QTY_TOO_LARGE),
        ({"qty_contracts": Decimal(300)}, RefusalReason.INSUFFICIENT_MARGIN),
        ({"limit_price": Decimal("88000.05")}, RefusalReason.BAD_PRICE),
        ({"limit_price": Decimal(0)}, RefusalReason.BAD_PRICE),
        ({"limit_price": Decimal(120_000)}, RefusalReason.PRICE_OUTSIDE_COLLAR),
    ],
)
def test_a_wrong_amendment_leaves_the_order_as_it_is(
    exchange: Exchange, changes: dict[str, Any], reason: RefusalReason
) -> None:
    order = placed(exchange, limit(Side.BUY, Decimal(88_000)))
    refused = exchange.amend("main", BTCUSDT, order_id=order.order_id, **changes)
    assert isinstance(refused, Refusal)
    assert refused.reason is reason
    assert exchange.open_orders("main") == (order,)
    (resting,) = exchange._world.markets[BTCUSDT].resting(Side.BUY)
    assert resting.lots == 500


def test_only_an_open_order_of_ones_own_is_amended(exchange: Exchange) -> None:
    order = placed(exchange, limit(Side.BUY, Decimal(88_000), client_id="c"))
    price = Decimal(88_100)
    wrong: tuple[tuple[str, InstrumentId, dict[str, Any]], ...] = (
        ("other", BTCUSDT, {"order_id": order.order_id}),
        ("main", InstrumentId("bybit:linear:BTCPERP"), {"order_id": order.order_id}),
        ("main", BTCUSDT, {"client_id": "d"}),
        ("main", BTCUSDT, {}),
    )
    for account, instrument, ids in wrong:
        refused = exchange.amend(account, instrument, limit_price=price, **ids)
        assert isinstance(refused, Refusal)
        assert refused.reason is RefusalReason.UNKNOWN_ORDER
    assert isinstance(exchange.amend("main", BTCUSDT, client_id="c", limit_price=price), Ack)
    exchange.cancel("main", BTCUSDT, client_id="c")
    refused = exchange.amend("main", BTCUSDT, client_id="c", limit_price=price + 1)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.ALREADY_TERMINAL


def test_spot_orders_free_and_need_their_coins(exchange: Exchange) -> None:
    spot = InstrumentId("bybit:spot:BTCUSDT")
    order = placed(exchange, limit(Side.SELL, Decimal(92_000), "2", instrument=spot))
    refused = exchange.amend("main", spot, order_id=order.order_id, qty_contracts=Decimal("2.1"))
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.INSUFFICIENT_BALANCE
    assert isinstance(exchange.amend("main", spot, order_id=order.order_id, qty_contracts=Decimal("1.5")), Ack)
    locked = {one.coin: one.locked for one in exchange.wallet("main").coins}
    assert locked["BTC"] == Decimal("1.5")
