"""What the shell reports: whatever may have hidden an execution makes the account unreconciled."""

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RaiseAlert, RequestSnapshot
from hedgebot.domain.instrument import Side
from tests.support.playbook import ACCOUNT, Playbook, alerts, of_type, orders


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def test_a_private_stream_that_goes_takes_the_truth_with_it(book: Playbook) -> None:
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    assert not book.state.accounts[ACCOUNT].reconciled
    assert book.is_up(AlertKind.PRIVATE_STREAM_SILENT)
    assert len(of_type(book.connect(), RequestSnapshot)) == 1


def test_a_stream_that_answers_before_it_is_up_is_not_called_silent() -> None:
    """The venue's answer to our log-in is a sign of life: a timer between that and "up" raised an alert at a start."""
    book = Playbook()
    book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
    book.tick()
    assert not book.is_up(AlertKind.PRIVATE_STREAM_SILENT)
    for _ in range(4):
        # One that answers and never comes up, as where each log-in is refused, is told all the same, and stays told.
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=5_000.0)
        book.tick()
    assert book.is_up(AlertKind.PRIVATE_STREAM_SILENT)
    book.start(2)
    book.tick()
    assert book.is_up(AlertKind.PRIVATE_STREAM_SILENT), "nothing says yet that it is over"
    book.connect()
    book.tick()
    assert book.is_up(AlertKind.PRIVATE_STREAM_SILENT), "a connection that is cut again and again is one alert"
    book.tick(11_000.0)
    assert not book.is_up(AlertKind.PRIVATE_STREAM_SILENT)
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    book.tick()
    assert book.is_up(AlertKind.PRIVATE_STREAM_SILENT)


def test_a_backlog_of_reconnects_asks_the_venue_once(book: Playbook) -> None:
    """A process that stood still hears of many at one moment, and the question leaves after all of them."""
    asked = []
    for number in range(26):
        change = ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=number % 2 == 1, reason="cut")
        asked += of_type(book.send(change, after_ms=0.0), RequestSnapshot)
    assert len(asked) == 1
    change = msgspec.structs.replace(change, up=False)
    book.send(change)
    assert len(of_type(book.send(msgspec.structs.replace(change, up=True)), RequestSnapshot)) == 1


@pytest.mark.parametrize(("topic", "kept"), [("execution", False), ("wallet", True), ("query:positions", True)])
def test_an_unreadable_frame_counts_only_where_a_fill_may_have_been(book: Playbook, topic: str, kept: bool) -> None:
    book.send(ev.FrameQuarantined(account=ACCOUNT, stream=ev.Stream.PRIVATE, topic=topic, problem="?", sample="?"))
    assert book.state.accounts[ACCOUNT].reconciled is kept
    assert book.is_up(AlertKind.SUSPECT_DATA)


def test_lost_events_are_asked_for_again(book: Playbook) -> None:
    book.send(ev.InboxOverflowed(kind="FillReceived", dropped=3))
    assert not book.state.accounts[ACCOUNT].reconciled


def test_a_task_that_is_restarted_is_told_and_halts_nothing(book: Playbook) -> None:
    book.send(ev.TaskFailed(task="clock", error="a bug", restarting=True))
    assert book.is_up(AlertKind.TASK_FAILED)
    assert not book.state.latched


def test_a_ban_is_told_once_and_ends_with_its_time() -> None:
    book = Playbook()
    book.ready()
    paused = ev.VenuePaused(account=ACCOUNT, seconds=2.0, reason="HTTP 418: requests and dials pause for 2 s")
    assert alerts(book.send(paused)) == {AlertKind.RATE_LIMIT_BAN}
    assert alerts(book.send(paused)) == set()
    assert book.state.accounts[ACCOUNT].paused_until_ns > book.at_ns
    book.tick(after_ms=1_500.0)
    assert book.is_up(AlertKind.RATE_LIMIT_BAN)
    book.tick(after_ms=1_000.0)
    assert not book.is_up(AlertKind.RATE_LIMIT_BAN)


def test_o06_a_revoked_key_halts_the_book_and_the_alert_names_the_account_not_the_key() -> None:
    """Retrying does not help: no order leaves any more, whatever the delta, until an operator unkills the book."""
    book = Playbook()
    book.ready()
    heard = book.send(ev.AuthenticationFailed(account=ACCOUNT, code="33004", message="Your api key has expired."))
    (told,) = [one for one in of_type(heard, RaiseAlert) if one.kind is AlertKind.API_KEY_INVALID]
    assert told.subject == ACCOUNT
    assert told.summary == "the venue refused the key: 33004 Your api key has expired."
    assert book.mode() is Mode.HALTED
    assert book.state.latched
    assert orders(book.send(book.fill(Side.BUY, "1"))) == []
    for _ in range(40):
        assert orders(book.tick(after_ms=250.0)) == []


def test_a_clock_that_is_not_measured_any_more_is_told_once_and_ends_with_the_next_answer(book: Playbook) -> None:
    def pass_by(seconds: int) -> list[RaiseAlert]:
        heard = [one for _ in range(seconds) for one in book.tick(1_000)]
        return [one for one in of_type(heard, RaiseAlert) if one.kind is AlertKind.CLOCK_SKEW]

    measured = ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0)
    book.send(measured)
    assert pass_by(300) == []
    (told,) = pass_by(120)
    assert told.summary == "our clock has not been compared with the one of main's venue for 5 minutes"
    book.send(measured)
    book.tick()
    assert not book.is_up(AlertKind.CLOCK_SKEW)
