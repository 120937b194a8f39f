from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import Ack, EndReason, OrderRequest, OrderType, PositionIndex, Refusal, RefusalReason

BTCUSDT, ETHUSDT = InstrumentId("bybit:linear:BTCUSDT"), InstrumentId("bybit:linear:ETHUSDT")
S = 1_000_000_000


def placed(
    exchange: Exchange, side: Side, qty: str, index: int, limit: str | None = None, **more: bool
) -> Ack | Refusal:
    return exchange.place(
        OrderRequest(
            account="main",
            instrument=BTCUSDT,
            side=side,
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            qty_contracts=Decimal(qty),
            limit_price=Decimal(limit) if limit else None,
            position_index=PositionIndex(index),
            reduce_only=more.get("reduce_only", False),
        )
    )


def reason(answer: Ack | Refusal | None) -> RefusalReason | None:
    return answer.reason if isinstance(answer, Refusal) else None


def test_long_and_short_side_by_side(exchange: Exchange) -> None:
    assert exchange.switch_position_mode("main", BTCUSDT, hedged=True) is None
    assert reason(placed(exchange, Side.BUY, "0.3", 0)) is RefusalReason.POSITION_INDEX_MISMATCH
    assert reason(placed(exchange, Side.SELL, "0.3", 1)) is RefusalReason.REDUCE_ONLY_VIOLATION
    assert isinstance(placed(exchange, Side.BUY, "0.3", 1), Ack)
    assert isinstance(placed(exchange, Side.SELL, "0.5", 2), Ack)
    assert {one.position_index: one.contracts for one in exchange.positions("main")} == {
        PositionIndex.LONG: Decimal("0.3"),
        PositionIndex.SHORT: Decimal("-0.5"),
    }
    # More than there is closes what there is and never turns the leg round.
    closing = placed(exchange, Side.SELL, "1", 1)
    assert isinstance(closing, Ack)
    order = exchange.order("main", order_id=closing.order_id)
    assert order is not None
    assert (order.filled_contracts, order.end_reason) == (Decimal("0.3"), EndReason.REDUCE_ONLY)
    (left,) = exchange.positions("main")
    assert (left.position_index, left.contracts) == (PositionIndex.SHORT, Decimal("-0.5"))
    flat = exchange.position("main", BTCUSDT, PositionIndex.LONG)
    assert flat is not None
    assert flat.contracts == ZERO


def test_a_switch_is_refused_while_something_is_open(exchange: Exchange) -> None:
    assert reason(exchange.switch_position_mode("main", BTCUSDT, hedged=False)) is RefusalReason.NOT_MODIFIED
    resting = placed(exchange, Side.BUY, "0.1", 0, limit="86000")
    assert isinstance(resting, Ack)
    assert reason(exchange.switch_position_mode("main", BTCUSDT, hedged=True)) is RefusalReason.ORDERS_OPEN
    exchange.cancel("main", BTCUSDT, order_id=resting.order_id)
    placed(exchange, Side.BUY, "0.1", 0)
    assert reason(exchange.switch_position_mode("main", BTCUSDT, hedged=True)) is RefusalReason.POSITION_OPEN
    placed(exchange, Side.SELL, "0.1", 0, reduce_only=True)
    assert exchange.switch_position_mode("main", BTCUSDT, hedged=True) is None
    for name in ("bybit:linear:BTCPERP", "bybit:spot:BTCUSDT"):
        answer = exchange.switch_position_mode("main", InstrumentId(name), hedged=True)
        assert reason(answer) is RefusalReason.HEDGE_MODE_UNSUPPORTED
    unknown = exchange.switch_position_mode("main", InstrumentId("bybit:linear:DOGE"), hedged=True)
    assert reason(unknown) is RefusalReason.UNKNOWN_INSTRUMENT


def test_a_coins_switch_leaves_what_is_busy(exchange: Exchange) -> None:
    placed(exchange, Side.BUY, "0.1", 0)
    assert exchange.switch_position_mode("main", "USDT", hedged=True) is None
    assert exchange.position_indices("main", BTCUSDT) == (PositionIndex.ONE_WAY,)
    assert exchange.position_indices("main", ETHUSDT) == (PositionIndex.LONG, PositionIndex.SHORT)
    assert exchange.position_indices("other", ETHUSDT) == (PositionIndex.ONE_WAY,)
    placed(exchange, Side.SELL, "0.1", 0)
    assert exchange.switch_position_mode("main", "USDT", hedged=True) is None, "now it follows its coin"
    assert reason(exchange.switch_position_mode("main", "USDT", hedged=True)) is RefusalReason.NOT_MODIFIED
    assert reason(exchange.switch_position_mode("main", "USDC", hedged=True)) is RefusalReason.HEDGE_MODE_UNSUPPORTED
