"""The hedge instruments of an underlying: what stands in each of them, and together."""

import msgspec
import pytest

from hedgebot.core import hedges
from hedgebot.domain.settings import EngineSettings, HedgeLeg, HedgeRole
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_USDC, Playbook, settings


def two_legged(**changes: object) -> EngineSettings:
    """The playbook's book with a second perpetual for long hedges; `changes` replace fields of the underlying."""
    made = settings()
    other = HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY)
    btc = msgspec.structs.replace(made.underlyings[0], other_hedges=(other,), **changes)
    return msgspec.structs.replace(made, underlyings=(btc,))


def test_what_stands_in_each_and_together() -> None:
    book = Playbook(two_legged())
    book.ready([book.position("-0.5"), book.position("0.2", BTC_USDC)])
    configured = book.settings.underlyings[0]
    assert hedges.held_coins(book.state, configured) == {BTC_PERP: -0.5, BTC_USDC: pytest.approx(0.2)}
    assert hedges.held_coin(book.state, configured) == pytest.approx(-0.3)


def test_positions_on_other_instruments_are_no_hedge() -> None:
    book = Playbook()
    book.ready([book.position("0.2", BTC_USDC)])
    assert hedges.held_coins(book.state, book.settings.underlyings[0]) == {BTC_PERP: 0.0}
    assert book.state.settings.hedges_on(ACCOUNT) == {BTC_PERP: "BTC"}
