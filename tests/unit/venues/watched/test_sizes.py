"""Orders in words as contracts: coins and USD, linear and inverse, floored to the lot."""

from decimal import Decimal

import pytest

from hedgebot.domain.errors import VenueError
from hedgebot.domain.instrument import Side
from hedgebot.domain.whatif import OrderKind, WantedOrder
from hedgebot.venues.watched.sizes import contracts_of
from tests.support.playbook import BTC_PERP, instrument
from tests.support.watched import RULES

PRICE = Decimal(100_000)


def order(qty: str, *, in_usd: bool = False) -> WantedOrder:
    return WantedOrder(side=Side.SELL, qty=Decimal(qty), in_usd=in_usd, underlying="BTC", kind=OrderKind.PERP)


@pytest.mark.parametrize(
    ("qty", "in_usd", "inverse", "linear"), [("2", False, "200000", "2"), ("12345", True, "12340", "0.123")]
)
def test_sizes(qty: str, in_usd: bool, inverse: str, linear: str) -> None:
    # The fixture's inverse contract is one USD, its lot ten.
    assert contracts_of(order(qty, in_usd=in_usd), RULES, PRICE) == Decimal(inverse)
    assert contracts_of(order(qty, in_usd=in_usd), instrument(BTC_PERP), PRICE) == Decimal(linear)


def test_less_than_a_lot_is_said() -> None:
    with pytest.raises(VenueError, match=r"0.0001 is less than one lot of BTCUSDT \(0.001 contracts\)"):
        contracts_of(order("0.0001"), instrument(BTC_PERP), PRICE)
