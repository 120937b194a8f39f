"""Changed trading rules: shapes are taken over and recorded, meanings halt the book, others pass without a word."""

from decimal import Decimal

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RaiseAlert, RecordAdjustment
from hedgebot.domain.instrument import InstrumentKind, Side
from tests.support.playbook import (
    BTC_CALL,
    BTC_INVERSE,
    BTC_PERP,
    BTC_USDC,
    INSTRUMENTS,
    Playbook,
    instrument,
    of_type,
    orders,
    the_order,
)


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def load(book: Playbook, *changed: object) -> list[RecordAdjustment]:
    book.heard.clear()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=changed))  # type: ignore[arg-type]
    return of_type(book.heard, RecordAdjustment)


def test_the_same_rules_again_are_no_news_and_none_is_forgotten(book: Playbook) -> None:
    known = dict(book.state.instruments)
    assert load(book, *INSTRUMENTS) == []
    assert load(book, INSTRUMENTS[0]) == []
    assert book.state.instruments == known


def test_another_lot_is_recorded_and_the_next_order_keeps_to_it(book: Playbook) -> None:
    (record,) = load(
        book, instrument(BTC_PERP, tick_size=Decimal("0.5"), lot_size=Decimal("0.01"), qty_min=Decimal("0.01"))
    )
    assert record.subject == "rules of BTCUSDT"
    assert (record.before, record.after) == (
        "tick_size 0.1, lot_size 0.001, qty_min 0.001",
        "tick_size 0.5, lot_size 0.01, qty_min 0.01",
    )
    assert not of_type(book.heard, RaiseAlert)
    intent = the_order(book.send(book.fill(Side.BUY, "0.2"))).approved.intent
    assert intent.qty_contracts == Decimal("0.16")
    assert intent.limit_price % Decimal("0.5") == 0


def test_a_contract_that_stands_for_ten_coins_halts_and_counts_at_once(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.01"))
    (record,) = load(book, instrument(BTC_USDC, quote="USDC", settle="USDC", contract_size=Decimal(10)))
    assert (record.before, record.after) == ("contract_size 1", "contract_size 10")
    assert book.mode() is Mode.HALTED
    assert book.state.latched
    assert book.is_up(AlertKind.SUSPECT_DATA)
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.1")
    assert orders(book.send(book.fill(Side.BUY, "1"))) == []


def test_the_hedge_instrument_matters_before_anything_is_held(book: Playbook) -> None:
    load(book, instrument(BTC_PERP, contract_size=Decimal("0.001")))
    assert book.mode() is Mode.HALTED
    assert "contract_size 1 became contract_size 0.001" in book.state.mode_reason


def test_what_is_neither_held_nor_hedged_with_changes_without_a_word(book: Playbook) -> None:
    changed = instrument(
        BTC_INVERSE, InstrumentKind.INVERSE_PERP, quote="USD", settle="BTC", contract_size=Decimal(100)
    )
    assert load(book, changed) == []
    assert book.state.instruments[BTC_INVERSE].contract_size == 100
    assert book.mode() is Mode.ACTIVE


def test_an_option_whose_strike_moved_halts(book: Playbook) -> None:
    book.send(book.option())
    book.done(the_order(book.send(book.fill(Side.BUY, "1", BTC_CALL))))
    moved = instrument(
        BTC_CALL,
        InstrumentKind.LINEAR_OPTION,
        lot_size=Decimal("0.01"),
        qty_min=Decimal("0.01"),
        strike=Decimal(90_000),
    )
    load(book, moved)
    assert book.mode() is Mode.HALTED
    assert "strike 100000 became strike 90000" in book.state.mode_reason


def test_a_change_while_we_were_down_is_found_at_the_start(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.01"))
    book.start(epoch=2)
    load(book, instrument(BTC_USDC, quote="USDC", settle="USDC", contract_size=Decimal(10)))
    assert book.mode() is Mode.HALTED


def test_the_alert_of_a_changed_meaning_ends_with_the_operators_review(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.01"))
    load(book, instrument(BTC_USDC, quote="USDC", settle="USDC", contract_size=Decimal("0.1")))
    assert book.is_up(AlertKind.SUSPECT_DATA)
    book.send(book.book())
    book.send(book.ticker())
    book.unkill()
    assert not book.state.latches
    assert not book.is_up(AlertKind.SUSPECT_DATA)
