from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange

BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")
NOPE = InstrumentId("bybit:linear:NOPE")
S = 1_000_000_000


def test_asking_changes_nothing(exchange: Exchange, start_ns: int) -> None:
    exchange.advance(start_ns + 5 * S)
    asked = [(exchange.book(BTCUSDT), exchange.ticker(BTCUSDT), exchange.wallet("main")) for _ in range(2)]
    assert asked[0] == asked[1]
    assert exchange.now_ns == start_ns + 5 * S
    assert exchange.funding_rates(BTCUSDT) == ()
    for ask in (exchange.deliveries, exchange.positions, exchange.ledger, exchange.interest):
        assert ask("main") == ()
    assert exchange.position("main", BTCUSDT) is None
    assert {one.coin: one.wallet for one in exchange.wallet("main").coins}["BTC"] == Decimal(2)


def test_an_unknown_name_is_a_key_error(exchange: Exchange) -> None:
    assert exchange.listing(NOPE) is None
    for ask in (exchange.book, exchange.ticker, exchange.option_ticker, exchange.trades, exchange.funding_rates):
        with pytest.raises(KeyError):
            ask(NOPE)
    for private in (exchange.wallet, exchange.positions, exchange.executions, exchange.ledger, exchange.deliveries):
        with pytest.raises(KeyError):
            private("nobody")
