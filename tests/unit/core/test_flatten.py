"""Flatten and hedge to flat: what is sent, and when they are done."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.commands import RecordRefusal
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import AccountRole
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_USDC, Playbook, of_type, orders, settings, the_order
from tests.support.switches import ready, switchable

FLATTEN = ev.OperatorKilled(operator="ann", reason="venue is failing", action=KillAction.FLATTEN)


@pytest.fixture
def book() -> Playbook:
    """Long one coin that is not ours, hedged by a short of ours."""
    playbook = Playbook()
    playbook.ready()
    playbook.done(the_order(playbook.send(playbook.fill(Side.BUY, "1"))))
    playbook.send(playbook.book())
    return playbook


def test_the_closing_order_is_collared_and_can_only_shrink(book: Playbook) -> None:
    held = book.state.positions[f"{ACCOUNT}|{BTC_PERP}"].contracts
    book.send(FLATTEN)
    intent = the_order(book.tick(300)).approved.intent
    assert (intent.reduce_only, intent.side, intent.qty_contracts) == (True, Side.BUY, -held)
    assert intent.limit_price <= Decimal(100_000) * Decimal("1.002")
    assert "venue is failing" in intent.reason


def test_one_closing_order_at_a_time(book: Playbook) -> None:
    book.send(FLATTEN)
    the_order(book.tick(300))
    assert orders([*book.tick(300), *book.send(book.book()), *book.tick(300)]) == []


def test_a_miss_is_tried_again_after_a_pause(book: Playbook) -> None:
    book.send(FLATTEN)
    order = the_order(book.tick(300))
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED)))
    assert orders(book.tick(1)) == []
    book.send(book.book())
    assert len(orders(book.tick(300))) == 1


def test_a_private_stream_that_is_down_stops_a_flatten_once_told(book: Playbook) -> None:
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    book.send(FLATTEN)
    heard = [*book.tick(300), *book.tick(300), *book.tick(300)]
    assert orders(heard) == []
    assert len(of_type(heard, RecordRefusal)) == 1
    assert "private stream" in book.state.latches["all"].note


def test_it_is_not_done_before_the_venue_agrees(book: Playbook) -> None:
    """The ledger's zero is no proof while the account is not reconciled."""
    book.send(FLATTEN)
    book.done(the_order(book.tick(300)))
    book.send(ev.FrameQuarantined(account=ACCOUNT, stream=ev.Stream.PRIVATE, topic="order", problem="?", sample="?"))
    book.tick(300)
    assert not book.state.latches["all"].done
    held = [book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()]
    book.snapshot(held)
    book.tick(300)
    assert book.state.latches["all"].done


def test_what_keeps_a_flatten_waiting_is_journaled_once_though_its_figures_move(book: Playbook) -> None:
    """An old book is older at each look, and inside the band nothing else is decided."""

    def silence(seconds: float) -> None:
        for _ in range(round(seconds * 4)):
            book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
            book.tick(249)

    silence(5.5)
    book.heard.clear()
    book.send(FLATTEN)
    silence(5)
    assert "the book of" in book.state.latches["all"].note
    assert len(of_type(book.heard, RecordRefusal)) == 1


def test_a_hedge_on_another_instrument_than_todays_is_closed_too(book: Playbook) -> None:
    """The configuration moved the hedge: what stands on the old instrument of our account is ours as well."""
    moved = msgspec.structs.replace(settings().underlyings[0], hedge_instrument=BTC_USDC)
    role = msgspec.structs.replace(settings().accounts[0], role=AccountRole.HEDGE)
    book.settings = msgspec.structs.replace(settings(), accounts=(role,), underlyings=(moved,))
    book.send(ev.ConfigApplied(settings=book.settings, changes=(), operator="ann", reason="cheaper"))
    book.send(book.fill(Side.SELL, "1", BTC_USDC))
    for instrument in (BTC_USDC, BTC_PERP):
        book.send(book.book(name=instrument))
        book.send(book.ticker(name=instrument))
    book.send(FLATTEN)
    closed = []
    for _ in range(4):
        for order in orders(book.tick(300)):
            closed.append(order.approved.intent.instrument)
            book.done(order)
    assert sorted(closed) == [BTC_PERP]
    assert book.state.latches["all"].done


@pytest.mark.parametrize("perp", ["0", "-0.2"])
def test_a_main_hedge_without_a_book_stops_no_flatten_of_another(perp: str) -> None:
    """The delta, which is valued at the main hedge's price, counts for no closing order: its own market does."""
    book = ready(switchable(), perp=perp, usdc="-0.3")
    book.send(FLATTEN)
    book.tick(5_500)  # both books are old: nothing to close at
    assert not orders(book.heard)
    book.send(book.book(name=BTC_USDC))
    book.send(book.ticker(name=BTC_USDC))
    intent = the_order(book.tick(300)).approved.intent
    assert (intent.instrument, intent.side, intent.reduce_only) == (BTC_USDC, Side.BUY, True)
