"""The life of orders as conversations: what we hear, what we ask, and when the slot is free again."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.forgetting import ORDERS_KEPT
from hedgebot.core.order_table import live_orders, pending_delta_coin, unfilled_delta_coin
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import ClientId, decode_client_id
from hedgebot.domain.commands import Mode, QueryOrder, SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import OrderReport
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_USDC,
    MS,
    Playbook,
    alerts,
    of_type,
    orders,
    settings,
    the_order,
)


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def _breach(book: Playbook, qty: str = "0.2") -> SubmitOrder:
    return the_order(book.send(book.fill(Side.BUY, qty)))


def _lookup(book: Playbook, order: SubmitOrder, report: OrderReport | None = None, *, complete: bool = True) -> None:
    book.send(
        ev.OrderLookedUp(
            account=ACCOUNT,
            client_id=order.client_id,
            report=report,
            searched=("open", "history", "executions"),
            complete=complete,
            asked_at_ns=book.at_ns,
        )
    )


def test_a_client_id_tells_installation_run_and_intent(book: Playbook) -> None:
    first = _breach(book)
    parts = decode_client_id(first.client_id)
    assert parts is not None
    assert (parts.install, parts.epoch, parts.strategy, parts.intent) == (7, 1, 0, 1)


def test_nothing_new_is_sent_while_an_order_is_in_flight(book: Playbook) -> None:
    _breach(book)
    heard = [*book.send(book.fill(Side.BUY, "1")), *book.send(book.book("100100")), *book.tick()]
    assert orders(heard) == []


def test_an_asynchronous_acceptance_proves_nothing(book: Playbook) -> None:
    order = _breach(book)
    book.send(ev.OrderAccepted(account=ACCOUNT, client_id=order.client_id, order_id="v1", definitive=False))
    assert book.state.orders[order.client_id].status is OrderStatus.SENT
    assert book.state.orders[order.client_id].order_id == "v1"


def test_the_slot_stays_taken_until_every_reported_execution_is_booked(book: Playbook) -> None:
    order = _breach(book)
    qty = str(order.approved.intent.qty_contracts)
    heard = book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.FILLED, qty)))
    assert orders(heard) == []
    assert book.state.orders[order.client_id].status is OrderStatus.FILLED
    assert orders(book.send(book.book("100010"))) == [], "hedged again before its fill was booked"
    book.send(book.fill(Side.SELL, qty, order.approved.intent.instrument, client_id=order.client_id))
    assert live_orders(book.state) == []


def test_a_fill_before_the_acknowledgement_and_after_the_cancel_is_booked(book: Playbook) -> None:
    order = _breach(book)
    name = order.approved.intent.instrument
    book.send(book.fill(Side.SELL, "0.1", name, client_id=order.client_id))
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED, "0.1")))
    book.send(book.fill(Side.SELL, "0.01", name, client_id=order.client_id))
    assert book.state.positions[f"{ACCOUNT}|{name}"].contracts == Decimal("-0.11") + _other_hedges(book, order)


def _other_hedges(book: Playbook, first: SubmitOrder) -> Decimal:
    """Contracts of hedges sent after the first one ended; they are not filled, so they add nothing."""
    assert all(one.filled_contracts == 0 for one in book.state.orders.values() if one.client_id != first.client_id)
    return Decimal(0)


def test_a_partial_fill_then_cancel_is_decided_anew_from_the_position(book: Playbook) -> None:
    order = _breach(book)
    book.send(book.fill(Side.SELL, "0.1", order.approved.intent.instrument, client_id=order.client_id))
    again = the_order(book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED, "0.1"))))
    assert again.client_id != order.client_id
    assert again.approved.intent.qty_contracts == Decimal("0.062")


def test_no_answer_means_unknown_and_a_question_never_a_second_order(book: Playbook) -> None:
    order = _breach(book)
    heard = book.send(
        ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message="no answer")
    )
    assert [one.client_id for one in of_type(heard, QueryOrder)] == [order.client_id]
    assert book.state.orders[order.client_id].status is OrderStatus.UNKNOWN
    for _ in range(40):
        assert orders([*book.send(book.book("100050"), 250), *book.tick()]) == []


def test_absence_before_the_deadline_is_no_proof(book: Playbook) -> None:
    order = _breach(book)
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message=""))
    _lookup(book, order)
    assert book.state.orders[order.client_id].status is OrderStatus.UNKNOWN


def test_absence_after_the_deadline_frees_the_slot_and_decides_again(book: Playbook) -> None:
    order = _breach(book)
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message=""))
    book.tick(4_000)
    book.at_ns = order.approved.intent.deadline_ns + 3_001 * MS
    assert AlertKind.UNKNOWN_ORDER_AGE in alerts(book.tick())
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    _lookup(book, order, complete=False)
    assert book.state.orders[order.client_id].status is OrderStatus.UNKNOWN, "an incomplete search proves nothing"
    _lookup(book, order)
    assert book.state.orders[order.client_id].status is OrderStatus.EXPIRED
    assert not book.is_up(AlertKind.UNKNOWN_ORDER_AGE)
    book.send(book.ticker())
    heard = book.send(book.book())
    assert the_order(heard).client_id != order.client_id


def test_found_by_lookup_with_its_fills_ends_the_order(book: Playbook) -> None:
    order = _breach(book)
    qty = str(order.approved.intent.qty_contracts)
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message=""))
    book.send(book.fill(Side.SELL, qty, order.approved.intent.instrument, client_id=order.client_id))
    _lookup(book, order, book.report(order, OrderStatus.FILLED, qty))
    assert live_orders(book.state) == []
    assert orders(book.send(book.book())) == []


def test_a_silent_order_becomes_unknown_by_time(book: Playbook) -> None:
    order = _breach(book)
    assert of_type(book.tick(3_001), QueryOrder)[0].client_id == order.client_id
    assert book.state.orders[order.client_id].status is OrderStatus.UNKNOWN


def test_questions_are_spaced_out(book: Playbook) -> None:
    order = _breach(book)
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message=""))
    asked = sum(len(of_type(book.tick(250), QueryOrder)) for _ in range(120))
    assert 5 <= asked <= 12, f"{asked} questions in 30 s"


def test_refusals_back_off_and_raise_an_alert(book: Playbook) -> None:
    order = _breach(book)
    sent_after: list[float] = []
    waited = 0.0
    for _ in range(4):
        heard = book.send(
            ev.OrderRejected(account=ACCOUNT, client_id=order.client_id, code="110007", message="no funds")
        )
        waited = 0.0
        while not orders(heard):
            book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
            heard = book.send(book.book(), 50)
            waited += 50
        sent_after.append(waited)
        order = the_order(heard)
    assert sent_after == sorted(sent_after)
    assert sent_after[-1] >= 8 * sent_after[0] - 100
    assert AlertKind.ORDER_REJECTED in alerts(book.heard)


def test_more_filled_than_sent_halts(book: Playbook) -> None:
    order = _breach(book)
    name = order.approved.intent.instrument
    book.send(book.fill(Side.SELL, "0.162", name, client_id=order.client_id))
    book.send(book.fill(Side.SELL, "0.001", name, client_id=order.client_id))
    assert book.state.mode is Mode.HALTED
    assert book.state.latched


def test_a_late_report_never_moves_an_order_back(book: Playbook) -> None:
    order = _breach(book)
    book.done(order)
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.OPEN)))
    assert book.state.orders[order.client_id].status is OrderStatus.FILLED


def test_worst_case_counts_the_unfilled_rest(book: Playbook) -> None:
    order = _breach(book)
    book.send(book.fill(Side.SELL, "0.062", order.approved.intent.instrument, client_id=order.client_id))
    assert unfilled_delta_coin(book.state.orders[order.client_id]) == pytest.approx(-0.1)


def test_after_a_restart_orders_without_an_end_are_asked_for_and_block(book: Playbook) -> None:
    order = _breach(book)
    book.start(epoch=2)
    assert book.state.orders[order.client_id].status is OrderStatus.UNKNOWN
    book.ready(positions=[book.position("0.2", order.approved.intent.instrument)])
    assert book.state.mode is Mode.RECOVERING
    assert order.client_id in book.state.mode_reason
    assert any(one.client_id == order.client_id for one in of_type(book.heard, QueryOrder))


def test_the_table_is_bounded() -> None:
    playbook = Playbook(
        settings(orders_per_second_max=1e9, order_burst_max=10**9, repeat_orders_max=1_000, strategy_orders_max=1_000)
    )
    playbook.ready()
    for number in range(2 * ORDERS_KEPT):
        side = Side.BUY if number % 2 == 0 else Side.SELL
        playbook.done(the_order(playbook.send(playbook.fill(side, "0.2"))))
    assert len(playbook.state.orders) == ORDERS_KEPT


def _ours(epoch: int, intent: int, install: int = 7) -> str:
    return ClientId(install=install, epoch=epoch, strategy=0, intent=intent).encode()


def _parts(order: SubmitOrder) -> ClientId:
    parts = decode_client_id(order.client_id)
    assert parts is not None
    return parts


def test_ids_go_on_beyond_those_that_the_venue_has_seen(book: Playbook) -> None:
    """A journal from a backup: runs that it does not know have used the ids that would come next."""
    book.send(book.fill(Side.BUY, "0.01", BTC_PERP, client_id=_ours(1, 1)))
    assert book.is_up(AlertKind.RECON_BREAK)
    assert (book.state.epoch, book.state.id_epoch) == (1, 2)
    order = _breach(book)
    assert (_parts(order).epoch, _parts(order).intent) == (2, 1)
    book.done(order)
    # An open order and a report by the stream are as good a witness as a fill.
    report = msgspec.structs.replace(book.report(order, OrderStatus.CANCELLED), client_id=_ours(9, 4))
    book.send(ev.OrderUpdated(report=report))
    assert book.state.id_epoch == 10
    book.start(epoch=2)
    assert book.state.id_epoch == 11, "the next run does not fall back"


@pytest.mark.parametrize("seen", [_ours(1, 1, install=8), "client-7", None])
def test_ids_of_others_say_nothing_about_ours(book: Playbook, seen: str | None) -> None:
    book.send(book.fill(Side.BUY, "0.01", BTC_PERP, client_id=seen))
    assert book.state.id_epoch == 1


def test_ids_of_this_run_and_of_earlier_ones_move_nothing(book: Playbook) -> None:
    order = _breach(book)
    book.done(order)
    book.start(epoch=2)
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.FILLED, "0.162")))
    book.send(book.fill(Side.BUY, "0.01", BTC_PERP, client_id=_ours(1, 77)))
    assert book.state.id_epoch == 2
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_the_least_epoch_of_a_run_is_told_by_its_start(book: Playbook) -> None:
    started = ev.RunStarted(run_id="run-2", epoch=2, settings=book.settings, version="test", id_epoch=400_000)
    book.send(started)
    assert (book.state.epoch, book.state.id_epoch) == (2, 400_000)


@pytest.mark.parametrize("change", [{"side": Side.BUY}, {"qty_contracts": Decimal(9)}, {"instrument": BTC_USDC}])
def test_another_order_under_our_id_is_no_proof(book: Playbook, change: dict[str, object]) -> None:
    order = _breach(book)
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message=""))
    other = msgspec.structs.replace(book.report(order, OrderStatus.FILLED, "0.162"), **change)
    _lookup(book, order, other)
    assert book.state.orders[order.client_id].status is OrderStatus.UNKNOWN
    assert order.client_id in book.state.unsettled
    assert book.is_up(AlertKind.RECON_BREAK)


def test_pending_orders_count_both_ways(book: Playbook) -> None:
    assert pending_delta_coin(book.state, "BTC") == (0.0, 0.0)
    order = _breach(book)
    assert list(pending_delta_coin(book.state, "BTC")) == pytest.approx([-0.162, 0.0])
    twin = msgspec.structs.replace(book.state.orders[order.client_id].intent, delta_effect_coin=0.5)
    book.state.orders["up"] = msgspec.structs.replace(book.state.orders[order.client_id], intent=twin, client_id="up")
    book.state.unsettled["up"] = "BTC"
    assert list(pending_delta_coin(book.state, "BTC")) == pytest.approx([-0.162, 0.5]), "never netted"
    assert pending_delta_coin(book.state, "ETH") == (0.0, 0.0)
