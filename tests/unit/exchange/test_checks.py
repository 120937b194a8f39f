from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.checks import OPEN_ORDERS_MAX
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import Ack, Notice, OrderRequest, OrderType, PositionChanged, Refusal, RefusalReason

BTCUSDT, SPOT = InstrumentId("bybit:linear:BTCUSDT"), InstrumentId("bybit:spot:BTCUSDT")
BASE = OrderRequest(
    account="main",
    instrument=BTCUSDT,
    side=Side.BUY,
    type=OrderType.LIMIT,
    qty_contracts=Decimal("0.1"),
    limit_price=Decimal(89_000),
)
MARKET = {"type": OrderType.MARKET, "limit_price": None}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account": "nobody"}, RefusalReason.UNKNOWN_ACCOUNT),
        ({"instrument": InstrumentId("bybit:linear:DOGEUSDT")}, RefusalReason.UNKNOWN_INSTRUMENT),
        ({"qty_contracts": Decimal("0.0005")}, RefusalReason.BAD_QTY),
        ({"qty_contracts": Decimal("0.1005")}, RefusalReason.BAD_QTY),
        ({"qty_contracts": Decimal(0)}, RefusalReason.BAD_QTY),
        ({"qty_contracts": Decimal(-1)}, RefusalReason.BAD_QTY),
        ({"qty_contracts": Decimal("NaN")}, RefusalReason.BAD_QTY),
        ({"qty_contracts": Decimal(2_000)}, RefusalReason.QTY_TOO_LARGE),
        ({"qty_contracts": Decimal(600), **MARKET}, RefusalReason.QTY_TOO_LARGE),
        ({"limit_price": Decimal("89000.05")}, RefusalReason.BAD_PRICE),
        ({"limit_price": Decimal(0)}, RefusalReason.BAD_PRICE),
        ({"limit_price": Decimal("Infinity")}, RefusalReason.BAD_PRICE),
        ({"limit_price": None}, RefusalReason.BAD_PRICE),
        ({"limit_price": Decimal(99_000)}, RefusalReason.PRICE_OUTSIDE_COLLAR),
        ({"limit_price": Decimal(80_000), "side": Side.SELL}, RefusalReason.PRICE_OUTSIDE_COLLAR),
        ({"limit_price": Decimal(100), "qty_contracts": Decimal("0.001")}, RefusalReason.BELOW_MIN_NOTIONAL),
        ({"qty_contracts": Decimal(200)}, RefusalReason.INSUFFICIENT_MARGIN),
        ({"reduce_only": True}, RefusalReason.REDUCE_ONLY_VIOLATION),
        ({"instrument": SPOT, "qty_contracts": Decimal(10)}, RefusalReason.INSUFFICIENT_BALANCE),
        (
            {"instrument": SPOT, "qty_contracts": Decimal(3), "side": Side.SELL, **MARKET},
            RefusalReason.INSUFFICIENT_BALANCE,
        ),
    ],
)
def test_each_wrong_order_has_its_reason_and_leaves_no_trace(
    exchange: Exchange, changes: dict[str, object], reason: RefusalReason
) -> None:
    before = exchange.wallet("main")
    answer = exchange.place(msgspec.structs.replace(BASE, client_id="c1", **changes))
    assert isinstance(answer, Refusal)
    assert answer.reason is reason
    assert answer.detail
    assert exchange.wallet("main") == before
    assert exchange.open_orders("main") == exchange.order_history("main") == ()
    assert isinstance(exchange.place(msgspec.structs.replace(BASE, client_id="c1")), Ack), "the client id is still free"


def test_open_orders_are_counted_per_instrument(exchange: Exchange) -> None:
    small = msgspec.structs.replace(BASE, qty_contracts=Decimal("0.001"))
    for _ in range(OPEN_ORDERS_MAX):
        assert isinstance(exchange.place(small), Ack)
    answer = exchange.place(small)
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.TOO_MANY_ORDERS
    assert isinstance(exchange.place(msgspec.structs.replace(small, instrument=SPOT)), Ack)


def test_open_spot_orders_lock_their_coins(exchange: Exchange) -> None:
    sell = msgspec.structs.replace(
        BASE, instrument=SPOT, side=Side.SELL, limit_price=Decimal(93_000), qty_contracts=Decimal("1.5")
    )
    assert isinstance(exchange.place(sell), Ack)
    assert {coin.coin: coin.locked for coin in exchange.wallet("main").coins}["BTC"] == Decimal("1.5")
    answer = exchange.place(sell)
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.INSUFFICIENT_BALANCE


def test_what_lowers_margin_always_passes(exchange: Exchange) -> None:
    """An account at its limit can still close, but not open."""
    opened = msgspec.structs.replace(BASE, qty_contracts=Decimal(80), **MARKET)
    assert isinstance(exchange.place(opened), Ack)
    more = exchange.place(opened)
    assert isinstance(more, Refusal)
    assert more.reason is RefusalReason.INSUFFICIENT_MARGIN
    assert isinstance(exchange.place(msgspec.structs.replace(opened, side=Side.SELL)), Ack)


MARKET_BUY = OrderRequest(
    account="main", instrument=BTCUSDT, side=Side.BUY, type=OrderType.MARKET, qty_contracts=Decimal(2)
)


def test_leverage_moves_the_initial_margin_only(exchange: Exchange) -> None:
    exchange.place(MARKET_BUY)
    before = exchange.wallet("main")
    told: list[Notice] = []
    exchange.listen(told.append)
    assert exchange.set_leverage("main", BTCUSDT, Decimal(5)) is None
    after = exchange.wallet("main")
    assert after.initial_margin_usd == pytest.approx(2 * before.initial_margin_usd)
    assert after.maintenance_margin_usd == before.maintenance_margin_usd
    (position,) = exchange.positions("main")
    assert [one.position for one in told if isinstance(one, PositionChanged)] == [position]
    assert (position.leverage, exchange.leverage("main", BTCUSDT)) == (Decimal(5), Decimal(5))
    assert (
        exchange.leverage("main", InstrumentId("bybit:linear:ETHPERP"))
        == exchange.leverage("other", BTCUSDT)
        == Decimal(10)
    )


@pytest.mark.parametrize(
    ("leverage", "reason"),
    [
        ("10", RefusalReason.NOT_MODIFIED),
        ("0.99", RefusalReason.LEVERAGE_OUT_OF_RANGE),
        ("100.01", RefusalReason.LEVERAGE_OUT_OF_RANGE),
        ("5.005", RefusalReason.LEVERAGE_OUT_OF_RANGE),
        ("NaN", RefusalReason.LEVERAGE_OUT_OF_RANGE),
        ("100", RefusalReason.LEVERAGE_OUT_OF_RANGE),  # the position's tier allows less
        ("1", RefusalReason.INSUFFICIENT_MARGIN),
    ],
)
def test_a_wrong_leverage_changes_nothing(exchange: Exchange, leverage: str, reason: RefusalReason) -> None:
    assert isinstance(exchange.place(msgspec.structs.replace(MARKET_BUY, qty_contracts=Decimal(50))), Ack)
    before = exchange.wallet("main")
    refused = exchange.set_leverage("main", BTCUSDT, Decimal(leverage))
    assert refused is not None
    assert refused.reason is reason
    assert exchange.wallet("main") == before
    spot = exchange.set_leverage("main", SPOT, Decimal(1))
    assert spot is not None
    assert spot.reason is RefusalReason.LEVERAGE_OUT_OF_RANGE
