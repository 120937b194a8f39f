"""The engine's state as a risk book: every leg, and what is missing said."""

import msgspec
import pytest

from hedgebot.core import margin_gate
from hedgebot.core.risk_book import risk_book
from hedgebot.domain.instrument import Side
from hedgebot.domain.riskbook import LegKind
from hedgebot.margin.revaluation import Columns
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_INVERSE, BTC_PERP, BTC_SPOT, BTC_USDC, PRICE, Playbook


def test_legs_are_what_is_held() -> None:
    book = Playbook()
    book.ready(btc="2")
    book.send(book.option())
    book.send(book.fill(Side.SELL, "3", BTC_CALL))
    book.send(book.fill(Side.BUY, "0.5"))
    book.send(book.fill(Side.SELL, "50000", BTC_INVERSE))
    found = risk_book(book.state, book.at_ns)
    legs = {one.instrument: one for one in found.linear}
    assert {name: leg.kind for name, leg in legs.items()} == {
        "BTC": LegKind.COINS,
        BTC_USDC: LegKind.PERP,
        BTC_INVERSE: LegKind.PERP,
    }
    assert [legs[name].coins for name in ("BTC", BTC_USDC, BTC_INVERSE)] == pytest.approx([2.0, 0.5, -0.5])
    (call,) = found.options
    assert (call.coins, call.strike, call.vol, call.is_call) == (-3.0, 100_000.0, 0.6, True)
    assert found.accounts[0].equity_usd == 1_000_000.0
    assert found.unknown == ()
    (pocket,) = Columns.of(found).pockets
    assert pocket.price_usd == float(PRICE)


def test_an_option_without_a_quote_is_said_and_not_left_out_silently() -> None:
    book = Playbook()
    book.ready()
    book.send(book.fill(Side.SELL, "3", BTC_CALL))
    assert any(BTC_CALL in one for one in risk_book(book.state, book.at_ns).unknown)


def test_equity_that_is_too_old_is_unknown() -> None:
    book = Playbook()
    book.ready()
    later_ns = book.at_ns + (book.state.limits.margin_age_ms_max + 1) * 1_000_000
    (account,) = risk_book(book.state, later_ns).accounts
    assert (account.equity_usd, account.maintenance_margin_usd) == (None, None)


def test_coins_bought_are_coins() -> None:
    book = Playbook()
    book.ready()
    book.send(book.fill(Side.BUY, "1.25", BTC_SPOT))
    (leg,) = risk_book(book.state, book.at_ns).linear
    assert (leg.kind, leg.coins, leg.nominal_coins) == (LegKind.COINS, 1.25, 0.0)


def test_legs_say_what_margin_models_ask() -> None:
    book = Playbook()
    book.ready()
    book.send(book.fill(Side.SELL, "0.5", BTC_PERP))
    book.send(book.fill(Side.SELL, "50000", BTC_INVERSE))
    legs = {one.instrument: one for one in risk_book(book.state, book.at_ns).linear}
    hedge, other = legs[BTC_PERP], legs[BTC_INVERSE]
    assert (hedge.is_hedge, hedge.is_inverse, hedge.expiry_ns, hedge.leverage) == (True, False, None, None)
    assert (other.is_hedge, other.is_inverse) == (False, True)
    assert hedge.price_usd == pytest.approx(float(PRICE))
    (account,) = risk_book(book.state, book.at_ns).accounts
    assert (account.venue, account.margin_mode) == ("bybit", "")


def test_the_accounts_regime_and_the_limits_come_along() -> None:
    book = Playbook()
    book.ready()
    limits = msgspec.structs.replace(book.state.limits, margin_use_no_risk=0.6, margin_use_high_vol=0.4)
    book.state.settings = msgspec.structs.replace(book.state.settings, limits=limits)
    assert not risk_book(book.state, book.at_ns).accounts[0].floor_raised
    book.state.accounts[ACCOUNT].margin.event = "FOMC"
    found, account = risk_book(book.state, book.at_ns), book.state.accounts[ACCOUNT]
    assert found.accounts[0].floor_raised
    assert found.limits.floor_use(raised=True) == margin_gate.floor_use(book.state, account) == 0.4
    assert found.limits.risk_use(raised=False) == 0.6
