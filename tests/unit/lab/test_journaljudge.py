"""What a journal alone proves: a sound run breaks nothing, and each breach is found in a journal that has it."""

from collections.abc import Iterable

import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.lab.journaljudge import QUESTIONS_PER_SECOND_MAX, judge_journal
from tests.unit.lab.bench import SETTINGS, Bench, S

Entry = ev.Stamped | cmd.Issued


def journal() -> list[Entry]:
    bench = Bench()
    bench.host.start()
    bench.run(60)
    return list(bench.host.journal.entries)


def found(entries: Iterable[Entry]) -> set[str]:
    return {invariant for invariant, _, _ in judge_journal(tuple(entries), SETTINGS)}


def before_the_last_order(entries: list[Entry], *events: ev.Event) -> list[Entry]:
    """The journal with events that come right before its last order was decided."""
    number = max(
        nr for nr, one in enumerate(entries) if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.SubmitOrder)
    )
    order = entries[number]
    more = [ev.Stamped(seq=order.seq, at_ns=order.at_ns, event=event) for event in events]
    return [*entries[:number], *more, *entries[number:]]


def test_a_sound_run_breaks_nothing() -> None:
    assert found(journal()) == set()


@pytest.mark.parametrize(
    "event",
    [
        ev.StreamChanged(account="main", stream=ev.Stream.PRIVATE, up=False, reason="cut"),
        ev.StreamChanged(account="main", stream=ev.Stream.PRIVATE, up=True, reason="connected"),
        ev.TaskFailed(task="journal", error="full", restarting=False),
    ],
)
def test_an_order_that_is_sent_blind_is_found(event: ev.Event) -> None:
    assert found(before_the_last_order(journal(), event)) == {"I15"}


def test_an_answer_from_before_the_change_opens_no_eyes() -> None:
    entries = journal()
    cut = ev.StreamChanged(account="main", stream=ev.Stream.PRIVATE, up=True, reason="connected")
    old = next(one.event for one in entries if isinstance(one, ev.Stamped) and isinstance(one.event, ev.SnapshotTaken))
    assert found(before_the_last_order(entries, cut, old)) == {"I15"}


def test_a_task_that_comes_back_and_a_public_stream_blind_nobody() -> None:
    harmless = (
        ev.TaskFailed(task="clock", error="a bug", restarting=True),
        ev.StreamChanged(account="main", stream=ev.Stream.PUBLIC, up=False, reason="cut"),
    )
    assert found(before_the_last_order(journal(), *harmless)) == set()


def test_an_accepted_unkill_ends_what_a_dead_task_forbids_and_a_refused_one_does_not() -> None:
    entries = journal()
    dead = ev.Stamped(seq=1, at_ns=entries[-1].at_ns, event=ev.TaskFailed(task="feed", error="a bug", restarting=False))
    order = next(one for one in entries if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.SubmitOrder))
    for accepted, expected in ((True, set()), (False, {"I15"})):
        word = cmd.RecordOperator(operator="eve", action="unkill", accepted=accepted, explanation="")
        unkill = cmd.Issued(seq=1, index=1, at_ns=entries[-1].at_ns, command=word)
        assert found([*entries, dead, unkill, order]) == expected


def test_a_silent_repair_is_found_and_an_opening_is_none() -> None:
    entries = journal()

    def repaired(evidence: str) -> set[str]:
        command = cmd.RecordAdjustment(
            account="main", subject="bybit:linear:BTCUSDT", before="1", after="0", evidence=evidence
        )
        return found([*entries, cmd.Issued(seq=10**6, index=1, at_ns=entries[-1].at_ns, command=command)])

    assert repaired("the venue says so") == {"I6"}
    assert repaired("accepted by eve at unkill") == {"I6"}
    assert repaired("opening position, snapshot 1") == set()


def test_a_storm_of_questions_is_found() -> None:
    entries = journal()
    asked = cmd.RequestSnapshot(account="main", request=1, executions_since_ns=0, reason="again")

    def storm(count: int) -> set[str]:
        last = entries[-1].at_ns + S * 60
        return found(
            [
                *entries,
                *(cmd.Issued(seq=10**6, index=nr, at_ns=last + nr * 1_000, command=asked) for nr in range(count)),
            ]
        )

    assert storm(QUESTIONS_PER_SECOND_MAX) == set()
    assert storm(QUESTIONS_PER_SECOND_MAX + 1) == {"I11"}


def test_events_that_were_lost_are_found() -> None:
    entries = journal()
    lost = ev.Stamped(seq=10**6, at_ns=entries[-1].at_ns, event=ev.InboxOverflowed(kind="FillReceived", dropped=3))
    assert "I14" in found([*entries, lost])
