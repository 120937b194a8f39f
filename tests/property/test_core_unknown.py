"""While an order is UNKNOWN: its underlying waits, everything else goes on, and nothing but proof ends it."""

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import CancelOrder, Mode, QueryOrder, SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from tests.support.pairs import show, two_underlyings
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_USDC,
    MS,
    Playbook,
    of_type,
    orders,
    the_order,
)
from tests.support.stories import ETH_USDC


def lose(book: Playbook, order: SubmitOrder) -> None:
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="local:timeout", message=""))


def test_an_unknown_order_holds_its_own_underlying_and_no_other() -> None:
    book = two_underlyings()
    lost = the_order(book.send(book.fill(Side.BUY, "0.2")))
    lose(book, lost)
    assert book.state.orders[lost.client_id].status is OrderStatus.UNKNOWN
    assert orders(book.send(book.fill(Side.BUY, "2"))) == [], "the first sell may be live: both ways count"
    elsewhere = the_order(book.send(book.fill(Side.BUY, "0.2", ETH_USDC)))
    assert elsewhere.approved.intent.underlying == "ETH"
    assert elsewhere.approved.risk_reducing
    assert elsewhere.approved.intent.side is Side.SELL


@pytest.mark.parametrize("mode", [Mode.ACTIVE, Mode.REDUCING])
def test_what_lowers_risk_elsewhere_passes_in_every_mode_that_may(mode: Mode) -> None:
    book = two_underlyings()
    lose(book, the_order(book.send(book.fill(Side.BUY, "0.2"))))
    book.state.mode = mode
    assert orders(book.send(book.fill(Side.BUY, "0.2", ETH_USDC)))


def test_an_order_that_stays_unknown_over_a_restart_does_not_hold_the_other_underlying_for_ever() -> None:
    """Until every deadline has passed the book recovers; after that the order is told and holds only its own."""
    book = two_underlyings()
    lost = the_order(book.send(book.fill(Side.BUY, "0.2")))
    lose(book, lost)
    book.start(epoch=2)
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    book.connect()
    show(book)
    held = [book.position("0.2", BTC_USDC)]
    book.snapshot(held)
    show(book)
    book.tick()
    assert book.mode() is Mode.RECOVERING
    assert lost.client_id in book.state.mode_reason
    for _ in range(40):
        show(book)
        book.tick(250)
    assert book.mode() is Mode.ACTIVE, book.state.mode_reason
    assert book.is_up(AlertKind.UNKNOWN_ORDER_AGE)
    assert orders(book.send(book.fill(Side.BUY, "2"))) == []
    assert the_order(book.send(book.fill(Side.BUY, "0.2", ETH_USDC))).approved.intent.underlying == "ETH"


@pytest.mark.parametrize(
    ("late_ms", "complete", "ends"),
    [(0, True, False), (7_900, True, False), (9_000, False, False), (9_000, True, True)],
    ids=["at once", "before the deadline and its margin", "one source was silent", "after both, on no list"],
)
def test_absence_is_proof_only_after_the_deadline_and_from_every_source(
    late_ms: int, complete: bool, ends: bool
) -> None:
    book = two_underlyings()
    lost = the_order(book.send(book.fill(Side.BUY, "0.2")))
    lose(book, lost)
    book.at_ns += late_ms * MS
    looked = ev.OrderLookedUp(
        account=ACCOUNT,
        client_id=lost.client_id,
        report=None,
        searched=("open", "recent", "history", "executions"),
        complete=complete,
        asked_at_ns=book.at_ns,
    )
    book.send(looked)
    assert (lost.client_id not in book.state.unsettled) is ends
    assert book.state.orders[lost.client_id].status is (OrderStatus.EXPIRED if ends else OrderStatus.UNKNOWN)


@pytest.mark.parametrize("status", [OrderStatus.OPEN, OrderStatus.UNKNOWN])
def test_what_outlives_its_deadline_is_cancelled_until_it_has_ended(status: OrderStatus) -> None:
    """An immediate-or-cancel hedge that the venue keeps: nobody wants it filled a minute later."""
    book = two_underlyings()
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    if status is OrderStatus.OPEN:
        book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.OPEN)))
    else:
        lose(book, order)
    cancels: list[int] = []
    for _ in range(240):
        show(book)
        if of_type(book.tick(250), CancelOrder):
            cancels.append(book.at_ns)
    assert cancels
    assert cancels[0] > order.approved.intent.deadline_ns
    assert 5 <= len(cancels) <= 20, "again and again, and paced"
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED)))
    assert not of_type([one for _ in range(40) for one in book.tick(250)], CancelOrder)


def test_a_refusal_of_what_was_filled_in_part_is_no_proof() -> None:
    book = two_underlyings()
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    book.send(book.fill(Side.SELL, "0.05", BTC_PERP, client_id=order.client_id))
    refused = ev.OrderRejected(account=ACCOUNT, client_id=order.client_id, code="110001", message="no such order")
    heard = book.send(refused)
    assert book.state.orders[order.client_id].status is OrderStatus.UNKNOWN
    assert of_type(heard, QueryOrder)
    assert order.client_id in book.state.unsettled
    assert book.is_up(AlertKind.RECON_BREAK)
    book.send(book.fill(Side.SELL, "0.112", BTC_PERP, client_id=order.client_id))
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert orders(book.send(refused)) == [], "a late word about an order that has ended changes nothing"
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert book.state.orders[order.client_id].status is OrderStatus.FILLED
