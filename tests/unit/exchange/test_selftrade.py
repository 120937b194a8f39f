"""Self-trade prevention: whose order ends, and what still trades."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.selftrade import one_party
from hedgebot.exchange.types import (
    Ack,
    EndReason,
    Execution,
    OrderRequest,
    OrderType,
    Refusal,
    RefusalReason,
    SelfTrade,
    SimOrder,
)

PERP = InstrumentId("bybit:linear:BTCUSDT")
D = Decimal


def order(exchange: Exchange, side: Side, price: Decimal, account: str = "main", **changes: object) -> SimOrder:
    values: dict[str, object] = {
        "account": account,
        "instrument": PERP,
        "side": side,
        "type": OrderType.LIMIT,
        "qty_contracts": D("0.01"),
        "limit_price": price,
    }
    answer = exchange.place(OrderRequest(**(values | changes)))  # type: ignore[arg-type]
    assert isinstance(answer, Ack)
    found = exchange.order(account, order_id=answer.order_id)
    assert found is not None
    return found


def inside(exchange: Exchange) -> Decimal:
    """A tick below the best ask, between the crowd's touches: its books are made wide first, they are a tick wide."""
    book = exchange.book(PERP)
    if book.asks[0][0] - book.bids[0][0] == D("0.1"):
        exchange._world.set_liquidity("BTC", 0.02)
        exchange.advance(exchange.now_ns + 100_000_000)
        book = exchange.book(PERP)
    return book.asks[0][0] - D("0.1")


def now(exchange: Exchange, one: SimOrder) -> SimOrder:
    found = exchange.order(one.account, order_id=one.order_id)
    assert found is not None
    return found


@pytest.fixture
def maker(exchange: Exchange) -> SimOrder:
    """Our own ask, first in the book."""
    rested = order(exchange, Side.SELL, inside(exchange), time_in_force=TimeInForce.POST_ONLY)
    assert rested.status is OrderStatus.OPEN
    return rested


def test_without_a_policy_an_account_trades_with_itself(exchange: Exchange, maker: SimOrder) -> None:
    taker = order(exchange, Side.BUY, inside(exchange) + 5, self_trade=SelfTrade.NONE)
    assert (taker.status, now(exchange, maker).status) == (OrderStatus.FILLED, OrderStatus.FILLED)


def test_cancel_maker_goes_on_behind_the_own_order(exchange: Exchange, maker: SimOrder) -> None:
    taker = order(exchange, Side.BUY, maker.limit_price or D(0) + 50, self_trade=SelfTrade.CANCEL_MAKER)
    ended = now(exchange, maker)
    assert (ended.status, ended.end_reason) == (OrderStatus.CANCELLED, EndReason.SELF_MATCH)
    assert (ended.self_trade_order_id, ended.filled_contracts) == (taker.order_id, D(0))
    through = order(exchange, Side.BUY, inside(exchange) + 50, self_trade=SelfTrade.CANCEL_MAKER)
    assert through.status is OrderStatus.FILLED


def test_cancel_taker_keeps_what_it_traded_before(exchange: Exchange, maker: SimOrder) -> None:
    better = order(exchange, Side.SELL, (maker.limit_price or D(0)) - D("0.1"), "other")
    taker = order(exchange, Side.BUY, inside(exchange) + 50, qty_contracts=D("0.05"), self_trade=SelfTrade.CANCEL_TAKER)
    if better.status is OrderStatus.OPEN:
        assert now(exchange, better).status is OrderStatus.FILLED
        assert taker.filled_contracts == D("0.01")
    assert (taker.status, taker.end_reason) == (OrderStatus.CANCELLED, EndReason.SELF_MATCH)
    assert taker.self_trade_order_id == maker.order_id
    assert now(exchange, maker).status is OrderStatus.OPEN


def test_cancel_both_ends_both(exchange: Exchange, maker: SimOrder) -> None:
    taker = order(exchange, Side.BUY, inside(exchange) + 50, self_trade=SelfTrade.CANCEL_BOTH)
    for one in (taker, now(exchange, maker)):
        assert (one.status, one.end_reason) == (OrderStatus.CANCELLED, EndReason.SELF_MATCH)
    assert not [one for one in exchange.executions("main") if isinstance(one, Execution)]


def test_another_account_is_no_self(exchange: Exchange, maker: SimOrder) -> None:
    taker = order(exchange, Side.BUY, inside(exchange) + 5, "other", self_trade=SelfTrade.CANCEL_BOTH)
    assert (taker.status, now(exchange, maker).status) == (OrderStatus.FILLED, OrderStatus.FILLED)


def test_a_group_counts_as_one(scenario: Scenario, start_ns: int) -> None:
    accounts = tuple(msgspec.structs.replace(one, self_trade_group=7) for one in scenario.accounts)
    exchange = Exchange(msgspec.structs.replace(scenario, accounts=accounts), start_ns)
    maker = order(exchange, Side.SELL, inside(exchange), time_in_force=TimeInForce.POST_ONLY)
    taker = order(exchange, Side.BUY, inside(exchange) + 5, "other", self_trade=SelfTrade.CANCEL_TAKER)
    assert (taker.end_reason, taker.self_trade_group) == (EndReason.SELF_MATCH, 7)
    assert now(exchange, maker).status is OrderStatus.OPEN


def test_a_killed_order_ends_nobody_elses(exchange: Exchange, maker: SimOrder) -> None:
    taker = order(
        exchange,
        Side.BUY,
        inside(exchange),
        qty_contracts=D(100),
        time_in_force=TimeInForce.FOK,
        self_trade=SelfTrade.CANCEL_MAKER,
    )
    assert taker.end_reason is EndReason.FOK_NOT_FILLABLE
    assert now(exchange, maker).status is OrderStatus.OPEN


@pytest.mark.parametrize(
    ("taker", "maker", "same"),
    [
        (("a", 0), ("a", 0), True),
        (("a", 0), ("b", 0), False),
        (("a", 1), ("b", 1), True),
        (("a", 1), ("a", 2), False),
        (("a", 0), ("a", 2), True),
        (("a", 1), ("b", 0), False),
    ],
)
def test_groups_go_before_accounts(
    taker: tuple[str, int], maker: tuple[str, int], same: bool, exchange: Exchange
) -> None:
    base = order(exchange, Side.BUY, D(80_000))
    orders = [msgspec.structs.replace(base, account=name, self_trade_group=group) for name, group in (taker, maker)]
    assert one_party(orders[0], orders[1]) is same


def test_a_venue_without_a_choice_uses_its_own(scenario: Scenario, start_ns: int) -> None:
    exchange = Exchange(msgspec.structs.replace(scenario, venue_rules="okx"), start_ns)
    maker = order(exchange, Side.SELL, inside(exchange), time_in_force=TimeInForce.POST_ONLY)
    taker = order(exchange, Side.BUY, inside(exchange) + 50)
    assert (taker.self_trade, now(exchange, maker).end_reason) == (SelfTrade.CANCEL_MAKER, EndReason.SELF_MATCH)
    request = OrderRequest(
        account="main",
        instrument=PERP,
        side=Side.BUY,
        type=OrderType.MARKET,
        qty_contracts=D("0.01"),
        self_trade=SelfTrade.NONE,
    )
    answer = exchange.place(request)
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.SELF_TRADE_POLICY
