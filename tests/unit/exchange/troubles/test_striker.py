"""The one door for troubles."""

import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import PriceShock


def test_a_price_shock_multiplies_the_index(exchange: Exchange) -> None:
    before = exchange.index_price("BTC")
    exchange.strike(PriceShock(underlying="BTC", ratio=0.9))
    exchange.advance(exchange.now_ns + 100_000_000)
    assert exchange.index_price("BTC") / before == pytest.approx(0.9, rel=0.002)


def test_what_cannot_be_is_a_sentence_and_changes_nothing(exchange: Exchange) -> None:
    with pytest.raises(ValueError, match="'DOGE', it must be one of BTC, ETH"):
        exchange.strike(PriceShock(underlying="DOGE", ratio=0.9))
    exchange.strike(PriceShock(underlying="BTC", ratio=0.02))
    with pytest.raises(ValueError, match="together"):
        exchange.strike(PriceShock(underlying="BTC", ratio=0.02))
