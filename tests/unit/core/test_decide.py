"""Decisions and their records: news once, evidence whole, no row per tick while a rule refuses."""

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.commands import DecisionCause, Outcome, RecordRefusal
from hedgebot.domain.instrument import Side
from tests.support.playbook import ACCOUNT, BTC_CALL, PRICE, Playbook, decisions, of_type, orders, settings


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def test_a_hedge_goes_inside_the_band_never_to_zero(book: Playbook) -> None:
    decision = decisions(book.send(book.fill(Side.BUY, "0.2")))[0]
    assert decision.outcome is Outcome.HEDGE
    assert decision.trade_coin == pytest.approx(-(0.2 - 0.75 * 0.05))


def test_the_edge_itself_is_inside(book: Playbook) -> None:
    assert orders(book.send(book.fill(Side.BUY, "0.05"))) == []
    assert len(orders(book.send(book.fill(Side.BUY, "0.001")))) == 1


def test_evidence_has_inputs_and_ages(book: Playbook) -> None:
    evidence = decisions(book.send(book.fill(Side.BUY, "0.2")))[0].evidence
    for key in (
        "price_usd",
        "bid",
        "ask",
        "mark",
        "book_age_ms",
        "mark_age_ms",
        "funding_rate",
        "config_hash",
        "at_ns",
    ):
        assert evidence[key] is not None, key


def test_a_lasting_refusal_is_written_once_then_every_half_minute(book: Playbook) -> None:
    book.send(book.ticker("150000"))
    heard = list(book.send(book.fill(Side.BUY, "0.2")))
    for _ in range(100):
        book.send(book.ticker("150000"))
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        heard += book.send(book.book(), 100)
    refusals = of_type(heard, RecordRefusal)
    assert [one.refused.check.rule for one in refusals] == ["book_mark_gap_bps"]
    for number in range(250):
        book.send(book.ticker("150000"))
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        heard += book.send(book.book(PRICE + number % 2), 100)
    assert len(of_type(heard, RecordRefusal)) == 2


def test_less_than_a_lot_is_a_no_op_with_its_residual() -> None:
    plain = settings()
    book = Playbook(plain)
    book.ready()
    rules = book.state.instruments
    name = plain.underlyings[0].hedge_instrument
    rules[name] = msgspec.structs.replace(
        rules[name], lot_size=rules[name].lot_size * 1000, qty_min=rules[name].qty_min * 1000
    )
    heard = book.send(book.fill(Side.BUY, "0.2"))
    assert orders(heard) == []
    assert decisions(heard)[0].outcome is Outcome.NO_LOT
    assert book.state.underlyings["BTC"].residual_coin == pytest.approx(-0.1625)
    assert decisions(book.send(book.book())) == []


def test_coming_back_inside_by_itself_clears_the_breach(book: Playbook) -> None:
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="gone"))
    book.send(book.fill(Side.BUY, "0.2"))
    assert book.state.underlyings["BTC"].breach_since_ns
    book.send(book.fill(Side.SELL, "0.2"))
    assert book.state.underlyings["BTC"].breach_since_ns == 0


def test_a_fill_of_an_unquoted_option_stays_the_cause_when_its_quote_comes(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    book.send(book.book())
    assert decisions(book.send(book.option()))[0].cause is DecisionCause.FILL


def test_a_book_without_an_enabled_strategy_decides_nothing(book: Playbook) -> None:
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="ann", reason="off"))
    assert decisions(book.send(book.fill(Side.BUY, "5"))) == []
