"""Pairs of a move: where the second order goes, and what happens when its market is away or a lot is left over."""

from decimal import Decimal

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.commands import RecordRefusal, SubmitOrder
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    MS,
    Playbook,
    instrument,
    of_type,
    orders,
)
from tests.support.switches import HOUR_MS, market, ready, switchable
from tests.unit.core.test_moving import CHEAP, DEAR, PIECE, delta, held, next_order, started


def wide(book: Playbook) -> None:
    """The other market's spread is beyond what an order may meet."""
    book.send(book.book("100000", BTC_USDC, spread="2000"))


def test_a_market_that_comes_and_goes_has_nothing_closed_and_bought_back_again_and_again() -> None:
    """Each round would cost two trades, every few seconds, within every limit of repeats and of volume."""
    book = ready(switchable(), perp="-0.3")
    sent: list[SubmitOrder] = []
    for _ in range(200):
        order = next_order(book)  # the other market is there when a piece is closed
        wide(book)  # and gone when it would be opened
        while order is not None:
            sent.append(order)
            found = orders(book.done(order))
            order = found[0] if found else None
        found = orders(book.tick())
        while found:
            sent += found
            found = orders(book.done(found[0]))
    closed = [one.approved.intent for one in sent if one.approved.intent.instrument == BTC_PERP]
    # Every piece that is closed is opened when the other market is back: after ten minutes all is moved, once.
    assert {one.side for one in closed} == {Side.BUY}
    assert sum(one.qty_contracts for one in closed) == Decimal("0.3")
    assert abs(delta(book)) <= 0.05


def test_what_was_closed_is_opened_elsewhere_as_soon_as_that_market_is_back() -> None:
    book, first = started()
    wide(book)
    assert orders(book.done(first)) == []
    market(book, perp_rate=DEAR, usdc_rate=CHEAP, after_ms=2_000.0)
    opening = orders(book.heard)[-1].approved.intent
    assert (opening.instrument, opening.side, opening.qty_contracts) == (BTC_USDC, Side.SELL, PIECE)


def test_what_was_closed_is_taken_back_where_it_was_when_the_other_market_stays_away() -> None:
    book, first = started()
    wide(book)
    book.done(first)
    before = len(orders(book.heard))
    for _ in range(40):
        book.at_ns += 2_000 * MS
        book.send(book.book("100000"))
        book.send(book.ticker("100000", rate=DEAR))
        book.send(book.book("100000", BTC_USDC, spread="2000"))
        book.send(book.ticker("100000", rate=CHEAP, name=BTC_USDC))
        book.tick()
        if len(orders(book.heard)) > before:
            break
    back = orders(book.heard)[-1].approved.intent
    assert (back.instrument, back.side, back.qty_contracts) == (BTC_PERP, Side.SELL, PIECE)
    waited_s = (orders(book.heard)[-1].approved.intent.deadline_ns - first.approved.intent.deadline_ns) / 1e9
    assert waited_s >= 60.0


def test_what_must_be_left_is_left_although_the_other_one_is_dearer_and_is_opened_first() -> None:
    """Closing the dearest of what is held would close again what was just opened, every few seconds."""
    book = ready(switchable(), usdc="-0.3", usdc_rate=CHEAP)
    ends_ns = book.at_ns + 3 * HOUR_MS * MS
    book.state.instruments[BTC_USDC] = instrument(BTC_USDC, InstrumentKind.LINEAR_FUTURE, expiry_ns=ends_ns)
    sent: list[SubmitOrder] = []
    for number in range(60):
        seen = len(orders(book.heard))
        if number == 0:
            book.send(book.fill(Side.BUY, "0.2", BTC_SPOT))
        market(book, perp_rate=DEAR, usdc_rate=CHEAP, after_ms=3_000.0)
        while found := orders(book.heard)[seen:]:
            seen += len(found)
            for order in found:
                sent.append(order)
                book.done(order)
    there = {one.approved.intent.side for one in sent if one.approved.intent.instrument == BTC_PERP}
    assert there == {Side.SELL}, "nothing of it is bought back"
    assert held(book)[str(BTC_USDC)] == pytest.approx(0.0)
    assert abs(delta(book)) <= 0.05


def test_a_move_that_is_refused_is_journaled_once_in_half_a_minute() -> None:
    """Inside its band a book is looked at many times a second."""
    book = ready(switchable(), perp="-0.3")
    book.state.accounts[ACCOUNT].private.up = False
    seen = len(book.heard)
    for _ in range(100):
        market(book, perp_rate=DEAR, usdc_rate=CHEAP, after_ms=250.0)
    assert [one.refused.check.rule for one in of_type(book.heard[seen:], RecordRefusal)] == ["account"]


def test_what_is_left_of_a_second_order_and_too_small_for_the_venue_goes_with_the_next_pair() -> None:
    """A least value of 2,000 USD is twenty lots: ten that did not fill cannot be sent alone, and hold nothing up."""
    book = ready(switchable(), perp="-0.3")
    book.state.instruments[BTC_USDC] = instrument(
        BTC_USDC, quote="USDC", settle="USDC", min_notional_quote=Decimal(2_000)
    )
    first = next_order(book)
    assert first is not None
    second = orders(book.done(first))[0]
    filled = "0.027"
    book.send(book.fill(Side.SELL, filled, BTC_USDC, client_id=second.client_id))
    book.send(ev.OrderUpdated(report=book.report(second, OrderStatus.CANCELLED, filled)))
    for _ in range(60):
        seen = len(orders(book.heard))
        market(book, perp_rate=DEAR, usdc_rate=CHEAP, after_ms=3_000.0)
        while found := orders(book.heard)[seen:]:
            seen += len(found)
            for order in found:
                book.done(order)
    # All is moved but what the other market would not take alone.
    assert abs(held(book)[str(BTC_PERP)]) < 0.021
    assert abs(delta(book)) < 0.021
