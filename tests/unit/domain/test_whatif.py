"""An order in words as a value, and the buffer beside the use."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import Side
from hedgebot.domain.whatif import Numbers, OrderKind, WantedOrder


def order(side: Side, *, in_usd: bool = False, venue: str = "") -> WantedOrder:
    return WantedOrder(side=side, qty=Decimal(2_000), in_usd=in_usd, underlying="BTC", kind=OrderKind.PERP, venue=venue)


def test_coins_are_signed_and_usd_are_divided_by_the_price() -> None:
    assert order(Side.SELL).coins(100.0) == -2_000.0
    assert order(Side.BUY, in_usd=True).coins(100.0) == 20.0


def test_an_order_says_itself_again() -> None:
    assert order(Side.SELL, venue="okx").words == "sell 2000 BTC perp on okx"
    assert order(Side.BUY, in_usd=True).words == "buy 2000 USD of BTC perp"


def test_the_buffer_is_what_the_use_leaves_and_unknown_with_it() -> None:
    assert Numbers(initial=None, maintenance=1.0).buffer is None
    assert Numbers(initial=None, maintenance=1.0, use=0.3).buffer == pytest.approx(0.7)
