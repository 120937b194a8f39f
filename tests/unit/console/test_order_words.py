"""Orders in words: what is understood, and which word is named when it is not."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from hedgebot.console.errors import WrongUse
from hedgebot.console.order_words import read_order
from hedgebot.domain.instrument import Side
from hedgebot.domain.whatif import OrderKind, WantedOrder

COINS, VENUES = ("BTC", "ETH"), ("bybit", "okx")


def read(text: str) -> WantedOrder:
    return read_order(text, COINS, VENUES)


@pytest.mark.parametrize(
    ("text", "side", "qty", "in_usd", "coin", "kind", "venue"),
    [
        ("sell 2 BTC perp on bybit", Side.SELL, "2", False, "BTC", OrderKind.PERP, "bybit"),
        ("Short 0.25 btc PERPETUAL", Side.SELL, "0.25", False, "BTC", OrderKind.PERP, ""),
        ("buy 50k USD of ETH swap on OKX", Side.BUY, "50000", True, "ETH", OrderKind.PERP, "okx"),
        ("long 1,500 USDT ETH spot on okx", Side.BUY, "1500", True, "ETH", OrderKind.SPOT, "okx"),
        ("buy 3 ETH future on okx", Side.BUY, "3", False, "ETH", OrderKind.FUTURE, "okx"),
        ("buy 10 BTC-PERPETUAL on okx", Side.BUY, "10", False, "BTC", OrderKind.PERP, "okx"),
        ("sell 50k USD of eth-swap", Side.SELL, "50000", True, "ETH", OrderKind.PERP, ""),
        ("buy 1m usd BTC perp", Side.BUY, "1000000", True, "BTC", OrderKind.PERP, ""),
    ],
)
def test_plain_words_are_read(
    text: str, side: Side, qty: str, in_usd: bool, coin: str, kind: OrderKind, venue: str
) -> None:
    assert read(text) == WantedOrder(
        side=side, qty=Decimal(qty), in_usd=in_usd, underlying=coin, kind=kind, venue=venue
    )


def test_futures_and_options_say_what_they_are() -> None:
    expiry_ns = int(datetime(2027, 3, 26, 8, tzinfo=UTC).timestamp()) * 1_000_000_000
    assert read("buy 1 BTC future 2027-03-26 on okx").expiry_ns == expiry_ns
    call = read("sell 1 BTC call 120k 2027-03-26 iv 55 on bybit")
    assert (call.kind, call.strike, call.is_call, call.vol) == (OrderKind.OPTION, 120_000.0, True, 0.55)
    assert call.expiry_ns == expiry_ns
    assert read("buy 1 ETH put 2000 2027-03-26 iv 70").is_call is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sel 2 BTC perp", '"sel" cannot be read in "sel 2 BTC perp": a side must be one of buy, long, sell, short'),
        ("sell two BTC perp", '"two" cannot be read'),
        ("sell -2 BTC perp", '"-2" cannot be read'),
        ("sell 0 BTC perp", '"0" cannot be read'),
        ("sell nan BTC perp", '"nan" cannot be read'),
        ("sell 2 DOGE perp", '"DOGE" cannot be read.*must be an underlying of the book: BTC, ETH'),
        ("sell 2 BTC forward", '"forward" cannot be read.*one of perp, future, call, put, spot'),
        ("sell 2 BTC perp at bybit", '"at" cannot be read'),
        ("sell 2 BTC perp on ftx", '"ftx" cannot be read.*one of bybit, okx'),
        ("sell 2 BTC perp on okx now", '"now" cannot be read.*ends with its venue'),
        ("buy 1 BTC future tomorrow", '"tomorrow" cannot be read.*such as 2027-03-26'),
        ("buy 1 BTC call 120000 2027-03-26 vol 55", '"vol" cannot be read.*such as: iv 55'),
        ("", "ends where a side"),
        ("sell 2", "ends where a coin"),
        ("sell 2 BTC", "ends where a kind of instrument"),
        ("sell 2 BTC perp on", "ends where a venue"),
        ("buy 1 BTC call 120000", "ends where an expiry"),
    ],
)
def test_the_word_that_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(WrongUse, match=words) as found:
        read(text)
    assert "sell 2 BTC perp on bybit" in str(found.value)
