"""The drop copy as a conversation: what the venue's history has and the journal has not is a break, found soon."""

import pytest

from hedgebot.core import difference, dropcopy
from hedgebot.core.step import Step
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, RaiseAlert, RecordAdjustment, ResolveAlert
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.instrument import Side
from tests.support.playbook import ACCOUNT, BTC_USDC, Playbook, alerts, of_type, orders, snapshots

PHANTOM = f"{ACCOUNT}|bybit:linear|phantom"
LOST = f"{ACCOUNT}|bybit:linear|lost"
# A reading every 6 s, its nine queries, the grace, and the timer.
READ_EVERY_MS, READING_MS = 6_000.0, 1_000.0


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def read(book: Playbook, *keys: str) -> tuple[Command, ...]:
    return book.send(ExecutionsRead(account=ACCOUNT, executions=keys, problem="", asked_at_ns=book.at_ns))


def pass_time(book: Playbook, seconds: float) -> list[Command]:
    heard: list[Command] = []
    for _ in range(round(seconds * 4)):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=0.0)
        book.send(book.book(), after_ms=0.0)
        book.send(book.ticker(), after_ms=0.0)
        heard += book.tick(after_ms=250.0)
    return heard


def test_what_the_journal_has_is_no_break(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.01", trade_id="seen"))
    read(book, f"{ACCOUNT}|bybit:linear|seen")
    pass_time(book, 10.0)
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert book.state.accounts[ACCOUNT].unseen == {}


def test_a_fill_that_the_reader_saw_first_is_waited_for(book: Playbook) -> None:
    read(book, f"{ACCOUNT}|bybit:linear|late")
    assert not book.is_up(AlertKind.RECON_BREAK)
    book.send(book.fill(Side.BUY, "0.01", trade_id="late"), after_ms=1_000.0)
    pass_time(book, 5.0)
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_a_missed_fill_is_a_break_within_fifteen_seconds_and_stops_trading(book: Playbook) -> None:
    """At worst it executes just after a reading began: the next one begins 6 s later and takes a second."""
    missed_at_ns = book.at_ns
    pass_time(book, READ_EVERY_MS / 1_000)
    asked_at_ns = book.at_ns
    pass_time(book, READING_MS / 1_000)
    book.send(ExecutionsRead(account=ACCOUNT, executions=(LOST,), problem="", asked_at_ns=asked_at_ns))
    heard: list[Command] = []
    while not (told := [one for one in heard if isinstance(one, RaiseAlert) and one.kind is AlertKind.RECON_BREAK]):
        heard += pass_time(book, 0.25)
        assert book.at_ns - missed_at_ns <= 15_000_000_000, "not found in time"
    assert "has execution lost" in told[0].summary
    assert len(snapshots(heard)) == 1, "the venue is asked at once"
    assert orders(book.send(book.fill(Side.BUY, "1"))) == [], "nothing is sent while it lasts"


def test_the_snapshot_that_brings_it_ends_the_break(book: Playbook) -> None:
    read(book, LOST)
    pass_time(book, 4.0)
    assert book.is_up(AlertKind.RECON_BREAK)
    book.send(book.fill(Side.BUY, "0.01", trade_id="lost"))
    book.snapshot((book.position("0.01", BTC_USDC),))
    pass_time(book, 0.5)
    assert not book.state.accounts[ACCOUNT].break_since_ns
    assert book.state.accounts[ACCOUNT].reconciled
    assert book.mode() is Mode.ACTIVE
    assert book.is_up(AlertKind.RECON_BREAK), "not before it stayed away"
    pass_time(book, 10.0)
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_one_that_a_clean_snapshot_does_not_explain_blocks_and_then_halts(book: Playbook) -> None:
    read(book, LOST)
    pass_time(book, 4.0)
    book.snapshot()
    assert orders(book.send(book.fill(Side.BUY, "1"))) == []
    assert book.is_up(AlertKind.RECON_BREAK)
    for _ in range(8):
        pass_time(book, 4.0)
        book.snapshot((book.position("1", BTC_USDC),))
    assert book.mode() is Mode.HALTED
    assert "has execution lost" in book.state.mode_reason


def test_while_a_snapshot_is_on_its_way_nothing_is_a_break(book: Playbook) -> None:
    """After a restart the history holds what was executed meanwhile, and the first snapshot will bring it."""
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    read(book, LOST)
    assert AlertKind.RECON_BREAK not in alerts(pass_time(book, 10.0))


def test_before_the_opening_snapshot_nothing_counts() -> None:
    book = Playbook()
    read(book, LOST)
    assert book.state.accounts[ACCOUNT].unseen == {}


def test_its_memory_is_bounded(book: Playbook) -> None:
    read(book, *(f"{ACCOUNT}|bybit:linear|{number}" for number in range(20_000)))
    assert len(book.state.accounts[ACCOUNT].unseen) == dropcopy._UNSEEN_MAX


def test_an_unkill_accepts_it_and_says_so(book: Playbook) -> None:
    read(book, LOST)
    account = book.state.accounts[ACCOUNT]
    step = Step(book.state, seq=1, at_ns=book.at_ns)
    difference.accept_differences(step, account, "ada")
    assert account.unseen == {}
    assert [one.subject for one in of_type(step.commands, RecordAdjustment)] == [LOST]


def failed(book: Playbook) -> tuple[Command, ...]:
    return book.send(ExecutionsRead(account=ACCOUNT, executions=(), problem="linear: timeout", asked_at_ns=book.at_ns))


def unread(heard: list[Command]) -> list[RaiseAlert]:
    return [one for one in of_type(heard, RaiseAlert) if one.subject == f"{ACCOUNT} drop copy"]


def test_readings_that_fail_for_a_minute_are_told_once_and_end_with_a_whole_one(book: Playbook) -> None:
    for _ in range(10):
        assert unread([*failed(book), *pass_time(book, 6.0)]) == []
    (told,) = unread([*failed(book), *pass_time(book, 6.0), *failed(book)])
    assert told.kind is AlertKind.VENUE_UNREACHABLE
    assert "linear: timeout" in told.summary
    ended = of_type(read(book), ResolveAlert)
    assert (AlertKind.VENUE_UNREACHABLE, f"{ACCOUNT} drop copy") in [(one.kind, one.subject) for one in ended]


def test_readings_that_fail_now_and_then_are_no_news(book: Playbook) -> None:
    for _ in range(12):
        assert unread([*failed(book), *pass_time(book, 6.0), *read(book)]) == []


# --- what the journal has and the venue does not list --------------------------------------------------------------


def looked(book: Playbook, *keys: str, problem: str = "", since_s: float = 90.0) -> tuple[Command, ...]:
    """A reading over the last 90 s, as the reader makes them."""
    since_ns = book.at_ns - round(since_s * 1e9)
    return book.send(
        ExecutionsRead(account=ACCOUNT, executions=keys, problem=problem, asked_at_ns=book.at_ns, since_ns=since_ns)
    )


def booked(book: Playbook, name: str = "phantom") -> None:
    """A fill of somebody else, too small to be hedged."""
    book.send(book.fill(Side.BUY, "0.001", trade_id=name))


def test_a_fill_that_the_venue_never_lists_is_a_break_within_fifteen_seconds(book: Playbook) -> None:
    """At worst a reading begins when it is seven seconds old, and the next one six seconds later takes a second."""
    looked(book)
    booked_at_ns = book.at_ns
    booked(book)
    heard: list[Command] = []
    while not (told := [one for one in heard if isinstance(one, RaiseAlert) and one.kind is AlertKind.RECON_BREAK]):
        heard += [*pass_time(book, READ_EVERY_MS / 1_000), *looked(book)]
        assert book.at_ns - booked_at_ns <= 14_000_000_000, "not found in time"
    assert told[0].summary.endswith("does not list execution phantom, which the journal has")
    assert told[0].subject == f"{ACCOUNT} drop copy"
    assert len(snapshots(heard)) >= 1, "the venue is asked at once"
    book.snapshot((book.position("0.001", BTC_USDC),))
    assert orders(book.send(book.fill(Side.BUY, "1"))) == [], (
        "nothing is sent while it lasts, whatever the snapshot says"
    )


def test_one_that_nothing_explains_halts_the_book_with_the_reading_as_evidence(book: Playbook) -> None:
    looked(book)
    booked(book)
    for _ in range(12):
        pass_time(book, 6.0)
        looked(book)
        book.snapshot((book.position("0.001", BTC_USDC),))
    assert book.mode() is Mode.HALTED
    assert "does not list execution phantom" in book.state.mode_reason
    assert list(book.state.accounts[ACCOUNT].missing) == [PHANTOM]


def test_one_that_is_listed_late_ends_the_break(book: Playbook) -> None:
    looked(book)
    booked(book)
    for _ in range(3):
        pass_time(book, 4.0)
        looked(book)
    assert book.is_up(AlertKind.RECON_BREAK)
    looked(book, PHANTOM)
    assert not book.state.accounts[ACCOUNT].break_since_ns
    book.snapshot((book.position("0.001", BTC_USDC),))
    assert book.mode() is Mode.ACTIVE
    assert book.state.accounts[ACCOUNT].reconciled


@pytest.mark.parametrize("first", ["fill", "reading"])
def test_what_is_listed_in_time_is_no_break_whoever_is_first(book: Playbook, first: str) -> None:
    looked(book)
    if first == "reading":
        looked(book, PHANTOM)
    booked(book)
    if first == "fill":
        looked(book, PHANTOM)
    for _ in range(6):
        pass_time(book, 4.0)
        looked(book)
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert book.state.accounts[ACCOUNT].unlisted == {}


@pytest.mark.parametrize(
    "reading", [{"problem": "linear: timeout"}, {"since_s": 5.0}], ids=["incomplete", "too short a window"]
)
def test_a_reading_that_may_not_have_seen_it_proves_nothing(book: Playbook, reading: dict[str, object]) -> None:
    looked(book)
    booked(book)
    for _ in range(5):
        pass_time(book, 6.0)
        looked(book, **reading)  # type: ignore[arg-type]
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert book.state.accounts[ACCOUNT].missing == {}


def test_before_the_first_whole_reading_and_after_lost_events_nothing_is_waited_for(book: Playbook) -> None:
    booked(book, "early")
    looked(book, problem="linear: timeout")
    booked(book, "still early")
    assert book.state.accounts[ACCOUNT].unlisted == {}
    looked(book)
    booked(book)
    assert list(book.state.accounts[ACCOUNT].unlisted) == [PHANTOM]
    book.send(ev.InboxOverflowed(kind="reply", dropped=1))
    assert book.state.accounts[ACCOUNT].unlisted == {}
    booked(book, "after")
    assert book.state.accounts[ACCOUNT].unlisted == {}, "a reading may be among what was lost"


def test_a_fill_that_comes_late_has_a_witness_of_its_own(book: Playbook) -> None:
    looked(book)
    book.at_ns += dropcopy.AWAITED_NS + 1_000_000_000
    old = book.fill(Side.BUY, "0.001", trade_id="phantom")
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    book.at_ns += dropcopy.AWAITED_NS + 1_000_000_000
    book.send(old)
    assert book.state.accounts[ACCOUNT].unlisted == {}


def test_what_is_waited_for_is_bounded(book: Playbook) -> None:
    looked(book)
    for number in range(30):
        booked(book, f"f{number}")
    for _ in range(20):
        pass_time(book, 6.0)
        looked(book, *(f"{ACCOUNT}|bybit:linear|f{number}" for number in range(30)))
    assert book.state.accounts[ACCOUNT].unlisted == {}


def test_an_unkill_accepts_a_missing_one_and_says_so(book: Playbook) -> None:
    looked(book)
    booked(book)
    for _ in range(3):
        pass_time(book, 4.0)
        looked(book)
    account = book.state.accounts[ACCOUNT]
    step = Step(book.state, seq=1, at_ns=book.at_ns)
    difference.accept_differences(step, account, "ada")
    assert account.missing == {}
    accepted = [one for one in of_type(step.commands, RecordAdjustment) if one.subject == PHANTOM]
    assert [(one.before, one.after) for one in accepted] == [("in the journal", "never listed")]
