"""What is forgotten: never what anybody can still bring, and all else, so that the tables are as large as the pace."""

import random
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import forgetting, order_table
from hedgebot.core.ledger import position_contracts
from hedgebot.core.quotes import OptionMark
from hedgebot.core.state import EngineState, OrderRecord
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, SubmitOrder
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import HedgeLeg, HedgeRole
from hedgebot.venues.snapshot import OVERLAP_MS
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    BTC_USDC,
    INSTRUMENTS,
    MS,
    Playbook,
    instrument,
    settings,
    snapshots,
    the_order,
)

S = 1_000_000_000
MINUTE_MS = 60_000.0


def quiet_book() -> Playbook:
    """A book that hedges nothing, so that only others trade."""
    book = Playbook(msgspec.structs.replace(settings(), strategies=()))
    book.ready()
    return book


def order_of(book: Playbook) -> SubmitOrder:
    return the_order(book.send(book.fill(Side.BUY, "0.5")))


def answer(book: Playbook, history: list[ev.FillReceived], heard: tuple[Command, ...]) -> None:
    """Bring what the venue lists, in its own time, from the request's moment less the overlap; then agree."""
    for request in snapshots(heard):
        since_ns = request.executions_since_ns - OVERLAP_MS * MS
        for one in [one for one in history if one.venue_at_ns >= since_ns]:
            book.send(msgspec.structs.replace(one, source=ev.Source.QUERY), after_ms=0.0)
        held = sum((one.side.sign * one.qty_contracts for one in history), Decimal(0))
        book.snapshot((book.position(str(held), BTC_USDC),))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ahead_s", [0, 3_600, -30])
def test_what_a_snapshot_brings_again_is_never_booked_twice(seed: int, ahead_s: int) -> None:
    """Hours at an uneven pace, streams that lose fills, and a venue whose clock is another."""
    dice, book, history = random.Random(seed), quiet_book(), list[ev.FillReceived]()
    for _ in range(600):
        match dice.choice(("execute", "execute", "wait", "ask")):
            case "execute":
                fill = book.fill(dice.choice((Side.BUY, Side.SELL)), "0.01")
                history.append(msgspec.structs.replace(fill, venue_at_ns=book.at_ns + ahead_s * S))
                if dice.random() < 0.7:
                    book.send(history[-1])
            case "wait":
                book.send(book.book(), after_ms=dice.choice((5.0, 900.0, 20_000.0, 4 * MINUTE_MS)))
            case _:
                answer(book, history, book.tick(20_000.0))
    answer(book, history, book.tick(20_000.0))
    held = sum((one.side.sign * one.qty_contracts for one in history), Decimal(0))
    assert position_contracts(book.state, ACCOUNT, BTC_USDC) == held
    assert book.state.totals.fills == len(history)
    assert len(book.state.executions) < len(history) / 2, "most of it lies hours back"
    assert book.state.accounts[ACCOUNT].mismatches == {}


def test_the_table_of_executions_is_as_large_as_the_pace_and_no_larger() -> None:
    book, history, sizes = quiet_book(), list[ev.FillReceived](), list[int]()
    for minute in range(120):
        for side in (Side.BUY, Side.SELL):
            history.append(book.fill(side, "0.01"))
            book.send(history[-1], after_ms=10.0)
        answer(book, history, book.tick(MINUTE_MS - 25.0))
        if minute >= 30:
            sizes.append(len(book.state.executions))
    window_min = forgetting.DEDUPE_WINDOW_NS / S / 60
    assert max(sizes) - min(sizes) <= 4
    assert 2 * window_min <= max(sizes) <= 2 * window_min + 6


def test_while_no_snapshot_is_clean_nothing_is_forgotten() -> None:
    """The cursor stands still: the next snapshot goes back to it, however long that takes."""
    book = quiet_book()
    first = book.fill(Side.BUY, "0.01")
    book.send(first)
    for _ in range(200):
        if snapshots(book.tick(MINUTE_MS)):
            book.snapshot(complete=False)
    assert book.send(msgspec.structs.replace(first, source=ev.Source.QUERY)) == ()
    assert position_contracts(book.state, ACCOUNT, BTC_USDC) == Decimal("0.01")


def test_the_fills_of_an_order_that_may_be_looked_up_stay_known() -> None:
    """A lookup lists all executions of its order, however old: an order that hangs for hours keeps them all."""
    book = Playbook()
    book.ready()
    order = order_of(book)
    part = book.fill(Side.SELL, "0.1", BTC_PERP, client_id=order.client_id)
    book.send(part)
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.PARTIAL, "0.2")))
    held = (book.position("0.5", BTC_USDC), book.position("-0.1"))
    for _ in range(150):
        if snapshots(book.tick(MINUTE_MS)):
            book.snapshot(held)
        book.send(msgspec.structs.replace(part, source=ev.Source.QUERY), after_ms=0.0)
        assert position_contracts(book.state, ACCOUNT, BTC_PERP) == Decimal("-0.1")
    assert book.state.orders[order.client_id].filled_contracts == Decimal("0.1")


def test_when_the_order_is_over_its_fills_go_a_window_later() -> None:
    book = Playbook()
    book.ready()
    order = order_of(book)
    book.done(order)
    account, state = book.state.accounts[ACCOUNT], book.state
    assert not state.unsettled
    account.cursor_ns = book.at_ns + forgetting.DEDUPE_WINDOW_NS - 5 * S
    forgetting.forget_executions(state, account)
    assert len(state.executions) == 2, "inside the window"
    account.cursor_ns += 10 * S
    forgetting.forget_executions(state, account)
    assert state.executions == {}


def test_one_account_never_forgets_for_another() -> None:
    book = quiet_book()
    book.send(book.fill(Side.BUY, "0.01"))
    (mine,) = book.state.executions
    book.state.executions = {"other|bybit:linear|t0": book.at_ns - 1, **book.state.executions}
    account = book.state.accounts[ACCOUNT]
    account.cursor_ns = book.at_ns + 2 * forgetting.DEDUPE_WINDOW_NS
    forgetting.forget_executions(book.state, account)
    assert list(book.state.executions) == ["other|bybit:linear|t0"]
    assert mine.startswith(f"{ACCOUNT}|")


# --- orders ----------------------------------------------------------------------------------------------------------


def with_orders(count: int, every_ns: int) -> tuple[EngineState, OrderRecord, int]:
    """A state with so many settled orders, one every so often, and its newest."""
    book = Playbook()
    book.ready()
    order = order_of(book)
    book.done(order)
    state, pattern = book.state, book.state.orders.pop(order.client_id)
    for number in range(count):
        at_ns = book.at_ns + number * every_ns
        record = msgspec.structs.replace(
            pattern, client_id=str(number), sent_at_ns=at_ns, ended_at_ns=at_ns + MS, query_at_ns=at_ns + MS
        )
        state.orders[record.client_id] = record
    return state, next(reversed(state.orders.values())), book.at_ns + (count - 1) * every_ns


def test_settled_orders_go_by_age_but_the_newest_stay() -> None:
    state, newest, at_ns = with_orders(300, 10 * S)
    forgetting.forget_orders(state, at_ns)
    assert len(state.orders) == forgetting.ORDERS_KEPT_MIN, "ten minutes are 60 orders at this pace"
    assert list(state.orders)[-1] == newest.client_id
    assert next(iter(state.orders)) == str(300 - forgetting.ORDERS_KEPT_MIN)


def test_at_any_pace_the_orders_are_bounded_by_number() -> None:
    state, _, at_ns = with_orders(800, S // 2)
    forgetting.forget_orders(state, at_ns)
    assert len(state.orders) == forgetting.ORDERS_KEPT


def test_an_order_that_is_not_settled_or_was_just_asked_for_is_never_forgotten() -> None:
    state, _, at_ns = with_orders(800, 2 * S)
    for record in state.orders.values():
        record.ended_at_ns = record.query_at_ns = at_ns
    state.unsettled["0"] = "BTC"
    state.orders["1"].query_at_ns = at_ns - forgetting.ORDER_LATE_NS // 2
    state.orders["2"].query_at_ns = state.orders["2"].ended_at_ns = at_ns - 2 * forgetting.ORDER_LATE_NS
    forgetting.forget_orders(state, at_ns)
    assert {"0", "1"} <= state.orders.keys(), "one is open, one may still be answered"
    assert "2" not in state.orders
    assert [one.client_id for one in order_table.live_orders(state)] == ["0"]


def test_the_table_of_orders_does_not_move_in_steps() -> None:
    """It lets go of one for each that comes, not of half of them at once."""
    state, newest, at_ns = with_orders(600, S)
    sizes = []
    for number in range(100):
        at_ns += S
        name = f"new{number}"
        state.orders[name] = msgspec.structs.replace(newest, client_id=name, sent_at_ns=at_ns, ended_at_ns=at_ns)
        forgetting.forget_orders(state, at_ns)
        sizes.append(len(state.orders))
    assert max(sizes) - min(sizes) <= 1


# --- instruments -----------------------------------------------------------------------------------------------------


def test_expired_instruments_go_when_nobody_can_bring_an_execution_of_them() -> None:
    """A venue lists new options every day; the state must not hold those of last year."""
    book = quiet_book()
    state, expiry_ns = book.state, book.state.instruments[BTC_CALL].expiry_ns or 0
    state.options[BTC_CALL] = OptionMark(
        iv=0.5, forward=1e5, underlying_price=1e5, mark_coin=0.0, at_ns=book.at_ns, venue_ns=book.at_ns
    )
    state.watched[BTC_CALL] = 0
    late_ns = expiry_ns + forgetting.INSTRUMENT_KEPT_NS
    others = state.instruments.keys() - {BTC_CALL}
    account = state.accounts[ACCOUNT]
    account.cursor_ns = late_ns
    forgetting.forget_instruments(state, "bybit", late_ns)
    assert BTC_CALL in state.instruments, "not a moment before"
    account.cursor_ns = late_ns - S
    forgetting.forget_instruments(state, "bybit", late_ns + S)
    assert BTC_CALL in state.instruments, "the account was not read since"
    account.cursor_ns = late_ns + S
    forgetting.forget_instruments(state, "deribit", late_ns + S)
    assert BTC_CALL in state.instruments, "another venue's listing"
    forgetting.forget_instruments(state, "bybit", late_ns + S)
    assert state.instruments.keys() == others
    assert BTC_CALL not in state.options.keys() | state.watched.keys()


@pytest.mark.parametrize("kept_by", ["position", "order", "hedge"])
def test_an_expired_instrument_that_something_names_stays(kept_by: str) -> None:
    book = Playbook()
    book.ready()
    state, expiry_ns = book.state, book.state.instruments[BTC_CALL].expiry_ns or 0
    if kept_by == "position":
        book.send(book.fill(Side.BUY, "1", BTC_CALL))
    elif kept_by == "hedge":
        # Without its terms the funding of all legs would be unknown, and its limits would judge nothing.
        legs = (HedgeLeg(instrument=BTC_CALL, role=HedgeRole.ALTERNATIVE),)
        btc = msgspec.structs.replace(state.settings.underlyings[0], other_hedges=legs)
        state.settings = msgspec.structs.replace(state.settings, underlyings=(btc,))
    else:
        order = order_of(book)
        record = state.orders[order.client_id]
        record.intent = msgspec.structs.replace(record.intent, instrument=BTC_CALL)
    late_ns = state.accounts[ACCOUNT].cursor_ns = expiry_ns + 2 * forgetting.INSTRUMENT_KEPT_NS
    forgetting.forget_instruments(state, "bybit", late_ns)
    assert BTC_CALL in state.instruments


def test_a_new_listing_is_the_moment_and_what_it_names_stays() -> None:
    book = quiet_book()
    old = instrument(InstrumentId("bybit:option:OLD"), InstrumentKind.LINEAR_OPTION, expiry_ns=1)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(old,)))
    assert old.id in book.state.instruments
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    assert book.state.instruments.keys() == {one.id for one in INSTRUMENTS}
