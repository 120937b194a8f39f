import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError
from hedgebot.lab.memory import MemoryJournal


def row(seq: int) -> ev.Stamped:
    return ev.Stamped(seq=seq, at_ns=seq, event=ev.TimerFired())


def test_a_power_cut_takes_what_was_not_durable_and_a_killed_process_nothing() -> None:
    journal = MemoryJournal()
    journal.write([row(1)], durable=True)
    journal.write([row(2)], durable=False)
    assert journal.next_seq == 3
    assert journal.crash(power_cut=False) == 0
    journal.write([row(3)], durable=False)
    assert journal.crash(power_cut=True) == 1
    assert [one.seq for one in journal.events()] == [1, 2]
    assert journal.next_seq == 3


def test_housekeeping_makes_durable() -> None:
    journal = MemoryJournal()
    journal.write([row(1)], durable=False)
    journal.sync()
    assert journal.crash(power_cut=True) == 0


def test_a_broken_disk_keeps_the_entries_for_its_next_write() -> None:
    journal = MemoryJournal()
    journal.broken = "no space left"
    with pytest.raises(JournalError, match="no space left"):
        journal.write([row(1)], durable=True)
    journal.sync()
    journal.broken = ""
    journal.write([row(2)], durable=True)
    assert [one.seq for one in journal.events()] == [1, 2]
    assert journal.crash(power_cut=True) == 0


def test_an_intent_that_a_power_cut_took_is_not_durable_later() -> None:
    journal = MemoryJournal()
    journal.write([row(1)], durable=True)
    journal._intents["lost"] = (1, None)
    journal._intents["kept"] = (0, None)
    journal.write([row(2)], durable=False)
    journal.crash(power_cut=True)
    journal.write([row(2)], durable=True)
    assert set(journal._intents) == {"kept"}, "another entry has its place now"
