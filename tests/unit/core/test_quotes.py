"""Quotes: a middle needs two sides."""

from decimal import Decimal

import pytest

from hedgebot.core.quotes import OptionMark, Quote


@pytest.mark.parametrize(("bid", "ask", "mid"), [("99", "102", "100.5"), (None, "102", None), ("99", None, None)])
def test_a_middle_needs_two_sides(bid: str | None, ask: str | None, mid: str | None) -> None:
    quote = Quote(bid=None if bid is None else Decimal(bid), ask=None if ask is None else Decimal(ask))
    assert quote.mid == (None if mid is None else Decimal(mid))


def test_a_surface_point_is_believed_until_it_is_suspected() -> None:
    assert not OptionMark(iv=0.6, forward=1.0, underlying_price=1.0, mark_coin=0.0, at_ns=1, venue_ns=1).suspect
