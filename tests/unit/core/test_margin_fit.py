"""A hedge that its account cannot afford: a part is sent, the rest is told with the top-up, and nothing is silent."""

from decimal import Decimal

import msgspec

from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, Outcome, RaiseAlert, ResolveAlert
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import MarginMode
from tests.support.margins import held, margined, report
from tests.support.playbook import BTC_PERP, BTC_SPOT, Playbook, decisions, of_type, orders, the_order

SUBJECT = "main BTC hedge"


def _book(equity: float, mode: MarginMode = MarginMode.PORTFOLIO) -> Playbook:
    """Two short perpetuals against two coins, and this much equity by the venue."""
    settings = margined(mode, liquidation_distance_min=0.0)
    wide = msgspec.structs.replace(settings.underlyings[0], order_qty_coin_max=10.0, order_notional_usd_max=2e6)
    book = Playbook(msgspec.structs.replace(settings, underlyings=(wide,)))
    book.ready(positions=[held(book, "-2")], btc="2")
    assert book.mode() is Mode.ACTIVE
    report(book, equity, coins={"BTC": "2", "USDT": "0"})
    book.send(book.ticker(name=BTC_SPOT))
    return book


def _client_buys(book: Playbook, qty: str) -> tuple[Command, ...]:
    """The client buys coins: the book is longer, a hedge must sell."""
    return book.send(book.fill(Side.BUY, qty, BTC_SPOT))


def test_a_hedge_within_the_buffer_is_sent_whole() -> None:
    book = _book(200_000.0)
    order = the_order(_client_buys(book, "1"))
    assert order.approved.intent.qty_contracts == Decimal("0.962")
    assert not book.is_up(AlertKind.MARGIN_BUFFER_LOW)
    (check,) = [one for one in order.approved.checks if one.rule == "margin_use"]
    assert check.limit == 0.80


def test_a_hedge_through_the_floor_is_cut_and_the_rest_is_told() -> None:
    book = _book(30_000.0)
    heard = _client_buys(book, "3")
    order = the_order(heard)
    # 0.8 * 30,000 / 10,030 = 2.39 in all: 0.39 more, less what slippage and fee take.
    assert Decimal("0.35") < order.approved.intent.qty_contracts < Decimal("0.393")
    (alert,) = of_type(heard, RaiseAlert)
    assert (alert.kind, alert.subject) == (AlertKind.MARGIN_BUFFER_LOW, SUBJECT)
    assert "a top-up of" in alert.summary
    assert "USD would cover the rest" in alert.summary


def test_nothing_fits_below_the_floor_and_the_journal_says_so() -> None:
    book = _book(24_000.0)
    heard = _client_buys(book, "1")
    assert orders(heard) == []
    (decision,) = decisions(heard)
    assert decision.outcome is Outcome.REFUSED
    assert "main can afford 0 of sell" in decision.explanation
    # The other way is free: the client sells, the short shrinks.
    order = the_order(book.send(book.fill(Side.SELL, "2", BTC_SPOT)))
    assert order.approved.intent.side is Side.BUY
    assert order.approved.intent.reduce_only
    assert order.approved.risk_reducing


def test_the_alert_ends_when_the_whole_hedge_fits_or_none_is_wanted() -> None:
    book = _book(24_000.0)
    _client_buys(book, "1")
    assert book.is_up(AlertKind.MARGIN_BUFFER_LOW)
    heard = book.send(book.fill(Side.SELL, "1", BTC_SPOT))
    assert [one.subject for one in of_type(heard, ResolveAlert)] == [SUBJECT]
    _client_buys(book, "1")
    report(book, 500_000.0, coins={"BTC": "3", "USDT": "0"})
    heard = book.tick(after_ms=300)
    assert the_order(heard).approved.intent.instrument == BTC_PERP
    assert SUBJECT in [one.subject for one in of_type(heard, ResolveAlert)]


def test_in_reducing_a_hedge_within_the_floor_still_goes() -> None:
    book = _book(200_000.0)
    book.state.mode = Mode.REDUCING
    assert the_order(_client_buys(book, "1")).approved.risk_reducing
