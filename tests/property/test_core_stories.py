"""Stories that the conversations found, each as short as it gets."""

import pytest

from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state, encode_state
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_PERP, Playbook, alerts, orders, the_order


def _one_order() -> tuple[Playbook, SubmitOrder]:
    book = Playbook()
    book.ready()
    return book, the_order(book.send(book.fill(Side.BUY, "0.5")))


def test_a_fill_spoken_of_after_a_cancel_holds_the_next_hedge_until_it_is_booked() -> None:
    book, first = _one_order()
    qty = str(first.approved.intent.qty_contracts)
    book.send(ev.OrderUpdated(report=book.report(first, OrderStatus.CANCELLED)))
    second = the_order(book.send(book.book(), after_ms=300))
    # The venue takes the cancel back: the first was filled. Its execution is still on its way.
    book.send(ev.OrderUpdated(report=book.report(first, OrderStatus.FILLED, qty)))
    book.done(second)
    assert not orders(book.send(book.fill(Side.BUY, "0.3"))), "decided without an execution the venue spoke of"
    late = book.send(book.fill(Side.SELL, qty, BTC_PERP, client_id=first.client_id))
    assert the_order(late).approved.intent.side is Side.BUY


def test_a_report_of_filled_speaks_of_the_whole_quantity() -> None:
    book, order = _one_order()
    # A venue may leave the cumulated quantity out of the last report; the executions come after it.
    assert not orders(book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.FILLED, "0"))))
    assert not orders(book.tick(after_ms=300))


def test_one_refusal_told_twice_counts_once() -> None:
    book, order = _one_order()
    commands = book.send(ev.OrderRejected(account=ACCOUNT, client_id=order.client_id, code="1", message="no"))
    commands += book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.REJECTED)))
    assert book.state.underlyings["BTC"].rejects == 1
    assert AlertKind.ORDER_REJECTED not in alerts(commands)


@pytest.mark.parametrize("restart", [True, False])
def test_a_book_that_starts_with_options_is_the_same_after_a_snapshot_of_the_state(restart: bool) -> None:
    book = Playbook()
    book.ready(positions=[book.position("1", BTC_CALL)])
    state = decode_state(encode_state(book.state)) if restart else book.state
    twin = Engine(STRATEGY.build, state) if restart else book.engine
    book.engine = twin
    order = the_order(book.send(book.option()))
    assert order.approved.intent.instrument == BTC_PERP
    assert order.approved.intent.side is Side.SELL
