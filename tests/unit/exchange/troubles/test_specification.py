"""Rules that change under an account's orders and positions, and contracts that are taken off the list."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import Delisting, SpecificationChange
from hedgebot.exchange.types import (
    Ack,
    EndReason,
    ExecKind,
    Execution,
    InstrumentStatus,
    ListingChanged,
    Notice,
    OrderRequest,
    OrderType,
    Refusal,
    RefusalReason,
)

PERP, SPOT = InstrumentId("bybit:linear:BTCUSDT"), InstrumentId("bybit:spot:BTCUSDT")
INVERSE = InstrumentId("bybit:inverse:BTCUSD")
S = 1_000_000_000


def place(
    exchange: Exchange, side: Side, qty: str, limit: str | None = None, instrument: InstrumentId = PERP
) -> Ack | Refusal:
    return exchange.place(
        OrderRequest(
            account="main",
            instrument=instrument,
            side=side,
            type=OrderType.LIMIT if limit else OrderType.MARKET,
            qty_contracts=Decimal(qty),
            limit_price=Decimal(limit) if limit else None,
        )
    )


def resting(exchange: Exchange, qty: str, limit: str) -> str:
    answer = place(exchange, Side.BUY, qty, limit)
    assert isinstance(answer, Ack)
    return answer.order_id


def test_orders_that_fit_the_new_steps_stay_and_the_others_end(exchange: Exchange, start_ns: int) -> None:
    exchange.advance(start_ns + S)
    told: list[Notice] = []
    exchange.listen(told.append)
    fits, off_tick, off_lot = (
        resting(exchange, "0.02", "88000.5"),
        resting(exchange, "0.02", "88000.1"),
        resting(exchange, "0.025", "88001"),
    )
    change = SpecificationChange(
        instrument=PERP, tick_size=Decimal("0.5"), lot_size=Decimal("0.01"), qty_min=Decimal("0.01")
    )
    exchange.strike(change)
    (left,) = exchange.open_orders("main")
    assert left.order_id == fits
    for order_id in (off_tick, off_lot):
        order = exchange.order("main", order_id=order_id)
        assert order is not None
        assert order.end_reason is EndReason.BY_VENUE
    listing = exchange.listing(PERP)
    assert listing is not None
    assert (listing.instrument.tick_size, listing.instrument.qty_min) == (Decimal("0.5"), Decimal("0.01"))
    assert [one.listing for one in told if isinstance(one, ListingChanged)] == [listing]
    exchange.advance(start_ns + 3 * S)
    book = exchange.book(PERP, 500)
    assert all(price % Decimal("0.5") == 0 and qty % Decimal("0.01") == 0 for price, qty in (*book.bids, *book.asks))
    assert float(book.bids[0][0]) == pytest.approx(exchange.index_price("BTC"), rel=0.002)
    refused = place(exchange, Side.BUY, "0.02", "88000.1")
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.BAD_PRICE
    assert isinstance(place(exchange, Side.BUY, "0.02"), Ack)
    assert isinstance(exchange.cancel("main", PERP, order_id=fits), Ack)


def test_a_finer_step_keeps_every_order_where_it_is(exchange: Exchange) -> None:
    kept = resting(exchange, "0.02", "88000.1")
    place(exchange, Side.SELL, "0.5")
    exchange.strike(SpecificationChange(instrument=PERP, tick_size=Decimal("0.05"), lot_size=Decimal("0.0001")))
    (order,) = exchange.open_orders("main")
    assert (order.order_id, order.limit_price) == (kept, Decimal("88000.1"))
    book = exchange.book(PERP, 10_000)
    assert any(price == Decimal("88000.1") and qty >= Decimal("0.02") for price, qty in book.bids)
    assert [one.contracts for one in exchange.positions("main")] == [Decimal("-0.5")]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"instrument": "bybit:linear:NOPE"}, "NOPE"),
        ({"tick_size": Decimal(0)}, "tick_size is 0"),
        ({"lot_size": Decimal("nan")}, "lot_size is NaN"),
        ({"lot_size": Decimal("0.002")}, "qty_min is 0.001"),
        ({"qty_max": Decimal(1)}, "qty_max 1"),
        ({"qty_max": Decimal("nan")}, "qty_max is NaN"),
        ({"market_qty_max": Decimal("nan")}, "market_qty_max is NaN"),
        ({"tick_size": Decimal("1e30")}, "tick_size is"),
        ({"lot_size": Decimal("1e-30")}, "lot_size is"),
        ({"min_notional_quote": Decimal(-1)}, "min_notional_quote is -1"),
    ],
)
def test_rules_that_do_not_go_together_change_nothing(
    exchange: Exchange, changes: dict[str, object], word: str
) -> None:
    before = exchange.listing(PERP)
    with pytest.raises(ValueError, match=word):
        exchange.strike(SpecificationChange(**{"instrument": PERP, **changes}))  # type: ignore[arg-type]
    assert exchange.listing(PERP) == before


def test_a_delisted_perpetual_can_only_be_reduced_and_is_settled_at_the_average(
    exchange: Exchange, start_ns: int
) -> None:
    exchange.advance(start_ns + S)
    place(exchange, Side.BUY, "90000", instrument=INVERSE)
    exchange.strike(Delisting(instrument=INVERSE, in_s=20))
    more = place(exchange, Side.BUY, "1000", instrument=INVERSE)
    turned = place(exchange, Side.SELL, "90001", instrument=INVERSE)
    for answer in (more, turned):
        assert isinstance(answer, Refusal)
        assert answer.reason is RefusalReason.DELISTING
    assert isinstance(place(exchange, Side.SELL, "45000", instrument=INVERSE), Ack)
    exchange.advance(start_ns + 22 * S)
    listing = exchange.listing(INVERSE)
    assert listing is not None
    assert (listing.status, listing.reduce_only) == (InstrumentStatus.DELIVERING, True)
    row = exchange.executions("main")[-1]
    assert isinstance(row, Execution)
    assert (row.kind, row.price, row.fee) == (ExecKind.DELIVERY, listing.settlement_price, Decimal(0))
    assert exchange.positions("main") == ()
    with pytest.raises(ValueError, match="delivered"):
        exchange.strike(Delisting(instrument=INVERSE))
    exchange.advance(start_ns + 60 * S)


def test_a_delisted_pair_ends_its_orders(exchange: Exchange, start_ns: int) -> None:
    order = place(exchange, Side.BUY, "0.01", "88000", instrument=SPOT)
    assert isinstance(order, Ack)
    exchange.strike(Delisting(instrument=SPOT, in_s=5))
    exchange.advance(start_ns + 6 * S)
    ended = exchange.order("main", order_id=order.order_id)
    assert ended is not None
    assert ended.end_reason is EndReason.SETTLED
    late = place(exchange, Side.BUY, "0.01", instrument=SPOT)
    assert isinstance(late, Refusal)
    assert late.reason is RefusalReason.INSTRUMENT_NOT_TRADING
    with pytest.raises(ValueError, match="own time"):
        exchange.strike(Delisting(instrument=InstrumentId("bybit:linear:BTCUSDT-25DEC26")))
