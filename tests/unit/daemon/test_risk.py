"""The desk: a number of the book as it stands, in an event, made in a thread."""

import asyncio
from datetime import date, timedelta
from pathlib import Path

import pytest

from hedgebot.config.loader import load_config
from hedgebot.daemon import risk
from hedgebot.daemon.risk import RiskDesk, measure
from hedgebot.daemon.risk_files import read_history, read_stress, read_tiers
from hedgebot.domain.errors import DataError
from hedgebot.domain.risk_events import RiskMeasured
from hedgebot.margin.tail_risk import Proxy
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
    sol = book(coins("SOL", 1.0), prices={"SOL": 100.0})
    found = measure(sol, *RECORDS, proxy=Proxy(coin="XRP"))
    assert found.es_usd is None
    assert "SOL" in found.problem
    assumed = measure(sol, *RECORDS)
    assert (assumed.es_usd or 0.0) > 0.0
    assert "SOL has no history of returns" in assumed.assumed


def test_the_configurations_closes_are_read_at_the_start(root: Path, tmp_path: Path) -> None:
    text = (root / "config" / "demo.toml").read_text()
    (tmp_path / "demo-limits.toml").write_text((root / "config" / "demo-limits.toml").read_text())
    own = tmp_path / "mine.toml"
    own.write_text(f'{text}\n[risk]\ncloses = {{ BTC = "btc.csv" }}\nproxy = "ETH"\nproxy_ratio = 3\n')
    config, playbook = load_config(own), Playbook()
    with pytest.raises(DataError, match=r"btc\.csv: cannot be read"):
        RiskDesk(playbook.engine, Inbox(100, lambda: None), lambda: 0, config)
    rows = [f"{(date(2025, 1, 1) + timedelta(days=number)).isoformat()},{100 + number % 7}" for number in range(300)]
    (tmp_path / "btc.csv").write_text("\n".join(["date,close", *rows]))
    desk = RiskDesk(playbook.engine, Inbox(100, lambda: None), lambda: 0, config)
    assert desk.history.coins == ("BTC",)
    assert (desk.proxy.coin, desk.proxy.ratio) == ("ETH", 3.0)


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
