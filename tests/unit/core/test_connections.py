"""What the shell reports: whatever may have hidden an execution makes the account unreconciled."""

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RequestSnapshot
from tests.support.playbook import ACCOUNT, Playbook, of_type


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
