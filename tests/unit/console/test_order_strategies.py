"""Who sent an order, by the journal; what it does not know may be anybody's, and a disk that hangs holds nothing up."""

import threading
import time
from pathlib import Path

import pytest

from hedgebot.console import order_strategies
from hedgebot.console.order_strategies import OrderStrategies
from hedgebot.domain.errors import JournalError
from hedgebot.journal.query import JournalReader
from tests.unit.journal.world import Run, book


async def test_the_journal_says_who_sent_an_order(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(book("50000", "60000"))
    await run.hedge("t0")
    await run.journal.close()
    (sent,) = run.sent
    senders = OrderStrategies(tmp_path, wait_s=5.0)
    assert senders.may_be(sent.client_id, sent.approved.intent.strategy)
    assert not senders.may_be(sent.client_id, "another")
    assert senders.notes() == []
    assert senders.may_be("4b00", "another"), "fails closed"
    assert senders.notes() == ["taken too, because the journal does not know who sent them: 4b00"]


def test_without_a_journal_every_order_of_ours_is_taken(tmp_path: Path) -> None:
    senders = OrderStrategies(tmp_path)
    assert senders.may_be("4b00", "any")
    (note,) = senders.notes()
    assert "there is no journal here" in note
    assert note.endswith("all of ours were taken")


def test_a_disk_that_hangs_is_waited_for_a_moment_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()

    def hang(_folder: Path) -> JournalReader:
        never.wait(10)
        raise JournalError("late")

    monkeypatch.setattr(order_strategies, "JournalReader", hang)
    began_s = time.monotonic()
    senders = OrderStrategies(tmp_path, wait_s=0.05)
    assert time.monotonic() - began_s < 3
    assert senders.may_be("4b00", "any")
    assert "not read within 0.05 s" in senders.notes()[0]
    never.set()
