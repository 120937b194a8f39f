"""Stories in which the core must not send: on what it does not know, or beside an order that may be alive."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import CancelOrder, Mode
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import (
    DeltaConvention,
    UnderlyingSettings,
)
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_USDC,
    INSTRUMENTS,
    MS,
    Playbook,
    instrument,
    of_type,
    orders,
    settings,
    snapshots,
    the_order,
)
from tests.support.stories import BOOK, ETH_PERP, ETH_USDC, answer, live, ready_pair


def test_nothing_is_sent_while_the_account_that_holds_the_book_is_blind() -> None:
    book = ready_pair()
    book.send(ev.StreamChanged(account=BOOK, stream=ev.Stream.PRIVATE, up=False, reason="lost"))
    assert not book.state.accounts[BOOK].reconciled
    heard = book.send(msgspec.structs.replace(book.fill(Side.BUY, "1"), account=BOOK))
    heard += book.send(book.book())
    assert not orders(heard), "hedged while fills of the book's account cannot be seen"


def test_a_cursor_does_not_pass_executions_that_were_never_pulled() -> None:
    book = Playbook()
    book.ready()
    lost_at_ns = book.at_ns
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="lost"))
    book.at_ns += 600_000 * MS
    first = snapshots(book.connect())
    assert first[-1].executions_since_ns <= lost_at_ns
    book.send(book.fill(Side.BUY, "0.01"))  # the stream lives again
    book.snapshot(complete=False)  # one sub-query timed out
    book.at_ns += 1_100 * MS
    again = snapshots(book.tick())
    assert again[-1].executions_since_ns <= lost_at_ns, "fills of the outage are never asked for again"


def test_a_position_whose_rules_are_not_loaded_is_not_taken_for_reconciled() -> None:
    book = Playbook()
    book.ready()
    new = InstrumentId("bybit:option:BTC-28NOV26-90000-C-USDT")
    book.send(book.fill(Side.BUY, "5", new))
    assert not book.state.accounts[ACCOUNT].reconciled
    book.snapshot([book.position("5", new)])
    assert not book.state.accounts[ACCOUNT].reconciled or book.is_up(AlertKind.SUSPECT_DATA), (
        "five options are held, not counted, and nobody is told"
    )


def test_an_underlying_that_is_configured_later_counts_what_is_held_already() -> None:
    book = Playbook()
    eth = (instrument(ETH_PERP, underlying="ETH"), instrument(ETH_USDC, underlying="ETH", quote="USDC", settle="USDC"))
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=eth))
    book.ready([book.position("10", ETH_USDC)])
    more = UnderlyingSettings(
        underlying="ETH",
        hedge_account=ACCOUNT,
        hedge_instrument=ETH_PERP,
        band_coin=0.5,
        target_ratio=0.75,
        delta_limit_coin=50.0,
        collar_bps=20.0,
        spread_bps_max=50.0,
        order_qty_coin_max=10.0,
        order_notional_usd_max=200_000.0,
    )
    book.settings = msgspec.structs.replace(
        book.settings, config_hash="beef", underlyings=(*book.settings.underlyings, more)
    )
    book.start(epoch=2)
    assert book.state.underlyings["ETH"].linear_coin == Decimal(10)


def test_an_order_restored_after_its_fill_frees_its_slot() -> None:
    book = Playbook()
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "1")))
    intent = order.approved.intent
    # A second state directory's engine that lost the tape: it knows the fill from the journal, not the order.
    other = Playbook()
    other.ready()
    other.send(other.fill(intent.side, str(intent.qty_contracts), intent.instrument, client_id=order.client_id))
    held = other.position(str(intent.qty_contracts * intent.side.sign))
    restored = ev.RestoredOrder(client_id=order.client_id, intent=intent, sent_at_ns=other.at_ns)
    other.send(ev.RunStarted(run_id="run-2", epoch=2, settings=other.settings, version="test", restored=(restored,)), 0)
    other.connect()
    other.snapshot([held])
    other.send(
        ev.OrderLookedUp(
            account=ACCOUNT,
            client_id=order.client_id,
            report=other.report(order, OrderStatus.FILLED, str(intent.qty_contracts)),
            searched=("open", "history", "executions"),
            complete=True,
            asked_at_ns=other.at_ns,
        )
    )
    for _ in range(40):
        live(other, 15.0, step_ms=1000.0)
        # A clock that is not measured in this run would halt it in time.
        other.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
        other.snapshot([held])
    assert other.mode() is Mode.ACTIVE, other.state.mode_reason


def test_the_journals_order_replaces_one_that_a_torn_replay_invented() -> None:
    book = Playbook()
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "1")))
    true = msgspec.structs.replace(order.approved.intent, qty_contracts=Decimal("0.999"))
    restored = ev.RestoredOrder(client_id=order.client_id, intent=true, sent_at_ns=book.at_ns)
    book.send(ev.RunStarted(run_id="run-2", epoch=2, settings=book.settings, version="test", restored=(restored,)), 0)
    assert book.state.orders[order.client_id].intent == true


def test_an_account_that_left_the_configuration_does_not_hold_the_book_for_ever() -> None:
    book = ready_pair()
    book.settings = settings()
    book.start(epoch=2)
    book.connect()
    book.send(book.ticker())
    book.snapshot()
    live(book, 5.0)
    assert book.mode() is Mode.ACTIVE, book.state.mode_reason


def test_recovering_for_ever_is_told() -> None:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    live(book, 1200.0, private=False, step_ms=1000.0)  # the private stream never comes up
    assert book.mode() is Mode.RECOVERING
    assert book.state.alerts, "un-hedged for twenty minutes and no alert is up"


def test_recovering_without_a_book_is_told() -> None:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    book.connect()
    for _ in range(600):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        if snapshots(book.tick(after_ms=1000)) or book.state.accounts[ACCOUNT].request_open:
            book.snapshot()
    assert book.mode() is Mode.RECOVERING
    assert book.state.alerts, "no market data for ten minutes and no alert is up"


def test_unreadable_private_frames_do_not_ask_without_end() -> None:
    book = Playbook()
    book.ready()
    frame = ev.FrameQuarantined(
        account=ACCOUNT, stream=ev.Stream.PRIVATE, topic="position", problem="no size", sample="{}"
    )
    asked = 0
    for _ in range(100):
        asked += len(snapshots(book.send(frame, after_ms=100.0)))
    assert asked <= 15, f"{asked} snapshots asked for in ten seconds"


def test_a_snapshot_with_an_unreadable_row_is_not_asked_for_again_at_once() -> None:
    """The adapter quarantines a row of the snapshot itself before it puts the answer."""
    book = Playbook()
    book.ready()
    bad = ev.FrameQuarantined(
        account=ACCOUNT, stream=ev.Stream.PRIVATE, topic="query:executions", problem="execType", sample="{}"
    )
    book.send(bad)
    asked = 0
    for _ in range(50):
        request = book.state.accounts[ACCOUNT].request
        heard = book.send(bad)  # found while request is being answered
        asked += len(snapshots(heard))
        taken = ev.SnapshotTaken(
            account=ACCOUNT,
            request=request,
            complete=False,
            problem="executions: execType",
            positions=(),
            open_orders=(),
            wallet=None,
            executions_since_ns=0,
            asked_at_ns=book.at_ns,
        )
        asked += len(snapshots(book.send(taken, after_ms=5.0)))
    assert asked <= 3, f"{asked} snapshots asked for in 0.3 s, each by the one before"


def test_a_snapshot_asked_for_before_an_overflow_proves_nothing_after_it() -> None:
    book = Playbook()
    book.ready()
    book.at_ns += 16_000 * MS
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    assert snapshots(book.tick())
    asked_at_ns = book.at_ns
    request = book.state.accounts[ACCOUNT].request
    book.send(ev.InboxOverflowed(kind="FillReceived", dropped=3))
    answer(book, ACCOUNT, request=request, asked_at_ns=asked_at_ns)
    assert not book.state.accounts[ACCOUNT].reconciled, "the dropped fills came after the venue was asked"


def test_an_ended_order_that_the_venue_still_lists_is_cancelled() -> None:
    book = Playbook()
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "1")))
    book.send(book.fill(Side.SELL, "1"))  # flat again: nothing else is to be hedged
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message=""))
    book.at_ns += 9_000 * MS
    book.send(
        ev.OrderLookedUp(
            account=ACCOUNT,
            client_id=order.client_id,
            report=None,
            searched=("open", "history", "executions"),
            complete=True,
            asked_at_ns=book.at_ns,
        )
    )
    assert book.state.orders[order.client_id].status is OrderStatus.EXPIRED
    book.tick(after_ms=16_000)
    heard = book.snapshot(orders=(book.report(order, OrderStatus.OPEN),))
    assert of_type(heard, CancelOrder), "the venue lists an order of ours that can still fill"


def test_a_slot_that_is_never_freed_is_told() -> None:
    book = Playbook()
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "1")))
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.OPEN)))  # its cancel is never heard of
    for _ in range(40):
        live(book, 15.0, step_ms=1000.0)
        book.snapshot([book.position("1", BTC_USDC)])
        lost = ev.OrderLookedUp(
            account=ACCOUNT,
            client_id=order.client_id,
            report=None,
            searched=("open", "history", "executions"),
            complete=True,
            asked_at_ns=book.at_ns,
        )
        book.send(lost)
    assert not book.state.unsettled or book.state.alerts, "un-hedged for ten minutes and no alert is up"


def test_a_partly_filled_order_that_is_gone_frees_its_slot() -> None:
    book = Playbook()
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "1")))
    intent = order.approved.intent
    book.send(book.fill(intent.side, "0.001", intent.instrument, client_id=order.client_id))
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="timeout", message=""))
    book.at_ns += 60_000 * MS
    book.send(
        ev.OrderLookedUp(
            account=ACCOUNT,
            client_id=order.client_id,
            report=None,
            searched=("open", "history", "executions"),
            complete=True,
            asked_at_ns=book.at_ns,
        )
    )
    assert order.client_id not in book.state.unsettled


@pytest.mark.parametrize("change", [{"delta": 0.05}, {"delta": float("nan")}])
def test_nothing_is_sent_on_a_delta_that_fails_its_cross_check(change: dict[str, float]) -> None:
    book = Playbook()
    book.ready()
    book.send(book.option(delta=0.54))
    order = the_order(book.send(book.fill(Side.BUY, "1", BTC_CALL)))
    book.done(order)
    # The forward arrives in another unit: our delta becomes 1, the venue's says it did not move.
    book.send(book.option(forward=100_000_000.0, **change))
    assert book.is_up(AlertKind.SUSPECT_DATA)
    heard = book.tick(after_ms=1_100)
    heard += book.send(book.book())
    assert not orders(heard), "hedged on an option delta that fails its cross-check"


def test_a_hedge_larger_than_one_order_is_clipped_on_an_inverse_contract_too() -> None:
    base = settings()
    hedge = msgspec.structs.replace(
        base.underlyings[0], hedge_instrument=BTC_INVERSE, delta_convention=DeltaConvention.USD_NEUTRAL
    )
    book = Playbook(msgspec.structs.replace(base, underlyings=(hedge,)))
    rules = tuple(msgspec.structs.replace(one, qty_max=None) for one in INSTRUMENTS)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=rules))
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    book.connect()
    book.send(book.book(name=BTC_INVERSE))
    book.send(book.ticker(name=BTC_INVERSE))
    book.adopt()
    book.send(book.book(name=BTC_INVERSE))
    book.tick()
    assert book.mode() is Mode.ACTIVE
    heard = book.send(book.fill(Side.SELL, "3"))
    assert orders(heard), list(heard)
