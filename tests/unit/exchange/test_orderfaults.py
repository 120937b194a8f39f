"""Orders that go wrong in matching: what was answered, and what became of them."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.faults import OrderFault, OrderFaultKind
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import Ack, EndReason, OrderRequest, OrderType, Refusal, RefusalReason, SimOrder

PERP = InstrumentId("bybit:linear:BTCUSDT")
MS = 1_000_000


def send(exchange: Exchange, qty: str = "0.1", price: int | None = None, *, reduce_only: bool = False) -> SimOrder:
    answer = exchange.place(
        OrderRequest(
            account="main",
            instrument=PERP,
            side=Side.SELL if reduce_only else Side.BUY,
            type=OrderType.MARKET if price is None else OrderType.LIMIT,
            qty_contracts=Decimal(qty),
            limit_price=None if price is None else Decimal(price),
            reduce_only=reduce_only,
            client_id=f"id-{exchange.now_ns}-{len(exchange.order_history('main'))}-{len(exchange.open_orders('main'))}",
        )
    )
    assert isinstance(answer, Ack), answer
    return now(exchange, answer.order_id)


def now(exchange: Exchange, order_id: str) -> SimOrder:
    order = exchange.order("main", order_id=order_id)
    assert order is not None
    return order


def held(exchange: Exchange) -> Decimal:
    position = exchange.position("main", PERP)
    return position.contracts if position else Decimal(0)


def test_an_order_is_rejected_after_its_acknowledgement(exchange: Exchange) -> None:
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.REJECT))
    order = send(exchange)
    assert (order.status, order.end_reason) == (OrderStatus.REJECTED, EndReason.REJECTED)
    assert exchange.executions("main") == ()
    assert send(exchange).status is OrderStatus.FILLED


def test_only_a_share_is_filled(exchange: Exchange) -> None:
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.PARTIAL, share=0.4))
    order = send(exchange)
    assert (order.filled_contracts, order.end_reason) == (Decimal("0.040"), EndReason.MARKET_REMAINDER)
    assert held(exchange) == Decimal("0.040")
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.PARTIAL, share=0.0))
    assert send(exchange).filled_contracts == 0


def test_a_fill_comes_in_pieces_that_add_up(exchange: Exchange) -> None:
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.PIECES, pieces=7))
    order = send(exchange, "0.010")
    rows = exchange.executions("main")
    assert len(rows) >= 7
    assert sum(row.qty_contracts for row in rows if not hasattr(row, "cost")) == Decimal("0.010")
    assert order.status is OrderStatus.FILLED
    assert held(exchange) == Decimal("0.010")


def test_the_venue_cancels_what_rests(exchange: Exchange) -> None:
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.VENUE_CANCEL, delay_ms=250))
    order = send(exchange, price=80_000)
    exchange.advance(exchange.now_ns + 249 * MS)
    assert now(exchange, order.order_id).status is OrderStatus.OPEN
    assert exchange.order_faults.due_ns() == exchange.now_ns + MS
    exchange.advance(exchange.now_ns + MS)
    assert now(exchange, order.order_id).end_reason is EndReason.BY_VENUE
    assert exchange.order_faults.due_ns() is None


@pytest.mark.parametrize(("share", "filled", "status"), [(1.0, "0.1", "filled"), (0.5, "0.050", "cancelled")])
def test_a_fill_follows_an_acknowledged_cancel(exchange: Exchange, share: float, filled: str, status: str) -> None:
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.CANCEL_RACE, share=share, delay_ms=30))
    order = send(exchange, price=80_000)
    assert isinstance(exchange.cancel("main", PERP, order_id=order.order_id), Ack)
    assert now(exchange, order.order_id).status is OrderStatus.OPEN
    exchange.advance(exchange.now_ns + 30 * MS)
    order = now(exchange, order.order_id)
    assert (order.filled_contracts, order.status.value) == (Decimal(filled), status)
    assert order.average_price == 80_000
    assert held(exchange) == Decimal(filled)


def test_a_cancel_has_its_effect_late(exchange: Exchange) -> None:
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.CANCEL_LATE, delay_ms=5_000))
    first, second = send(exchange, price=80_000), send(exchange, price=80_001)
    answers = exchange.cancel_all("main", lambda _: True)
    assert isinstance(answers, tuple)
    assert len(answers) == 2
    assert [one.order_id for one in exchange.open_orders("main")] == [first.order_id]
    exchange.advance(exchange.now_ns + 5_000 * MS)
    assert now(exchange, first.order_id).end_reason is EndReason.BY_USER
    assert now(exchange, second.order_id).end_reason is EndReason.BY_USER


@pytest.mark.parametrize(("venue", "passes"), [("bybit", False), ("binance", True)])
def test_an_overloaded_venue_lets_reducing_orders_through_where_it_says_so(
    scenario: Scenario, start_ns: int, venue: str, passes: bool
) -> None:
    exchange = Exchange(msgspec.structs.replace(scenario, venue_rules=venue), start_ns)
    send(exchange)
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.OVERLOADED, count=None))
    request = OrderRequest(
        account="main", instrument=PERP, side=Side.BUY, type=OrderType.MARKET, qty_contracts=Decimal("0.1")
    )
    answer = exchange.place(request)
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.OVERLOADED
    reducing = msgspec.structs.replace(request, side=Side.SELL, reduce_only=True)
    assert isinstance(exchange.place(reducing), Ack) is passes


def test_a_fill_or_kill_order_is_killed_when_a_share_is_missing(exchange: Exchange) -> None:
    exchange.order_faults.add(OrderFault(kind=OrderFaultKind.PARTIAL, share=0.5))
    request = OrderRequest(
        account="main",
        instrument=PERP,
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty_contracts=Decimal("0.1"),
        limit_price=Decimal(91_000),
        time_in_force=TimeInForce.FOK,
    )
    answer = exchange.place(request)
    assert isinstance(answer, Ack)
    order = now(exchange, answer.order_id)
    assert (order.end_reason, order.filled_contracts) == (EndReason.FOK_NOT_FILLABLE, Decimal(0))


def test_the_same_seed_strikes_the_same_orders(scenario: Scenario, start_ns: int) -> None:
    def outcome() -> list[str]:
        exchange = Exchange(scenario, start_ns)
        exchange.order_faults.add(OrderFault(kind=OrderFaultKind.REJECT, count=None, probability=0.5))
        return [send(exchange, "0.001").status.value for _ in range(20)]

    first = outcome()
    assert first == outcome()
    assert set(first) == {"filled", "rejected"}
