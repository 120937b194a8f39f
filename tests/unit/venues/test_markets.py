"""Instruments are read beside the event loop."""

import asyncio
import threading
from typing import Any

import ccxt
import ccxt.pro
import pytest

from hedgebot.domain.events import InstrumentsLoaded
from hedgebot.venues import markets as module
from hedgebot.venues import table
from hedgebot.venues.markets import load_apart
from hedgebot.venues.replies import RawReply
from tests.support.waiting import until
from tests.unit.venues.double import BTC, BybitDouble, connection, refusal, running


async def test_the_parsing_happens_in_another_thread_and_its_answers_are_heard_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: dict[str, int] = {}
    heard: list[int] = []
    parse, read = ccxt.pro.bybit.set_markets, table.read_markets

    def set_markets(self: Any, *rest: Any) -> Any:
        threads["parse"] = threading.get_ident()
        return parse(self, *rest)

    def read_markets(*rest: Any) -> Any:
        threads["read"] = threading.get_ident()
        return read(*rest)

    def observe(reply: RawReply) -> None:
        heard.append(threading.get_ident())

    monkeypatch.setattr(ccxt.pro.bybit, "set_markets", set_markets)
    monkeypatch.setattr(module, "read_markets", read_markets)
    double = BybitDouble()
    async with double.serving():
        loaded = await load_apart(connection(double.endpoint), "bybit", {"timeDifference": 7}, observe)
        await asyncio.sleep(0)
    here = threading.get_ident()
    assert set(threads) == {"parse", "read"}
    assert here not in threads.values()
    assert len(heard) >= 8
    assert set(heard) == {here}
    assert BTC in {instrument.id for instrument in loaded.instruments}
    assert loaded.symbols[BTC] == "BTC/USDT:USDT"
    assert loaded.source.options["timeDifference"] == 7


async def test_the_loop_turns_while_markets_are_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    parse = ccxt.pro.bybit.set_markets
    started, go_on = threading.Event(), threading.Event()

    def slow(self: Any, *rest: Any) -> Any:
        if threading.current_thread() is not threading.main_thread():
            started.set()
            # Ends only once the event loop has turned a hundred times meanwhile.
            assert go_on.wait(10.0)
        return parse(self, *rest)

    monkeypatch.setattr(ccxt.pro.bybit, "set_markets", slow)
    double = BybitDouble()
    async with double.serving():
        loading = asyncio.create_task(load_apart(connection(double.endpoint), "bybit", {}, lambda reply: None))
        await until(started.is_set)
        for _ in range(100):
            await asyncio.sleep(0)
        assert not loading.done()
        go_on.set()
        assert (await loading).instruments


async def test_the_clients_errors_come_through() -> None:
    double = BybitDouble()
    double.scripts["v5/market/instruments-info"] = lambda asked: (200, refusal(10016))
    async with double.serving():
        with pytest.raises(ccxt.BaseError):
            await load_apart(connection(double.endpoint), "bybit", {}, lambda reply: None)


async def test_a_load_that_nobody_waits_for_ends() -> None:
    double = BybitDouble()
    double.scripts["v5/market/instruments-info"] = lambda asked: (200, asyncio.sleep(0.5, "{}"))
    threads = threading.active_count()
    async with double.serving():
        loading = asyncio.create_task(load_apart(connection(double.endpoint), "bybit", {}, lambda reply: None))
        await until(lambda: bool(double.asked("v5/market/instruments-info")))
        loading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loading
        # Given up long before its answer could come; the executor keeps its thread.
        asked = len(double.requests)
        await asyncio.sleep(0.5)
        assert len(double.requests) == asked
    assert threading.active_count() <= threads + 1


async def test_instruments_are_read_again_on_schedule() -> None:
    double = BybitDouble()
    async with double.serving(), running(double, reload_interval_s=0.2) as (_, sink):
        await until(lambda: len(sink.of(InstrumentsLoaded)) >= 3)
        double.scripts["v5/market/instruments-info"] = lambda asked: (500, "down")
        asked = len(double.asked("v5/market/instruments-info"))
        await until(lambda: len(double.asked("v5/market/instruments-info")) > asked)
        del double.scripts["v5/market/instruments-info"]
        before = len(sink.of(InstrumentsLoaded))
        # A reload that failed keeps what is known, and the next one works.
        await until(lambda: len(sink.of(InstrumentsLoaded)) > before)
        first, *_, last = sink.of(InstrumentsLoaded)
        assert last.instruments == first.instruments
