"""The desk: a number of the book as it stands, in an event, made in a thread."""

import asyncio

import pytest

from hedgebot.daemon import risk
from hedgebot.daemon.risk import RiskDesk, measure
from hedgebot.daemon.risk_files import read_history, read_stress, read_tiers
from hedgebot.domain.risk_events import RiskMeasured
from hedgebot.turn.inbox import Inbox
from tests.support.playbook import Playbook
from tests.support.riskbooks import book, coins

RECORDS = (read_history(), read_stress(), read_tiers())


def test_a_measurement_says_risk_and_the_worst_stress() -> None:
    found = measure(book(coins("BTC", 1.0)), *RECORDS)
    assert found.es_usd is not None
    assert found.var_usd is not None
    assert found.es_usd >= found.var_usd > 0.0
    assert found.stress_loss_usd is not None
    assert found.stress_loss_usd > found.es_usd
    assert found.stress_margin_use is not None
    assert 0.0 < found.stress_margin_use < 1.0
    assert (found.equity_usd, found.scenarios, found.problem) == (1_000_000.0, 500, "")


def test_an_unknown_stays_unknown() -> None:
    found = measure(book(coins("SOL", 1.0), prices={"SOL": 100.0}), *RECORDS)
    assert found.es_usd is None
    assert "SOL" in found.problem


async def test_the_desk_tells_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "FIRST_AFTER_S", 0.0)
    playbook, told = Playbook(), asyncio.Event()
    inbox = Inbox(100, told.set)
    playbook.ready(btc="1")
    desk = RiskDesk(playbook.engine, inbox, lambda: playbook.at_ns)
    task = asyncio.create_task(desk.run())
    async with asyncio.timeout(10):
        await told.wait()
    task.cancel()
    event = inbox.take()
    assert isinstance(event, RiskMeasured)
    assert event.book_at_ns == playbook.at_ns
    assert event.es_usd is not None
    assert event.es_usd > 0.0
