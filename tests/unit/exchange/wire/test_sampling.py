"""What is looked at once a second."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.wire.bars import BarKind, Bars
from hedgebot.exchange.wire.sampling import backfill, premium_index, sample

PERP = InstrumentId("bybit:linear:BTCUSDT")


@pytest.mark.parametrize(
    ("bid", "ask", "index", "premium"),
    [
        ("100", "101", "100.5", "0"),  # the index lies between them
        ("102", "103", "100", "0.02"),
        ("97", "98", "100", "-0.02"),
        (None, "98", "100", None),
    ],
)
def test_a_premium_is_how_far_the_touch_stands_off(
    exchange: Exchange, bid: str | None, ask: str, index: str, premium: str | None
) -> None:
    shown = msgspec.structs.replace(
        exchange.ticker(PERP), bid=None if bid is None else Decimal(bid), ask=Decimal(ask), index=Decimal(index)
    )
    assert premium_index(shown) == (None if premium is None else Decimal(premium))


def test_every_contract_and_option_is_sampled(exchange: Exchange) -> None:
    bars = Bars()
    sample(exchange, bars)
    for kind in (BarKind.MARK, BarKind.INDEX, BarKind.OPEN_INTEREST, BarKind.PREMIUM):
        (bar,) = bars.rows(PERP, "1", 5, kind)
        assert bar.open == bar.close
    assert bars.rows(PERP, "1", 5, BarKind.MARK)[0].close == exchange.ticker(PERP).mark
    option = next(one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option)
    assert bars.rows(option, "1", 5, BarKind.MARK)[0].close == exchange.option_ticker(option).mark
    assert bars.rows(option, "1", 5, BarKind.INDEX) == []


def test_trades_from_before_anybody_looked_are_counted(exchange: Exchange) -> None:
    exchange.advance(exchange.now_ns + 30_000_000_000)
    bars = Bars()
    backfill(exchange, bars)
    assert sum(bar.volume for bar in bars.rows(PERP, "1", 5)) == sum(
        trade.qty_contracts for trade in exchange.trades(PERP, 10_000)
    )
