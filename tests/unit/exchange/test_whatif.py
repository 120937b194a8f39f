"""Margin rates of an order that is not placed."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import Ack, Notice, OrderRequest, OrderType, RefusalReason

BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")
BUY = OrderRequest(
    account="main", instrument=BTCUSDT, side=Side.BUY, type=OrderType.MARKET, qty_contracts=Decimal(5), client_id="w"
)


def option(exchange: Exchange, suffix: str) -> InstrumentId:
    return next(
        one.instrument.id
        for one in exchange.listings()
        if one.instrument.underlying == "BTC" and one.instrument.id.endswith(suffix)
    )


def test_asking_changes_nothing(exchange: Exchange) -> None:
    told: list[Notice] = []
    exchange.listen(told.append)
    before = (exchange.wallet("main"), exchange.positions("main"), exchange.book(BTCUSDT))
    first = exchange.what_if(BUY)
    assert exchange.what_if(BUY) == first
    assert (exchange.wallet("main"), exchange.positions("main"), exchange.book(BTCUSDT)) == before
    assert told == []
    assert isinstance(exchange.place(BUY), Ack), "the client id was not used up"


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("word", [BTCUSDT, "-C-USDT", "-P-USDT"])
def test_the_forecast_is_what_happens(exchange: Exchange, word: str, side: Side) -> None:
    exchange.place(msgspec.structs.replace(BUY, qty_contracts=Decimal(2), client_id=None))
    name = InstrumentId(word) if word == BTCUSDT else option(exchange, word)
    request = msgspec.structs.replace(BUY, instrument=name, side=side, qty_contracts=Decimal(3))
    found = exchange.what_if(request)
    assert found.refusal is None
    wallet = exchange.wallet("main")
    assert (found.initial_rate_before, found.maintenance_rate_before) == (
        wallet.initial_margin_rate,
        wallet.maintenance_margin_rate,
    )
    assert isinstance(exchange.place(request), Ack)
    wallet = exchange.wallet("main")
    # The fill is beside the mark by the spread, so a little of the balance differs.
    assert found.initial_rate_after == pytest.approx(wallet.initial_margin_rate, rel=0.01)
    assert found.maintenance_rate_after == pytest.approx(wallet.maintenance_margin_rate, rel=0.01)


def test_a_closing_order_frees_margin_and_reduce_only_counts_to_flat(exchange: Exchange) -> None:
    exchange.place(BUY)
    close = msgspec.structs.replace(BUY, side=Side.SELL, client_id=None, reduce_only=True, qty_contracts=Decimal(50))
    found = exchange.what_if(close)
    assert (found.initial_rate_after, found.maintenance_rate_after) == (0.0, 0.0)
    assert found.initial_rate_before is not None
    assert found.initial_rate_before > 0


def test_what_cannot_be_afforded_says_so_with_its_rates(exchange: Exchange) -> None:
    found = exchange.what_if(msgspec.structs.replace(BUY, qty_contracts=Decimal(200)))
    assert found.refusal is not None
    assert found.refusal.reason is RefusalReason.INSUFFICIENT_MARGIN
    assert found.initial_rate_after is not None
    assert found.initial_rate_after > 1.0


@pytest.mark.parametrize("qty", ["NaN", "-1", "0", "Infinity", "1e30"])
def test_nonsense_is_refused_without_a_crash(exchange: Exchange, qty: str) -> None:
    found = exchange.what_if(msgspec.structs.replace(BUY, qty_contracts=Decimal(qty)))
    assert found.refusal is not None
    assert found.refusal.reason is RefusalReason.BAD_QTY


def test_without_a_balance_there_is_no_rate(exchange: Exchange) -> None:
    exchange._accounts["main"].coins.update({name: Decimal(-1) for name in ("USDT", "USDC", "BTC", "ETH")})
    found = exchange.what_if(BUY)
    assert found.initial_rate_before is None
    assert found.maintenance_rate_after is None


@pytest.mark.parametrize("price", ["0", "1e30", "NaN"])
def test_a_price_that_cannot_be_counted_changes_nothing(exchange: Exchange, price: str) -> None:
    inverse = InstrumentId("bybit:inverse:BTCUSD")
    request = msgspec.structs.replace(BUY, instrument=inverse, type=OrderType.LIMIT, limit_price=Decimal(price))
    found = exchange.what_if(request)
    assert found.refusal is not None
    assert found.refusal.reason is RefusalReason.BAD_PRICE
    assert found.initial_rate_before == found.initial_rate_after
