from typing import get_args

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.errors import ProgrammingError
from hedgebot.turn.inbox import Inbox, Priority, priority_of
from tests.unit.journal.world import PERP, SETTINGS, SPOT, book, fill

TIMER = ev.TimerFired()
KILL = ev.OperatorKilled(operator="eve", reason="drill")
CLOCK = ev.ClockMeasured(account="main", offset_ms=1.0, round_trip_ms=2.0)
STARTED = ev.RunStarted(run_id="1", epoch=1, settings=SETTINGS, version="1")


def alive(account: str = "main", stream: ev.Stream = ev.Stream.PUBLIC) -> ev.StreamAlive:
    return ev.StreamAlive(account=account, stream=stream)


def take_all(inbox: Inbox) -> list[ev.Event]:
    taken = []
    while (event := inbox.take()) is not None:
        taken.append(event)
    assert len(inbox) == 0
    return taken


def filled(*events: ev.Event, capacity: int = 100) -> Inbox:
    inbox = Inbox(capacity)
    for event in events:
        inbox.put(event)
    return inbox


def test_the_most_urgent_comes_first() -> None:
    trade = fill("1")
    inbox = filled(book(), TIMER, CLOCK, KILL, trade, STARTED)
    assert take_all(inbox) == [STARTED, trade, KILL, CLOCK, TIMER, book()]


def test_equals_come_in_order_of_arrival() -> None:
    first, second, third = fill("1"), fill("2"), fill("3")
    assert take_all(filled(first, second, third)) == [first, second, third]


def test_a_snapshot_comes_after_the_fills_put_before_it() -> None:
    snapshot = ev.SnapshotTaken(
        account="main",
        request=1,
        complete=True,
        problem="",
        positions=(),
        open_orders=(),
        wallet=None,
        executions_since_ns=0,
        asked_at_ns=0,
    )
    rules = ev.InstrumentsLoaded(venue="bybit", instruments=())
    trade = fill("1")
    assert take_all(filled(CLOCK, rules, trade, snapshot)) == [rules, trade, CLOCK, snapshot]


def test_market_events_keep_the_newest_at_the_first_place() -> None:
    old, new, other = book("1", "2"), book("3", "4"), book(instrument=SPOT)
    assert take_all(filled(old, other, new)) == [new, other]


def test_after_it_was_taken_an_instrument_queues_at_the_end() -> None:
    inbox = filled(book("1", "2"), book(instrument=SPOT))
    assert inbox.take() == book("1", "2")
    inbox.put(book("3", "4"))
    assert take_all(inbox) == [book(instrument=SPOT), book("3", "4")]


def test_types_and_instruments_and_streams_do_not_replace_each_other() -> None:
    ticker = ev.Ticker(instrument=PERP, mark=None, index=None, venue_at_ns=1)
    events: list[ev.Event] = [
        book(),
        ticker,
        book(instrument=SPOT),
        alive(),
        alive(stream=ev.Stream.PRIVATE),
        alive("second"),
    ]
    assert take_all(filled(*events, alive())) == events


def test_a_busy_instrument_cannot_starve_a_quiet_one() -> None:
    inbox = filled(book(), book(instrument=SPOT))
    for _ in range(1_000):
        inbox.put(book())
    assert [event for event in (inbox.take(), inbox.take()) if event == book(instrument=SPOT)]


def test_a_sign_of_life_does_not_outlive_its_connection() -> None:
    down = ev.StreamChanged(account="main", stream=ev.Stream.PUBLIC, up=False, reason="closed")
    other = alive(stream=ev.Stream.PRIVATE)
    assert take_all(filled(alive(), other, down)) == [down, other]
    assert take_all(filled(down, alive())) == [down, alive()]


def test_one_timer_waits() -> None:
    assert take_all(filled(TIMER, TIMER, TIMER)) == [TIMER]


def test_overflow_is_one_event_for_each_kind_and_comes_first() -> None:
    trades = [fill(str(number)) for number in range(5)]
    inbox = filled(*trades, CLOCK, CLOCK, CLOCK, KILL, capacity=2)
    lost = [ev.InboxOverflowed(kind="FillReceived", dropped=3), ev.InboxOverflowed(kind="ClockMeasured", dropped=1)]
    assert len(inbox) == 7
    assert take_all(inbox) == [*lost, trades[0], trades[1], KILL, CLOCK, CLOCK]


def test_overflow_is_told_again_after_it_was_taken() -> None:
    inbox = filled(fill("1"), fill("2"), capacity=1)
    assert inbox.take() == ev.InboxOverflowed(kind="FillReceived", dropped=1)
    inbox.put(fill("3"))
    assert inbox.take() == ev.InboxOverflowed(kind="FillReceived", dropped=1)
    assert take_all(inbox) == [fill("1")]


def test_the_start_comes_before_an_overflow() -> None:
    inbox = filled(fill("1"), fill("2"), STARTED, capacity=1)
    assert inbox.take() == STARTED


def test_more_instruments_than_the_bound_overflow() -> None:
    other = ev.Ticker(instrument=PERP, mark=None, index=None, venue_at_ns=1)
    inbox = filled(book(), other, book("5", "6"), capacity=1)
    assert take_all(inbox) == [ev.InboxOverflowed(kind="Ticker", dropped=1), book("5", "6")]


def test_one_class_cannot_crowd_out_another() -> None:
    inbox = filled(*[CLOCK] * 500, KILL, fill("1"), capacity=3)
    assert take_all(inbox)[:3] == [ev.InboxOverflowed(kind="ClockMeasured", dropped=497), fill("1"), KILL]


def test_putting_wakes_the_taker() -> None:
    woken: list[int] = []
    inbox = Inbox(1, lambda: woken.append(len(woken)))
    for event in (CLOCK, CLOCK, book(), TIMER):
        inbox.put(event)
    assert len(woken) == 4


def test_a_bound_below_one_is_a_bug() -> None:
    with pytest.raises(ProgrammingError):
        Inbox(0)


def test_every_event_has_a_class() -> None:
    by_name = {kind.__name__: kind for kind in get_args(ev.Event)}
    samples = {type(event).__name__: event for event in (STARTED, KILL, CLOCK, TIMER, book(), fill("1"), alive())}
    assert set(samples) <= set(by_name)
    assert {name: priority_of(event) for name, event in samples.items()} == {
        "RunStarted": Priority.START,
        "OperatorKilled": Priority.OPERATOR,
        "ClockMeasured": Priority.PRIVATE,
        "TimerFired": Priority.TIMER,
        "BookTop": Priority.MARKET,
        "FillReceived": Priority.EXECUTION,
        "StreamAlive": Priority.MARKET,
    }


def test_a_kill_shows_while_it_waits() -> None:
    inbox = Inbox(1)
    assert not inbox.kill_waits
    inbox.put(ev.OperatorKilled(operator="ada", reason="smoke"))
    inbox.put(ev.OperatorKilled(operator="bob", reason="one too many"))
    assert inbox.kill_waits
    assert isinstance(inbox.take(), ev.InboxOverflowed)
    assert inbox.kill_waits
    assert isinstance(inbox.take(), ev.OperatorKilled)
    assert not inbox.kill_waits, "one that was dropped does not wait"
