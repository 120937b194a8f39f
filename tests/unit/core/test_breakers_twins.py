"""The duplicate-intent detector: what repeats an order for the same cause is refused, a hedge of its own is not."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import decide, ledger
from hedgebot.core.breakers import DUPLICATE_WINDOW_NS
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, RecordRefusal, SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from tests.support.playbook import BTC_CALL, BTC_INVERSE, BTC_PERP, Playbook, of_type, orders, settings, the_order
from tests.support.quiet_days import Talk

CLIP_COIN = 0.1
"""Every order here is of the largest size: a clip."""


@pytest.fixture
def book() -> Playbook:
    made = settings(order_burst_max=100)
    small = msgspec.structs.replace(made.underlyings[0], order_qty_coin_max=CLIP_COIN)
    playbook = Playbook(msgspec.structs.replace(made, underlyings=(small,)))
    playbook.ready()
    return playbook


def breach(book: Playbook, qty: str = "0.5") -> SubmitOrder:
    return the_order(book.send(book.fill(Side.BUY, qty)))


def refused_twin(heard: tuple[Command, ...]) -> str:
    """The order that a refusal names as already sent."""
    found = [one.refused.check for one in of_type(heard, RecordRefusal)]
    return next((str(one.value) for one in found if one.rule == "duplicate_of"), "")


def stands_at(monkeypatch: pytest.MonkeyPatch, *deltas_coin: float) -> None:
    """What decisions see of the delta, whatever is booked: a valuation that goes back to an older ledger."""
    left = list(deltas_coin)
    monkeypatch.setattr(decide, "net_delta_coin", lambda _: left.pop(0) if len(left) > 1 else left[0])


def test_a_ledger_that_does_not_follow_is_found_also_when_the_delta_moved_a_little(
    book: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = breach(book)
    monkeypatch.setattr(ledger, "_move_exposure", lambda *_: None)
    stands_at(monkeypatch, 0.503)
    heard = book.done(order)
    assert (orders(heard), refused_twin(heard)) == ([], order.client_id)


def test_a_hedge_that_was_undone_without_any_trade_is_not_sent_again_at_once(
    book: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = breach(book)
    stands_at(monkeypatch, 0.5)
    heard = book.done(order)
    assert (orders(heard), refused_twin(heard)) == ([], order.client_id)
    later = book.send(book.book(), DUPLICATE_WINDOW_NS / 1e6 + 1.0)
    assert orders(later), "it waits for the window alone"


def test_the_same_order_before_the_newest_counts_too(book: Playbook, monkeypatch: pytest.MonkeyPatch) -> None:
    first = breach(book)
    second = the_order(book.done(first))
    stands_at(monkeypatch, 0.5)  # as before the first
    heard = book.done(second)
    assert (orders(heard), refused_twin(heard)) == ([], first.client_id)


def test_children_of_one_hedge_follow_each_other_at_once(book: Playbook) -> None:
    heard: tuple[Command, ...] = (breach(book),)
    for _ in range(4):
        heard = book.done(the_order(heard))
    assert not of_type(book.heard, RecordRefusal)


def test_a_client_that_trades_the_same_again_is_hedged_at_once(book: Playbook) -> None:
    order = breach(book)
    book.send(book.fill(Side.BUY, "0.1"))  # the hedge will bring the delta to where it was
    heard = book.done(order)
    assert the_order(heard).approved.intent.qty_contracts == order.approved.intent.qty_contracts


def test_a_market_that_goes_to_and_fro_is_hedged_each_time() -> None:
    """The second and the fourth hedge are of one size at one price, and the third was the other way."""
    play = Talk(strategies=(), order_burst_max=100, chase_bps_max=10_000.0, hedge_volume_ratio_max=100.0)
    play.ready((play.position("1000000", BTC_INVERSE), play.position("-10")))
    sent = []
    for price in (101_000, 100_000, 101_000, 100_000):
        play.send(play.ticker(Decimal(price)))
        order = the_order(play.send(play.book(Decimal(price)), after_ms=20))
        play.done(order)
        sent.append((order.approved.intent.side, order.approved.intent.qty_contracts))
    assert sent[1] == sent[3] != sent[2]


def test_what_a_partial_fill_left_is_hedged_at_once(book: Playbook) -> None:
    order = breach(book)
    book.send(book.fill(Side.SELL, "0.005", BTC_PERP, client_id=order.client_id))
    heard = book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED, "0.005")))
    heard += book.send(book.book(), 300.0)
    assert the_order(heard).approved.intent.qty_contracts == order.approved.intent.qty_contracts


def test_where_options_are_held_the_market_may_have_brought_the_delta_back(
    book: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.send(book.option())
    book.send(book.fill(Side.BUY, "0.001", BTC_CALL))
    order = breach(book)
    stands_at(monkeypatch, book.state.orders[order.client_id].delta_before_coin)
    book.send(book.book(Decimal(100_010)))
    assert orders(book.done(order))
