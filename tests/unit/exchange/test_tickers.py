import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange

S = 1_000_000_000


def test_linear_tickers_agree_with_book_and_tape(exchange: Exchange, start_ns: int) -> None:
    exchange.advance(start_ns + 30 * S)
    for word in ("spot:BTCUSDT", "linear:BTCUSDT", "linear:ETHPERP"):
        name = InstrumentId(f"bybit:{word}")
        ticker, book = exchange.ticker(name), exchange.book(name, 1)
        assert (ticker.bid, ticker.bid_qty) == book.bids[0]
        assert (ticker.ask, ticker.ask_qty) == book.asks[0]
        assert ticker.last == exchange.trades(name)[-1].price
        assert ticker.low_24h <= ticker.last <= ticker.high_24h
        # Clients check turnover against volume.
        assert ticker.volume_24h * ticker.low_24h <= ticker.turnover_24h <= ticker.volume_24h * ticker.high_24h
        is_spot = word.startswith("spot")
        assert (ticker.mark is None) is (ticker.funding_rate is None) is (ticker.next_funding_at_ns is None) is is_spot
        if ticker.next_funding_at_ns is not None:
            assert ticker.next_funding_at_ns > exchange.now_ns


def test_option_tickers_are_quoted_around_the_mark(exchange: Exchange, start_ns: int) -> None:
    exchange.advance(start_ns + 5 * S)
    options = [one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option]
    for name in options:
        ticker = exchange.option_ticker(name)
        assert ticker.ask is not None
        assert ticker.mark < ticker.ask
        if ticker.bid is not None:
            assert ticker.bid < ticker.mark
            if ticker.bid_iv is not None and ticker.ask_iv is not None:
                assert ticker.bid_iv < ticker.mark_iv < ticker.ask_iv
        assert -1 <= ticker.delta <= 1
        assert ticker.last is None
        assert ticker.low_24h <= ticker.high_24h


def test_asking_for_the_wrong_kind_or_name_is_a_key_error(exchange: Exchange) -> None:
    with pytest.raises(KeyError):
        exchange.option_ticker(InstrumentId("bybit:linear:BTCUSDT"))
    with pytest.raises(KeyError):
        exchange.ticker(InstrumentId("bybit:linear:DOGEUSDT"))
