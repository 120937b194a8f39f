"""Truth as conversations: adoption, differences, orphans, foreign orders, snapshots that fail."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.commands import CancelOrder, Mode, RecordAdjustment, WatchInstruments
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.reports import OrderReport
from hedgebot.domain.settings import AccountRole
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    BTC_USDC,
    INSTRUMENTS,
    MS,
    Playbook,
    alerts,
    of_type,
    orders,
    settings,
    snapshots,
    the_order,
)
from tests.support.stories import BOOK, answer, ready_pair


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def test_the_first_snapshot_is_adopted_with_its_evidence() -> None:
    book = Playbook()
    book.ready([book.position("0.3", BTC_USDC), book.position("-0.25")], btc="0.01")
    adjusted = {one.subject: one.after for one in of_type(book.heard, RecordAdjustment)}
    assert adjusted == {BTC_USDC: "0.3", BTC_PERP: "-0.25", "BTC": "0.01"}
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.06")
    assert AlertKind.RECON_BREAK not in alerts(book.heard)


def started() -> Playbook:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    book.connect()
    return book


def test_a_first_snapshot_that_lists_nothing_is_asked_for_again() -> None:
    """A wallet of 3 coins hedged by -3 contracts, and the first answer of the positions' endpoint is empty."""
    book = started()
    heard = book.snapshot(btc="3", wallet=book.wallet(btc="3", maintenance="0"))
    assert not of_type(heard, RecordAdjustment)
    account = book.state.accounts[ACCOUNT]
    assert not account.adopted
    assert snapshots(book.tick(after_ms=1_001))
    book.snapshot([book.position("-3", BTC_USDC)], btc="3")
    assert account.adopted
    assert book.state.coins[f"{ACCOUNT}|BTC"].qty == Decimal(3)
    assert [one.contracts for one in book.state.positions.values()] == [Decimal(-3)]


@pytest.mark.parametrize(("maintenance", "answers"), [("0", 2), (None, 2), ("9000", 4)])
def test_a_flat_account_is_adopted_once_it_was_said_often_enough(maintenance: str | None, answers: int) -> None:
    """Oftener where the venue asks margin for something that it does not list."""
    book = started()
    for number in range(1, answers + 1):
        assert not book.state.accounts[ACCOUNT].adopted
        book.snapshot(wallet=book.wallet(maintenance=maintenance))
        assert snapshots(book.tick(after_ms=1_001)) or number == answers
    assert book.state.accounts[ACCOUNT].reconciled


def test_the_venue_is_asked_soon_after_a_fill_and_not_for_each_of_many(book: Playbook) -> None:
    for _ in range(3):
        book.tick(after_ms=2_000)
    book.send(book.fill(Side.BUY, "0.01"))
    assert not snapshots(book.tick(after_ms=1_400))
    assert snapshots(book.tick(after_ms=200))
    book.agree()
    asked = []
    for _ in range(40):
        book.send(book.fill(Side.BUY, "0.0001"), after_ms=100)
        asked += snapshots(book.tick(after_ms=150))
        if book.state.accounts[ACCOUNT].request_open:
            book.agree()
    assert len(asked) == 2


@pytest.mark.parametrize("answers", [True, False])
def test_a_truth_that_nobody_renews_ends_and_halts_in_the_end(answers: bool) -> None:
    """The positions' endpoint fails, or nothing answers, while fills and market go on."""
    book = Playbook(settings(blind_ms_halt=60_000))
    book.ready([book.position("0.02", BTC_USDC)])
    begun_ns, sent_ns = book.at_ns, book.at_ns
    for number in range(600):
        book.send(book.book(), after_ms=240)
        book.send(book.ticker())
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        heard = book.tick(after_ms=8)
        if number % 40 == 20:
            heard += book.send(book.fill(Side.BUY if number % 80 == 20 else Side.SELL, "0.3"))
        for order in orders(heard):
            sent_ns = book.at_ns
            book.done(order)
        if answers and book.state.accounts[ACCOUNT].request_open:
            book.snapshot(complete=False)
    assert 15_000 * MS < sent_ns - begun_ns < 40_000 * MS
    assert book.is_up(AlertKind.VENUE_UNREACHABLE)
    assert "reconciliation:main" in book.state.latches["all"].causes


def test_held_instruments_are_watched_once() -> None:
    book = Playbook()
    book.ready([book.position("1", BTC_CALL)])
    watched = [name for one in of_type(book.heard, WatchInstruments) for name in one.instruments]
    assert sorted(watched) == sorted([BTC_PERP, BTC_CALL])


def test_without_rules_no_snapshot_is_asked_for() -> None:
    book = Playbook()
    assert snapshots(book.connect()) == []
    assert len(snapshots(book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS)))) == 1


def test_a_difference_blocks_at_once_and_halts_when_it_lasts(book: Playbook) -> None:
    book.tick(15_001)
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    heard = book.snapshot([book.position("0.5", BTC_USDC)])
    assert AlertKind.RECON_BREAK in alerts(heard)
    assert of_type(heard, RecordAdjustment) == [], "a difference must never be repaired silently"
    assert orders([*book.send(book.ticker()), *book.send(book.fill(Side.BUY, "1")), *book.send(book.book())]) == []
    for _ in range(40):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        if snapshots(book.tick(1_000)):
            book.snapshot([book.position("1.5", BTC_USDC)])
    assert book.state.mode is Mode.HALTED
    assert "differs from the ledger" in book.state.mode_reason


def test_a_difference_that_goes_away_is_forgiven(book: Playbook) -> None:
    book.tick(15_001)
    book.snapshot([book.position("0.5", BTC_USDC)])
    assert not book.state.accounts[ACCOUNT].reconciled
    book.tick(1_001)
    book.snapshot()
    assert book.state.accounts[ACCOUNT].reconciled
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_a_sudden_flat_is_a_difference_not_a_fact() -> None:
    book = Playbook()
    book.ready([book.position("0.5", BTC_USDC), book.position("-0.46")])
    book.tick(15_001)
    heard = book.snapshot([])
    assert AlertKind.RECON_BREAK in alerts(heard)
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.04")
    assert orders([*heard, *book.send(book.book())]) == []


def test_a_fill_after_the_question_makes_the_comparison_inconclusive(book: Playbook) -> None:
    book.tick(15_001)
    asked = book.at_ns
    request = book.state.accounts[ACCOUNT].request
    book.send(book.fill(Side.BUY, "0.01"))
    heard = book.send(
        ev.SnapshotTaken(
            account=ACCOUNT,
            request=request,
            complete=True,
            problem="",
            positions=(),
            open_orders=(),
            wallet=book.wallet(),
            executions_since_ns=0,
            asked_at_ns=asked,
        )
    )
    assert AlertKind.RECON_BREAK not in alerts(heard)
    assert len(snapshots(book.tick(1_001))) == 1, "an inconclusive comparison is repeated soon"


def test_an_incomplete_snapshot_changes_nothing_and_is_repeated(book: Playbook) -> None:
    book.tick(15_001)
    heard = book.snapshot([book.position("9", BTC_USDC)], complete=False)
    assert AlertKind.VENUE_UNREACHABLE in alerts(heard)
    assert book.state.underlyings["BTC"].linear_coin == 0
    assert len(snapshots(book.tick(1_001))) == 1
    book.snapshot()
    assert not book.is_up(AlertKind.VENUE_UNREACHABLE)


def test_a_snapshot_that_never_comes_is_asked_for_again(book: Playbook) -> None:
    assert len(snapshots(book.tick(15_001))) == 1
    heard = [one for _ in range(25) for one in book.tick(1_000)]
    assert AlertKind.VENUE_UNREACHABLE in alerts(heard)
    assert snapshots(heard)


def test_an_answer_to_an_older_question_is_ignored(book: Playbook) -> None:
    book.tick(15_001)
    old = book.state.accounts[ACCOUNT].request
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="gone"))
    book.connect()
    assert book.state.accounts[ACCOUNT].request == old + 1
    stale = ev.SnapshotTaken(
        account=ACCOUNT,
        request=old,
        complete=True,
        problem="",
        positions=(),
        open_orders=(),
        wallet=None,
        executions_since_ns=0,
        asked_at_ns=book.at_ns,
    )
    book.send(stale)
    assert not book.state.accounts[ACCOUNT].reconciled


def test_after_a_reconnect_nothing_is_sent_before_the_venue_was_asked(book: Playbook) -> None:
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="reset"))
    assert AlertKind.PRIVATE_STREAM_SILENT in alerts(book.heard)
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []
    request = snapshots(book.connect())
    assert len(request) == 1
    assert orders(book.send(book.book())) == []
    book.at_ns += 1_000_000
    heard = book.snapshot([book.position("0.2", BTC_USDC)])
    assert orders([*heard, *book.send(book.book())]), "the hedge goes out once truth is restored"


def test_our_forgotten_order_is_cancelled_and_a_foreign_one_reported(book: Playbook) -> None:
    ours = ClientId(install=7, epoch=1, strategy=0, intent=99).encode()
    theirs = ClientId(install=8, epoch=1, strategy=0, intent=99).encode()
    template = OrderReport(
        account=ACCOUNT,
        instrument=BTC_PERP,
        order_id="v9",
        client_id=ours,
        status=OrderStatus.OPEN,
        side=Side.SELL,
        qty_contracts=Decimal(1),
        filled_contracts=Decimal(0),
        limit_price=Decimal(1),
        reason="",
        venue_at_ns=0,
    )
    book.tick(15_001)
    heard = book.snapshot(orders=(template, msgspec.structs.replace(template, client_id=theirs, order_id="v10")))
    assert [one.client_id for one in of_type(heard, CancelOrder)] == [ours]
    assert {AlertKind.RECON_BREAK, AlertKind.FOREIGN_ACTIVITY} <= alerts(heard)
    # What is ours and in no journal may still fill: nothing is sent until the venue does not list it any more.
    assert not book.state.accounts[ACCOUNT].reconciled
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []
    book.tick(1_100)
    book.send(book.ticker())
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    heard = book.snapshot([book.position("0.2", BTC_USDC)])
    assert orders([*heard, *book.send(book.book())])


def test_an_order_of_another_installation_is_never_cancelled() -> None:
    """On the book's own account too: it is somebody's, and not ours."""
    book = ready_pair()
    theirs = ClientId(install=8, epoch=1, strategy=0, intent=1).encode()
    order = OrderReport(
        account=BOOK,
        instrument=BTC_USDC,
        order_id="v9",
        client_id=theirs,
        status=OrderStatus.OPEN,
        side=Side.SELL,
        qty_contracts=Decimal(1),
        filled_contracts=Decimal(0),
        limit_price=Decimal(1),
        reason="",
        venue_at_ns=0,
    )
    book.heard.clear()
    answer(book, BOOK, open_orders=(order,))
    assert not of_type(book.heard, CancelOrder)


def test_foreign_fills_alarm_on_a_hedge_account_only() -> None:
    plain = settings()
    account = msgspec.structs.replace(plain.accounts[0], role=AccountRole.HEDGE)
    hedge_only = Playbook(msgspec.structs.replace(plain, accounts=(account,)))
    hedge_only.ready()
    assert AlertKind.FOREIGN_ACTIVITY in alerts(hedge_only.send(hedge_only.fill(Side.BUY, "0.01")))
    shared = Playbook()
    shared.ready()
    assert AlertKind.FOREIGN_ACTIVITY not in alerts(shared.send(shared.fill(Side.BUY, "0.01")))


def test_an_unreadable_private_frame_loses_truth_until_a_clean_snapshot(book: Playbook) -> None:
    heard = book.send(
        ev.FrameQuarantined(
            account=ACCOUNT, stream=ev.Stream.PRIVATE, topic="execution", problem="no symbol", sample="{}"
        )
    )
    assert AlertKind.SUSPECT_DATA in alerts(heard)
    assert len(snapshots(heard)) == 1
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []
    book.at_ns += 1_000_000
    heard = book.snapshot([book.position("0.2", BTC_USDC)])
    assert orders([*heard, *book.send(book.book())])
    assert book.is_up(AlertKind.SUSPECT_DATA), "not before it stayed away"
    for _ in range(4):
        book.tick(4_000)
    book.snapshot([book.position("0.2", BTC_USDC)])
    assert not book.is_up(AlertKind.SUSPECT_DATA)


def test_an_unreadable_public_frame_is_reported_and_blocks_nothing(book: Playbook) -> None:
    book.send(
        ev.FrameQuarantined(account=ACCOUNT, stream=ev.Stream.PUBLIC, topic="tickers", problem="null", sample="{}")
    )
    assert book.is_up(AlertKind.SUSPECT_DATA)
    assert orders(book.send(book.fill(Side.BUY, "0.2")))


def test_after_a_pause_the_venue_is_asked_before_anything_is_sent() -> None:
    """SIGSTOP for 90 s, or a loop that was blocked: what was decided before may not be acted on after."""
    book = Playbook()
    book.ready()
    heard = list(book.send(book.fill(Side.BUY, "0.2"), after_ms=90_000))
    heard += book.send(book.book())
    heard += book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    heard += book.send(book.ticker())
    heard += book.tick()
    assert orders(heard) == []
    assert book.is_up(AlertKind.LOOP_LAG)
    assert snapshots(heard), "the truth is asked for"
    book.send(book.book())
    book.send(book.ticker())
    assert len(orders(book.snapshot([book.position("0.2", BTC_USDC)]))) == 1
    assert not book.is_up(AlertKind.LOOP_LAG)


def test_a_long_pause_is_no_silence_of_the_private_stream() -> None:
    """A suspended machine heard nothing because it did not run: it asks the venue, and does not halt for good."""
    book = Playbook()
    book.ready()
    book.tick(after_ms=600_000)
    assert book.mode() is Mode.ACTIVE
    assert book.is_up(AlertKind.LOOP_LAG)
    limit_ms = book.state.limits.private_silence_ms_halt
    for _ in range(limit_ms // 1_000 + 2):
        book.tick(after_ms=1_000)
    assert book.mode() is Mode.HALTED, "from here on it is silence again"


def test_another_account_says_nothing_of_an_ended_order_that_is_still_alive() -> None:
    """Taken for expired and yet listed: its slot stays taken, whatever snapshots of other accounts do not list."""
    book = ready_pair()
    order = the_order(book.send(msgspec.structs.replace(book.fill(Side.BUY, "0.2"), account=BOOK)))
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.EXPIRED)))
    book.tick(15_001)
    alive = book.report(order, OrderStatus.OPEN)
    held = (msgspec.structs.replace(book.position("0.2", BTC_USDC), account=BOOK),)
    answer(book, ACCOUNT, open_orders=(alive,))
    assert list(book.state.unsettled) == [order.client_id]
    answer(book, BOOK, positions=held)
    assert list(book.state.unsettled) == [order.client_id]
    book.tick(1_001)
    answer(book, ACCOUNT)
    assert not book.state.unsettled, "its own account lists it no more"


def test_a_late_word_frees_no_slot_of_an_order_that_the_venue_lists() -> None:
    """Taken for expired, listed, then spoken of by the stream and filled in part: what is left may still fill."""
    book = ready_pair()
    order = the_order(book.send(msgspec.structs.replace(book.fill(Side.BUY, "0.2"), account=BOOK)))
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.EXPIRED)))
    book.tick(15_001)
    alive = book.report(order, OrderStatus.OPEN)
    answer(book, ACCOUNT, open_orders=(alive,))
    intent = order.approved.intent
    book.send(ev.OrderUpdated(report=alive))
    book.send(book.fill(intent.side, "0.01", intent.instrument, client_id=order.client_id))
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.PARTIAL, "0.01")))
    assert list(book.state.unsettled) == [order.client_id]
    killed = book.send(ev.OperatorKilled(operator="ann", reason="odd"))
    assert [one.client_id for one in of_type(killed, CancelOrder)] == [order.client_id]
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED, "0.01")))
    assert not book.state.unsettled
