"""The standing watch over margin: the mode follows use and distance with hysteresis, a wild market halves the room."""

import math

import msgspec
import pytest

from hedgebot.core import limits, margin_gate
from hedgebot.core.margin_state import Distance
from hedgebot.core.margin_watch import describe, distance_words
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RaiseAlert, RecordMode
from hedgebot.domain.settings import MarginMode
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import BTC_PERP, Playbook, of_type


def _book(contracts: str = "-10", mode: MarginMode = MarginMode.CROSS, **limit: float) -> Playbook:
    book = Playbook(margined(mode, hedges=False, **limit))
    book.ready(positions=[held(book, contracts)])
    return book


def test_equity_follows_the_market_between_two_reports() -> None:
    book = _book(liquidation_distance_min=0.0)
    report(book, 20_000.0)
    assert limits.margin_use(book.state, account_of(book), book.at_ns) == pytest.approx(0.25)
    # Ten short: 1 % up costs 10,000.
    book.send(book.ticker("101000"))
    book.tick(after_ms=300)
    assert limits.margin_use(book.state, account_of(book), book.at_ns) == pytest.approx(5_050 / 10_000)
    book.send(book.ticker("102100"))
    book.tick(after_ms=300)
    assert limits.margin_use(book.state, account_of(book), book.at_ns) == math.inf
    assert book.mode() is Mode.REDUCING


def test_near_liquidation_the_book_reduces_and_says_at_which_price() -> None:
    book = _book(liquidation_distance_min=0.08)
    report(book, 100_000.0)
    book.tick(after_ms=1_100)
    distance = account_of(book).margin.distance
    assert distance is not None
    # 100,000 - 10 * 100,000 m = 10 * 100,000 * (1 + m) * 0.5 %
    assert distance.move == pytest.approx(0.095 / 1.005, abs=2e-4)
    assert distance.price == pytest.approx(100_000 * (1 + 0.095 / 1.005), rel=1e-3)
    assert book.mode() is Mode.ACTIVE
    book.send(book.ticker("102000"))
    heard = book.tick(after_ms=1_100)
    (mode,) = of_type(heard, RecordMode)
    assert mode.after is Mode.REDUCING
    assert "from liquidation (at BTC 109" in mode.reason
    (alert,) = [one for one in of_type(heard, RaiseAlert) if one.kind is AlertKind.LIQUIDATION_DISTANCE_LOW]
    assert alert.kind.runbook == "RB-12"
    # A top-up ends it, well beyond the line and not before.
    report(book, 100_000.0)
    book.tick(after_ms=1_100)
    assert book.mode() is Mode.REDUCING
    report(book, 130_000.0)
    book.tick(after_ms=1_100)
    assert book.mode() is Mode.ACTIVE
    for _ in range(12):
        report(book, 130_000.0)
        book.tick(after_ms=3_000)
    assert not book.is_up(AlertKind.LIQUIDATION_DISTANCE_LOW)


def test_a_near_liquidation_is_not_over_while_nobody_can_measure_it() -> None:
    book = _book(liquidation_distance_min=0.08)
    report(book, 84_000.0)
    book.tick(after_ms=1_100)
    assert book.mode() is Mode.REDUCING
    quote = book.state.quotes[BTC_PERP]
    mark, quote.mark = quote.mark, None
    for _ in range(12):
        report(book, 84_000.0, maintenance=5_000.0)
        book.tick(after_ms=3_000)
    account = account_of(book)
    assert "there is no mark price" in account.margin.unknown
    assert book.mode() is Mode.REDUCING
    assert book.is_up(AlertKind.LIQUIDATION_DISTANCE_LOW)
    assert describe(account).endswith(f"when it was last known: {account.margin.unknown}")
    quote.mark = mark
    report(book, 130_000.0)
    book.tick(after_ms=1_100)
    assert book.mode() is Mode.ACTIVE


def test_an_account_whose_model_was_taken_away_has_no_distance() -> None:
    book = _book(liquidation_distance_min=0.08)
    report(book, 84_000.0)
    book.tick(after_ms=1_100)
    accounts = tuple(msgspec.structs.replace(one, margin_mode=None) for one in book.state.settings.accounts)
    book.state.settings = msgspec.structs.replace(book.state.settings, accounts=accounts)
    report(book, 84_000.0, maintenance=5_000.0)
    book.tick(after_ms=1_100)
    assert account_of(book).margin.distance is None


def test_a_wild_market_takes_the_floor_to_half() -> None:
    book = _book(high_vol_year=1.0, liquidation_distance_min=0.0)
    account, underlying = account_of(book), book.state.underlyings["BTC"]
    report(book, 10_000.0, maintenance=6_000.0)
    book.tick(after_ms=300)
    assert book.mode() is Mode.ACTIVE
    assert margin_gate.floor_use(book.state, account) == 0.80
    underlying.drift.log_var, underlying.drift.log_weight = (1.1 / math.sqrt(365.0)) ** 2, 1.0
    book.tick(after_ms=300)
    assert account.margin.high_vol
    assert margin_gate.floor_use(book.state, account) == margin_gate.risk_use(book.state, account) == 0.50
    assert book.mode() is Mode.REDUCING
    # Calm again only well below the line: 0.9 is not, 0.7 is.
    underlying.drift.log_var = (0.9 / math.sqrt(365.0)) ** 2
    book.tick(after_ms=300)
    assert account.margin.high_vol
    underlying.drift.log_var = (0.7 / math.sqrt(365.0)) ** 2
    book.tick(after_ms=300)
    assert not account.margin.high_vol


def test_old_parameters_are_a_warning() -> None:
    book = _book(margin_parameters_age_days_max=30)
    # The playbook's clock stands before the record's date: no age, no warning.
    book.tick()
    assert not book.is_up(AlertKind.MARGIN_MODEL_DIVERGED)
    book.send(book.book(), after_ms=450 * 86_400_000.0)
    book.tick()
    (alert,) = [one for one in book.state.alerts.values() if one.kind is AlertKind.MARGIN_MODEL_DIVERGED]
    assert "bybit-20261125 are" in alert.summary
    assert "limit 30" in alert.summary


def test_without_a_model_the_watch_is_the_venue_s_number() -> None:
    book = Playbook(margined(None, hedges=False))
    book.ready(positions=[held(book, "-10")])
    report(book, 100_000.0, maintenance=85_000.0)
    book.tick(after_ms=300)
    assert book.mode() is Mode.REDUCING
    assert account_of(book).margin.distance is None
    assert not book.is_up(AlertKind.MARGIN_MODEL_DIVERGED)


def test_the_distance_is_shown_in_words_or_why_it_is_not_known() -> None:
    book = _book()
    report(book, 100_000.0)
    book.tick(after_ms=1_100)
    assert describe(account_of(book)) == "+9.5% from liquidation (at BTC 109453)"
    report(book, 20_000_000.0)
    book.tick(after_ms=1_100)
    assert describe(account_of(book)) == "no move up to 80 % either way liquidates"
    account_of(book).margin.distance = None
    account_of(book).margin.unknown = "there is no mark price of X"
    assert describe(account_of(book)) == "distance unknown: there is no mark price of X"
    account_of(book).margin.unknown = "no margin_mode is set for main"
    assert describe(account_of(book)) == ""


def test_a_distance_names_a_price_only_where_there_is_one() -> None:
    words = [
        distance_words(Distance(underlying=name, move=-0.1, price=price))
        for name, price in (("BTC", 90_000.0), ("BTC", None), ("", None))
    ]
    assert words == [
        "-10.0% from liquidation (at BTC 90000)",
        "-10.0% from liquidation (of BTC)",
        "-10.0% from liquidation (of all underlyings together)",
    ]
