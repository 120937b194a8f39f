"""The price shock that the model does not offer itself."""

import numpy as np
import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.pricepath import STEPS_PER_BLOCK
from hedgebot.exchange.wire.local import shock

STEP_NS = 100_000_000


def test_a_shock_moves_one_underlying_and_stays(exchange: Exchange) -> None:
    before = {coin: exchange.index_price(coin) for coin in ("BTC", "ETH")}
    shock(exchange, "BTC", 0.8)
    exchange.advance(exchange.now_ns + 5 * STEP_NS)
    assert exchange.index_price("BTC") / before["BTC"] == pytest.approx(0.8, abs=0.01)
    assert exchange.index_price("ETH") / before["ETH"] == pytest.approx(1.0, abs=0.01)
    exchange.advance(exchange.now_ns + (STEPS_PER_BLOCK + 5) * STEP_NS)
    assert exchange.index_price("BTC") / before["BTC"] == pytest.approx(0.8, abs=0.03)


def test_shocks_multiply(exchange: Exchange) -> None:
    before = exchange.index_price("ETH")
    shock(exchange, "ETH", 2.0)
    shock(exchange, "ETH", 0.25)
    exchange.advance(exchange.now_ns + 2 * STEP_NS)
    assert np.isclose(exchange.index_price("ETH") / before, 0.5, atol=0.01)


def test_an_unknown_underlying(exchange: Exchange) -> None:
    with pytest.raises(KeyError):
        shock(exchange, "DOGE", 2.0)
