"""Dead-man's switches as a conversation: asked for, refreshed, fired, armed again, laid down (safety rules D1-D6)."""

import itertools

import msgspec
import pytest

from hedgebot.core import deadman, gate
from hedgebot.core.resting_rules import dead_man
from hedgebot.core.state import AccountState
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import ArmDeadMan, Command, RecordOperator, ResolveAlert, StopNow
from hedgebot.domain.deadman import DEAD_MAN_REASON, DeadManChanged, DeadManKind, DeadManStatus
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_USDC,
    MS,
    Playbook,
    alerts,
    of_type,
    settings,
    the_order,
)
from tests.support.resting import candidate

TIMER, SOCKET = DeadManKind.NATIVE_TIMER, DeadManKind.WS_DISCONNECT
WINDOW_S = 12.0


def playbook(seconds: float | None = WINDOW_S) -> Playbook:
    plain = settings()
    accounts = tuple(msgspec.structs.replace(one, dead_man_s=seconds) for one in plain.accounts)
    return Playbook(msgspec.structs.replace(plain, accounts=accounts))


def account_of(book: Playbook) -> AccountState:
    return book.state.accounts[ACCOUNT]


def answer(
    book: Playbook, kind: DeadManKind = TIMER, status: DeadManStatus = DeadManStatus.ARMED, detail: str = ""
) -> tuple[Command, ...]:
    """The adapter's answer to the newest ArmDeadMan."""
    asked = of_type(book.heard, ArmDeadMan)[-1]
    return book.send(
        DeadManChanged(
            account=ACCOUNT,
            kind=kind,
            status=status,
            seconds=asked.seconds,
            read_back=True,
            detail=detail,
            asked_at_ns=account_of(book).dead_man.asked_at_ns,
        ),
        after_ms=20.0,
    )


def armed(kind: DeadManKind = TIMER, seconds: float = WINDOW_S) -> Playbook:
    book = playbook(seconds)
    book.ready()
    assert [one.seconds for one in of_type(book.heard, ArmDeadMan)] == [seconds]
    answer(book, kind)
    return book


def resting_problem(book: Playbook) -> str:
    return deadman.resting_problem(book.state, account_of(book), book.at_ns)


def pass_time(book: Playbook, seconds: float) -> list[Command]:
    """The timer fires every quarter of a second, the stream shows signs of life."""
    heard: list[Command] = []
    for _ in range(round(seconds * 4)):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=0.0)
        heard += book.tick(after_ms=250.0)
    return heard


# --- D1, D2: armed before anything rests, refreshed within a third


def test_it_is_asked_for_before_any_order_and_names_the_hedges() -> None:
    book = playbook()
    book.ready()
    (asked,) = of_type(book.heard, ArmDeadMan)
    assert asked == ArmDeadMan(account=ACCOUNT, seconds=WINDOW_S, instruments=(BTC_PERP,))
    assert "not armed yet" in resting_problem(book)
    answer(book)
    assert resting_problem(book) == ""


def test_a_timer_is_pushed_back_within_a_third_of_its_window() -> None:
    book = armed()
    asked_at_ns = [account_of(book).dead_man.asked_at_ns]
    for _ in range(6):
        while not of_type(book.tick(after_ms=250.0), ArmDeadMan):
            book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=0.0)
        asked_at_ns.append(book.at_ns)
        answer(book)
    gaps_s = [(later - earlier) / 1e9 for earlier, later in itertools.pairwise(asked_at_ns)]
    assert max(gaps_s) <= WINDOW_S / 3
    assert not book.is_up(AlertKind.DMS_NOT_ARMED)


def test_a_timer_is_pushed_back_while_the_private_stream_is_down() -> None:
    book = armed()
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    assert of_type(pass_time(book, WINDOW_S / 3), ArmDeadMan)


def test_a_socket_switch_is_read_again_once_a_minute() -> None:
    book = armed(SOCKET)
    assert of_type(pass_time(book, 59.0), ArmDeadMan) == []
    assert len(of_type(pass_time(book, 2.0), ArmDeadMan)) == 1


def test_without_a_wish_nothing_is_asked_and_nothing_rests() -> None:
    book = playbook(None)
    book.ready()
    pass_time(book, 30.0)
    assert of_type(book.heard, ArmDeadMan) == []
    assert "dead_man_s is not set" in resting_problem(book)
    assert not book.is_up(AlertKind.DMS_NOT_ARMED)
    assert deadman.describe(book.state, account_of(book), book.at_ns) == ""


# --- D3: not armed means immediate-or-cancel only, and an alert


@pytest.mark.parametrize("status", [DeadManStatus.REFUSED, DeadManStatus.FAILED])
def test_d3_a_switch_that_cannot_be_armed_raises_the_alert_and_nothing_may_rest(status: DeadManStatus) -> None:
    book = playbook()
    book.ready()
    heard = answer(book, status=status, detail="not for this account")
    assert alerts(heard) == {AlertKind.DMS_NOT_ARMED}
    assert "not for this account" in resting_problem(book)
    # Hedging goes on with orders that never rest.
    order = the_order(book.send(book.fill(Side.BUY, "0.3")))
    assert order.approved.intent.time_in_force is TimeInForce.IOC
    book.done(order)
    assert of_type(pass_time(book, 31.0), ArmDeadMan)
    resolved = [one for one in answer(book) if isinstance(one, ResolveAlert)]
    assert [one.kind for one in resolved] == [AlertKind.DMS_NOT_ARMED]


def test_d3_no_answer_at_all_is_told_within_ten_seconds_or_so() -> None:
    book = playbook()
    book.ready()
    assert AlertKind.DMS_NOT_ARMED not in alerts(pass_time(book, 9.0))
    assert AlertKind.DMS_NOT_ARMED in alerts(pass_time(book, 2.0))


@pytest.mark.parametrize("tif", list(TimeInForce))
def test_the_gate_lets_nothing_rest_without_it(tif: TimeInForce) -> None:
    rests = tif in {TimeInForce.GTC, TimeInForce.POST_ONLY}
    unarmed = playbook()
    unarmed.ready()
    finding = dead_man(candidate(unarmed, tif))
    assert bool(finding.problem) is rests
    answer(unarmed)
    assert dead_man(candidate(unarmed, tif)).problem == ""
    assert dead_man in gate.RULES


# --- D4: firing is expected, and it is armed again before anything rests


def test_d4_an_order_cancelled_by_the_switch_arms_it_again() -> None:
    book = armed()
    pass_time(book, 2.5)
    order = the_order(book.send(book.fill(Side.BUY, "0.3")))
    report = book.report(order, OrderStatus.CANCELLED)
    heard = book.send(ev.OrderUpdated(report=msgspec.structs.replace(report, reason=DEAD_MAN_REASON)))
    assert len(of_type(heard, ArmDeadMan)) == 1
    assert "fired" in resting_problem(book)
    answer(book)
    assert resting_problem(book) == ""


def test_d4_a_timer_that_ran_out_counts_as_fired() -> None:
    book = armed()
    while not of_type(book.tick(after_ms=250.0), ArmDeadMan):
        pass
    answer(book, status=DeadManStatus.FAILED, detail="timeout")
    assert resting_problem(book) == "", "a refresh that failed does not stop the timer"
    at_ns = account_of(book).dead_man.fires_at_ns
    book.at_ns = at_ns - MS
    assert "fired" in (book.tick(), resting_problem(book))[1]


def test_d4_a_socket_switch_is_asked_for_again_after_each_reconnect() -> None:
    book = armed(SOCKET)
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    assert of_type(pass_time(book, 3.0), ArmDeadMan) == []
    assert "the private stream is down" in resting_problem(book)
    book.connect()
    assert len(of_type(pass_time(book, 1.0), ArmDeadMan)) == 1


def test_a_new_run_knows_nothing_of_the_old_ones_switch() -> None:
    book = armed()
    book.start(epoch=2)
    assert account_of(book).dead_man.status is DeadManStatus.OFF


# --- D5: it keeps positions, and says so


def test_d5_the_screen_says_what_it_does_and_how_long_is_left() -> None:
    book = armed()
    words = deadman.describe(book.state, account_of(book), book.at_ns)
    assert words == "armed, 12 s left of 12 s: cancels orders, keeps positions"
    socket = armed(SOCKET)
    words = deadman.describe(socket.state, account_of(socket), socket.at_ns)
    assert words == "armed, 12 s after the private stream is lost: cancels orders, keeps positions"


# --- D6: disarmed only once the venue has shown that all is empty


def test_d6_a_graceful_stop_disarms_after_a_clean_snapshot_and_then_ends() -> None:
    book = armed()
    heard = list(book.send(ev.StopRequested(reason="SIGTERM")))
    assert of_type(heard, StopNow) == []
    assert of_type(heard, ArmDeadMan) == []
    heard = list(book.tick())
    assert of_type(heard, ArmDeadMan) == [], "not before the venue has answered"
    book.snapshot()
    (disarm,) = of_type(book.tick(), ArmDeadMan)
    assert disarm.seconds == 0
    assert of_type(book.tick(), StopNow) == []
    answer(book, status=DeadManStatus.OFF)
    assert len(of_type(book.tick(), StopNow)) == 1


def test_d6_it_stays_armed_while_the_venue_lists_an_order_of_ours() -> None:
    book = armed()
    order = the_order(book.send(book.fill(Side.BUY, "0.3")))
    book.done(order)
    book.send(ev.StopRequested(reason="SIGTERM"))
    book.tick()
    book.snapshot(
        (
            book.position("0.3", BTC_USDC),
            book.position(str(-order.approved.intent.qty_contracts)),
        ),
        orders=(book.report(order, OrderStatus.OPEN),),
    )
    assert of_type(book.tick(), ArmDeadMan) == []
    assert account_of(book).dead_man.status is DeadManStatus.ARMED


def test_a_socket_switch_is_left_as_it_is_at_the_end() -> None:
    book = armed(SOCKET)
    heard = [*book.send(ev.StopRequested(reason="SIGTERM")), *book.snapshot(), *book.tick()]
    assert len(of_type(heard, StopNow)) == 1
    assert of_type(heard, ArmDeadMan) == []


# --- the checklist of unkill


@pytest.mark.parametrize("status", [DeadManStatus.FAILED, DeadManStatus.REFUSED, DeadManStatus.ARMED])
def test_unkill_wants_a_switch_that_was_asked_for_armed_and_read_back(status: DeadManStatus) -> None:
    book = playbook()
    book.ready()
    answer(book, status=status, detail="no")
    book.send(ev.OperatorKilled(operator="ann", reason="drill"))
    (said,) = of_type(book.send(ev.OperatorUnkilled(operator="ann", reason="over")), RecordOperator)
    assert said.accepted is (status is DeadManStatus.ARMED)
    assert ("its dead man's switch is" in said.explanation) is not said.accepted
