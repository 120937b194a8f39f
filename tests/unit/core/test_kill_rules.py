"""Kill rules that fire by themselves: one test each, dead data counts as fired, and so does a check that errors."""

from collections.abc import Callable

import msgspec
import pytest

from hedgebot.core import kill_rules
from hedgebot.core.state import EngineState
from hedgebot.core.unkill import to_review
from hedgebot.domain import events as ev
from hedgebot.domain.commands import CancelOrder, Mode
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    INSTRUMENTS,
    MS,
    Playbook,
    of_type,
    orders,
    settings,
    the_order,
)

BLIND_MS = 20_000


@pytest.fixture
def book() -> Playbook:
    """A book that holds a hedged position; what is blind for twenty seconds halts it."""
    playbook = Playbook(settings(blind_ms_halt=BLIND_MS, private_silence_ms_halt=3_600_000, margin_age_ms_max=5_000))
    playbook.ready()
    playbook.done(the_order(playbook.send(playbook.fill(Side.BUY, "0.2"))))
    return playbook


def live(book: Playbook, seconds: int, *, without: str = "") -> None:
    """Time passes with everything alive except one feed."""
    for _ in range(seconds):
        if without != "market":
            book.send(book.book())
        if without not in {"market", "mark"}:
            book.send(book.ticker())
        if without != "clock":
            book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
        if without != "margin":
            book.send(ev.WalletUpdated(report=book.wallet(), source=ev.Source.STREAM))
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        if without != "reconciliation" and book.state.accounts[ACCOUNT].request_open:
            held = [book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()]
            unknown = book.wallet(maintenance=None)
            book.snapshot(held, wallet=unknown if without == "margin" else None)
        book.tick(1_000)


def test_a_book_with_everything_alive_is_not_halted(book: Playbook) -> None:
    live(book, 60)
    assert book.mode() is Mode.ACTIVE


@pytest.mark.parametrize("feed", ["market", "margin"])
def test_a_feed_that_fails_beyond_its_limit_halts(book: Playbook, feed: str) -> None:
    live(book, 15, without=feed)
    assert book.mode() is Mode.ACTIVE
    live(book, 20, without=feed)
    name = "BTC" if feed == "market" else ACCOUNT
    assert list(book.state.latches["all"].causes) == [f"{feed}:{name}"]
    assert book.mode() is Mode.HALTED


def test_a_mark_that_stays_away_halts_as_a_book_does(book: Playbook) -> None:
    live(book, 25, without="mark")
    assert book.mode() is Mode.ACTIVE
    live(book, 10, without="mark")
    assert book.state.latches["all"].causes == {"market:BTC": f"no fresh mark of {BTC_PERP} for 20 s"}


def test_a_clock_that_is_not_measured_any_more_halts(book: Playbook) -> None:
    live(book, 315, without="clock")
    assert book.mode() is Mode.ACTIVE
    live(book, 10, without="clock")
    assert list(book.state.latches["all"].causes) == [f"clock:{ACCOUNT}"]


def test_a_reconciliation_that_fails_beyond_its_limit_halts(book: Playbook) -> None:
    book.tick(15_000)
    live(book, 1)
    book.send(ev.FrameQuarantined(account=ACCOUNT, stream=ev.Stream.PRIVATE, topic="order", problem="?", sample="?"))
    live(book, 22, without="reconciliation")
    assert f"reconciliation:{ACCOUNT}" in book.state.latches["all"].causes


def test_a_clock_that_stays_off_halts_and_one_bad_reading_does_not(book: Playbook) -> None:
    off = ev.ClockMeasured(account=ACCOUNT, offset_ms=1_600.0, round_trip_ms=1.0)
    book.send(off)
    live(book, 5, without="clock")
    live(book, 2)
    assert book.mode() is Mode.ACTIVE
    book.send(off)
    live(book, 25, without="clock")
    assert list(book.state.latches["all"].causes) == [f"clock:{ACCOUNT}"]


def test_an_exposure_that_stays_unknown_halts(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    live(book, 25)
    assert "exposure:BTC" in book.state.latches["all"].causes


def test_a_book_that_holds_nothing_is_not_halted_by_a_dead_feed() -> None:
    empty = Playbook(settings(blind_ms_halt=BLIND_MS))
    empty.ready()
    live(empty, 40, without="market")
    assert not empty.state.latches


def restarted(book: Playbook) -> None:
    """The daemon starts anew with what its journal knows; the venue's rules and streams are there."""
    book.start(epoch=2)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    book.connect()


@pytest.mark.parametrize("feed", ["market", "margin", "clock", "reconciliation"])
def test_a_feed_that_was_never_good_since_a_restart_counts_from_its_start(book: Playbook, feed: str) -> None:
    """An auditor's case: two hours after a restart with a position and a dead book nothing had fired."""
    restarted(book)
    live(book, 18, without=feed)
    assert not book.state.latches
    live(book, 5, without=feed)
    name = "BTC" if feed == "market" else ACCOUNT
    assert f"{feed}:{name}" in book.state.latches["all"].causes
    assert book.mode() is Mode.HALTED


def test_an_exposure_that_was_never_known_since_a_restart_halts(book: Playbook) -> None:
    book.send(book.option())
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    book.state.options.clear()
    restarted(book)
    live(book, 25)
    assert "exposure:BTC" in book.state.latches["all"].causes


def test_a_restart_that_finds_its_feeds_in_time_halts_nothing(book: Playbook) -> None:
    live(book, 5)
    book.at_ns += 7_200_000 * MS  # it was down for two hours: those do not count
    restarted(book)
    live(book, 15, without="market")
    live(book, 20)
    assert not book.state.latches
    assert book.mode() is Mode.ACTIVE


def test_a_restart_without_anything_held_waits_for_its_venue_as_long_as_it_takes() -> None:
    empty = Playbook(settings(blind_ms_halt=BLIND_MS))
    empty.ready()
    restarted(empty)
    live(empty, 40, without="market")
    assert not empty.state.latches


def test_what_the_venue_says_is_held_at_the_first_start_counts() -> None:
    first = Playbook(settings(blind_ms_halt=BLIND_MS))
    restarted(first)
    first.snapshot([first.position("0.1")])
    live(first, 25, without="market")
    assert "market:BTC" in first.state.latches["all"].causes


def test_an_underlying_that_a_reload_brings_is_blind_from_then_on(book: Playbook) -> None:
    live(book, 60)
    book.state.good_at_ns.pop("market:BTC")
    live(book, 15, without="market")
    assert not book.state.latches
    live(book, 10, without="market")
    assert "market:BTC" in book.state.latches["all"].causes


def test_a_process_that_stands_still_again_and_again_is_halted(book: Playbook) -> None:
    for number in range(kill_rules.PAUSES_HALT):
        assert book.mode() is not Mode.HALTED, f"after {number} standstills"
        live(book, 1)
        book.tick(6_000)
    assert list(book.state.latches["all"].causes) == ["loop_lag"]


def test_standstills_far_apart_halt_nothing(book: Playbook) -> None:
    book.state.pauses = [book.at_ns - 601_000 * MS] * kill_rules.PAUSES_HALT
    live(book, 1)
    book.tick(6_000)
    assert book.mode() is not Mode.HALTED


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyError, ValueError, TypeError])
def test_a_check_that_errors_counts_as_fired(
    book: Playbook, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_state: EngineState, _at_ns: int) -> list[tuple[str, str]]:
        raise error

    monkeypatch.setattr(kill_rules, "RULES", (broken,))
    book.may_fail = True
    book.tick()
    assert list(book.state.latches["all"].causes) == ["check:broken"]
    assert book.mode() is Mode.HALTED


def _no_margin(book: Playbook) -> None:
    wallet = book.state.accounts[ACCOUNT].wallet
    assert wallet is not None
    msgspec.structs.force_setattr(wallet, "maintenance_margin_usd", "nine")


def _no_margin_age(book: Playbook) -> None:
    book.state.accounts[ACCOUNT].wallet_at_ns = None  # type: ignore[assignment]


def _no_price(book: Playbook) -> None:
    book.state.underlyings["BTC"].price = None  # type: ignore[assignment]


def _no_mark_time(book: Playbook) -> None:
    book.state.quotes[BTC_PERP].mark_venue_ns = "now"  # type: ignore[assignment]


def _no_clock(book: Playbook) -> None:
    book.state.accounts[ACCOUNT].clock_offset_ms = "late"  # type: ignore[assignment]


BROKEN_INPUTS: dict[str, Callable[[Playbook], None]] = {
    "margin:main": _no_margin,
    "margin:main, by its age": _no_margin_age,
    "exposure:BTC": _no_price,
    "market:BTC": _no_mark_time,
    "clock:main": _no_clock,
}


@pytest.mark.parametrize("name", BROKEN_INPUTS)
def test_an_input_that_cannot_be_worked_out_counts_as_fired_by_its_name(book: Playbook, name: str) -> None:
    live(book, 5)
    book.may_fail = True
    BROKEN_INPUTS[name](book)
    book.tick(250)
    cause = f"check:{name.partition(',')[0]}"
    assert book.mode() is Mode.HALTED
    assert "it counts as fired" in book.state.latches["all"].causes[cause]
    told = dict(book.state.latches["all"].causes)
    for _ in range(10):
        assert orders(book.tick(250)) == []
    assert book.state.latches["all"].causes == told
    # The checklist does not lift it, and the operator's word does not end the process.
    book.send(ev.OperatorUnkilled(operator="me", reason="try", reviewed=tuple(told)))
    assert book.mode() is Mode.HALTED


def test_one_that_works_again_can_be_lifted(book: Playbook) -> None:
    live(book, 5)
    book.may_fail = True
    _no_margin(book)
    book.tick(250)
    live(book, 5)
    seen = tuple(name for name, _ in to_review(book.state, book.state.latches["all"]))
    book.send(ev.OperatorUnkilled(operator="me", reason="told anew", reviewed=seen))
    live(book, 20)
    assert book.mode() is Mode.ACTIVE


def test_a_decision_that_cannot_be_worked_out_halts(book: Playbook) -> None:
    book.may_fail = True
    _no_price(book)
    assert orders(book.send(ev.OperatorKilled(operator="me", reason="test", action=KillAction.REDUCE))) == []
    assert "check:decide" in book.state.latches["all"].causes


RULES_ELSEWHERE: dict[str, ev.Event] = {
    "authentication": ev.AuthenticationFailed(account=ACCOUNT, code="10003", message="invalid key"),
    "task": ev.TaskFailed(task="clock", error="a bug", restarting=False),
    "disk": ev.TaskFailed(task="journal", error="no space left", restarting=False),
    "crash loop": ev.OperatorKilled(operator="crash-loop guard", reason="5 starts", cause="crash_loop"),
}


@pytest.mark.parametrize("rule", RULES_ELSEWHERE)
def test_what_the_shell_tells_of_halts_with_its_cause(book: Playbook, rule: str) -> None:
    book.send(RULES_ELSEWHERE[rule])
    assert book.mode() is Mode.HALTED
    assert len(book.state.latches["all"].causes) == 1
    assert orders([*book.send(book.fill(Side.BUY, "2")), *book.tick(300)]) == []


def test_an_unexplained_position_halts(book: Playbook) -> None:
    for _ in range(5):
        book.tick(16_000)
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        book.snapshot([book.position("0.9")])
    assert any(one.startswith("unexplained:main:") for one in book.state.latches["all"].causes)


def test_an_order_that_may_live_is_cancelled_when_a_rule_fires(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    heard = [*book.send(RULES_ELSEWHERE["task"]), *book.tick()]
    assert [one.client_id for one in of_type(heard, CancelOrder)] == [order.client_id]
