"""Binance's positions as models read them; whole readings are in tests/wire/test_watched.py."""

import pytest

from hedgebot.domain.health import Holding
from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.binance import position_of


def test_a_position_is_coins_at_the_mark_that_its_value_implies() -> None:
    found = position_of(Holding(instrument="ETHUSDC", contracts=-2.0, value=8_000.0, entry=4_100.0, leverage=5.0))
    assert (found.rules.underlying, found.rules.quote, found.contracts, found.mark) == ("ETH", "USDC", -2.0, 4_000.0)
    assert (found.profit_settle, found.leverage) == (200.0, 5.0)
    assert found.rules.settle == "USDC", "its profit is in the coin it is quoted in"


@pytest.mark.parametrize(
    "held", [Holding(instrument="BTCUSD_PERP", contracts=1.0, value=1.0), Holding(instrument="BTCUSDT", contracts=1.0)]
)
def test_what_has_no_value_in_a_stablecoin_is_refused(held: Holding) -> None:
    with pytest.raises(FrameProblem, match="has no value in a stablecoin"):
        position_of(held)
