"""Starting one daemon: locks before everything, recovery before anything is sent, epochs that grow."""

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog

from hedgebot.config.loader import load_config
from hedgebot.config.secrets import DEMO_KEY
from hedgebot.daemon import run as module
from hedgebot.daemon.assembly import Run
from hedgebot.daemon.build import checkout
from hedgebot.daemon.loosened import Confirmation, confirm
from hedgebot.daemon.parts import Venue
from hedgebot.daemon.run import run_daemon
from hedgebot.domain.commands import SubmitOrder
from hedgebot.domain.errors import ConfigError, InstanceError
from hedgebot.domain.events import ConfigApplied, ExecutionKind, FillReceived, Source
from hedgebot.domain.instrument import Side
from hedgebot.domain.ports import EventSink
from hedgebot.journal.query import JournalReader
from tests.unit.daemon.fakes import BTC, QuietVenue, write_config


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    root = logging.getLogger()
    before = (list(root.handlers), root.level, sys.excepthook)
    yield
    for handler in list(root.handlers):
        root.removeHandler(handler)
        if handler not in before[0]:
            handler.close()
    for handler in before[0]:
        root.addHandler(handler)
    root.setLevel(before[1])
    sys.excepthook = before[2]
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The runs that were started, each against a quiet venue."""
    made: list[Run] = []

    def opener(*_parts: object) -> Any:
        def open_one(account: str, sink: EventSink) -> Venue:
            return QuietVenue(account, sink)

        return open_one

    monkeypatch.setattr(module, "_venue_opener", opener)
    monkeypatch.setattr(module, "_listen", made.append)
    return made


def environment(folder: Path) -> dict[str, str]:
    return {"XDG_STATE_HOME": str(folder / "xdg"), "HOME": str(folder)}


async def started(folder: Path, runs: list[Run], state: str = "state") -> asyncio.Task[int]:
    config = load_config(write_config(folder), state_dir=folder / state)
    before = len(runs)
    task = asyncio.create_task(run_daemon(config, environment=environment(folder)))
    async with asyncio.timeout(5):
        while len(runs) == before and not task.done():  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
        while not task.done() and not (folder / state / "control.sock").exists():  # noqa: ASYNC110  (the same)
            await asyncio.sleep(0.01)
    return task


async def ended(task: asyncio.Task[int], run: Run) -> int:
    run.request_stop("test")
    run.request_stop("test")
    async with asyncio.timeout(5):
        return await task


async def test_each_start_has_a_larger_epoch_and_continues_the_journal(tmp_path: Path, runs: list[Run]) -> None:
    facts = []
    for _ in range(2):
        task = await started(tmp_path, runs)
        facts.append(runs[-1].status()["daemon"])
        assert await ended(task, runs[-1]) == 0
    assert [fact["epoch"] for fact in facts] == [1, 2]
    assert facts[1]["journal_head_seq"] > facts[0]["journal_head_seq"]
    assert facts[0]["install"] == facts[1]["install"]
    assert facts[0]["run_id"] != facts[1]["run_id"]
    with JournalReader(tmp_path / "state") as journal:
        manifests = [one.record.manifest for one in journal.runs()]
    assert {(one.git_sha, one.lock_hash) for one in manifests} == {checkout()}


async def test_a_second_daemon_is_refused_on_the_same_state_and_on_the_same_account(
    tmp_path: Path, runs: list[Run]
) -> None:
    task = await started(tmp_path, runs)
    for state in ("state", "another"):
        config = load_config(tmp_path / "book.toml", state_dir=tmp_path / state)
        with pytest.raises(InstanceError) as caught:
            await asyncio.wait_for(run_daemon(config, environment=environment(tmp_path)), 2)
        assert caught.value.exit_code == 7
    assert len(runs) == 1
    assert not (tmp_path / "another" / "journal.db").exists()
    assert await ended(task, runs[0]) == 0
    task = await started(tmp_path, runs, "another")
    assert await ended(task, runs[1]) == 0


async def test_a_misspelt_failpoint_is_refused_before_the_journal_is_made(tmp_path: Path) -> None:
    config = load_config(write_config(tmp_path), state_dir=tmp_path / "state")
    with pytest.raises(ConfigError, match="before_commit"):
        await run_daemon(config, environment=environment(tmp_path) | {"HEDGEBOT_FAILPOINT": "nowhere"})
    assert not (tmp_path / "state" / "journal.db").exists()


async def test_the_log_file_is_written_where_configured_and_holds_no_key(tmp_path: Path, runs: list[Run]) -> None:
    text = write_config(tmp_path).read_text().replace("[daemon]", '[daemon]\nlog_file = "hedgebot.log"')
    config = load_config(write_config(tmp_path, text), state_dir=tmp_path / "state")
    task = asyncio.create_task(run_daemon(config, environment=environment(tmp_path)))
    async with asyncio.timeout(5):
        while not (tmp_path / "state" / "control.sock").exists():  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
    logging.getLogger("ccxt").warning("key %s", DEMO_KEY)
    assert await ended(task, runs[0]) == 0
    shown = (tmp_path / "state" / "hedgebot.log").read_text()
    assert "daemon started" in shown
    assert DEMO_KEY not in shown


def test_the_faster_loop_is_used_where_it_exists() -> None:
    factory = module._loop_factory()
    assert factory is not None
    loop = factory()
    try:
        assert type(loop).__module__.startswith("uvloop")
    finally:
        loop.close()


async def test_a_refused_configuration_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that must not be used, or parameters that cannot be built, however often it is tried: no crash loop."""
    config = load_config(write_config(tmp_path), state_dir=tmp_path)

    async def refuse(_self: QuietVenue) -> None:
        raise ConfigError("account main: the API key may move money out")

    monkeypatch.setattr(QuietVenue, "start", refuse)
    for _ in range(2):
        with pytest.raises(ConfigError):
            await run_daemon(config, environment=environment(tmp_path))
    assert (tmp_path / "unclean_starts").read_text() == ""
    (tmp_path / "mine.json").write_text("{}")
    mine = replace(config, file=config.file.model_copy(update={"margin_parameters": tmp_path / "mine.json"}))
    with pytest.raises(ConfigError, match=r"margin_parameters of accounts\.main: .*mine\.json"):
        await run_daemon(mine, environment=environment(tmp_path))
    assert (tmp_path / "unclean_starts").read_text() == ""
    monkeypatch.setattr(module, "load_strategy", _cannot)
    with pytest.raises(ConfigError):
        await run_daemon(config, environment=environment(tmp_path))
    assert (tmp_path / "unclean_starts").read_text() == ""


async def test_a_configuration_that_would_forget_an_open_order_is_refused(tmp_path: Path, runs: list[Run]) -> None:
    """UNKNOWN ends only by proof: taking its underlying out of the file is none."""
    task = await started(tmp_path, runs)
    venue = runs[0]._venues["main"]
    assert isinstance(venue, QuietVenue)
    async with asyncio.timeout(5):
        while not [one for one in venue.sent if isinstance(one, SubmitOrder)]:
            venue.tick(time.time_ns())
            if runs[0].status()["book"]["mode"] == "active":
                venue.sink.put(bought())
            await asyncio.sleep(0.05)
    assert await ended(task, runs[0]) == 0
    old = (tmp_path / "book.toml").read_text()
    (tmp_path / "book.toml").write_text(old.replace("BTC", "ETH"))
    config = load_config(tmp_path / "book.toml", state_dir=tmp_path / "state")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"has no proven end, .* underlying BTC any more: put it back"):
            await run_daemon(config, environment=environment(tmp_path))
    assert (tmp_path / "state" / "unclean_starts").read_text() == ""
    (tmp_path / "book.toml").write_text(old)
    task = await started(tmp_path, runs)
    assert runs[-1].status()["daemon"]["epoch"] == 2, "no run began meanwhile"
    assert await ended(task, runs[-1]) == 0


async def test_a_start_that_loosens_a_hard_limit_takes_a_second_step(tmp_path: Path, runs: list[Run]) -> None:
    task = await started(tmp_path, runs)
    assert await ended(task, runs[0]) == 0
    (tmp_path / "limits.toml").write_text("book_age_ms_max = 600000\n")
    config = load_config(tmp_path / "book.toml", state_dir=tmp_path / "state")
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"limits\.book_age_ms_max: 5000 -> 600000.*hedgebot config confirm"):
            await run_daemon(config, environment=environment(tmp_path))
    assert (tmp_path / "state" / "unclean_starts").read_text() == ""
    confirm(tmp_path / "state", Confirmation(config_hash=config.hash, operator="ann", reason="a slow feed"))
    for _ in range(2):
        task = asyncio.create_task(run_daemon(config, environment=environment(tmp_path)))
        before = len(runs)
        async with asyncio.timeout(5):
            while len(runs) == before or not (tmp_path / "state" / "control.sock").exists():  # noqa: ASYNC110  (nobody tells)
                await asyncio.sleep(0.01)
        assert await ended(task, runs[-1]) == 0
    with JournalReader(tmp_path / "state") as journal:
        words = [one.value for one in journal.tail(10_000) if one.kind == "ConfigApplied"]
    assert [(one.operator, one.reason, one.changes) for one in words if isinstance(one, ConfigApplied)] == [
        ("ann", "a slow feed", ("limits.book_age_ms_max: 5000 -> 600000",))
    ]


def bought() -> FillReceived:
    return FillReceived(
        account="main",
        instrument=BTC,
        trade_id="t1",
        order_id="o1",
        client_id=None,
        side=Side.BUY,
        qty_contracts=Decimal("0.5"),
        price=Decimal(60_000),
        fee=Decimal(0),
        fee_coin="USDT",
        kind=ExecutionKind.TRADE,
        source=Source.STREAM,
        venue_at_ns=time.time_ns(),
    )


def _cannot(_settings: object) -> None:
    raise ConfigError("parameters of strategy 'delta_neutral'")
