"""Which markets the venue trades: believed by its own word, asked for when it is missing, told again when it trades."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from hedgebot.domain.commands import SubmitOrder, WatchInstruments
from hedgebot.domain.events import InstrumentsLoaded, OrderRejected
from hedgebot.domain.venue_events import MarketsRead
from hedgebot.venues import bybit, statuses
from hedgebot.venues.bybit import BybitVenue
from tests.support.waiting import until
from tests.unit.venues.double import BTC, OPTION, BybitDouble, Sink, approved, ok, refusal, running

INFO = "v5/market/instruments-info"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "ASK_EVERY_S", 0.05)
    monkeypatch.setattr(bybit, "RELOAD_PAUSE_S", 0.05)


class Market:
    """What the venue says of BTCUSDT: in its list (only while it trades), and to who asks by symbol."""

    def __init__(self, double: BybitDouble) -> None:
        self.status, self.listed = "Trading", True
        self.by_symbol = True
        self._row = next(one for one in double.instruments["linear"] if one["symbol"] == "BTCUSDT")
        self._others = [one for one in double.instruments["linear"] if one["symbol"] != "BTCUSDT"]
        self.answer: Callable[[], tuple[int, Any] | None] = lambda: None
        double.scripts[INFO] = self._said

    def _said(self, asked: dict[str, str]) -> tuple[int, Any] | None:
        if asked["category"] != "linear" or "status" in asked:
            return None
        row = copy.deepcopy(self._row) | {"status": self.status}
        if "symbol" not in asked:
            rows = [*self._others, row] if self.listed else list(self._others)
        elif special := self.answer():
            return special
        else:
            rows = [row] if self.by_symbol else []
        return 200, ok({"category": "linear", "list": rows, "nextPageCursor": ""})


async def shut_as(sink: Sink, word: str | None, *, after: int = 0) -> None:
    """Wait until the engine has heard this word of BTCUSDT; None: that it trades."""
    await sink.until(
        lambda event: (
            isinstance(event, MarketsRead) and (event.shut.get(BTC) == word if word else BTC in event.trading)
        ),
        after=after,
    )


def watch(venue: BybitVenue) -> None:
    venue.send(WatchInstruments(venue="bybit", instruments=(BTC,)))


async def test_what_is_watched_is_told_once_by_the_list() -> None:
    double = BybitDouble()
    Market(double)
    async with double.serving(), running(double) as (venue, sink):
        venue.send(WatchInstruments(venue="bybit", instruments=(BTC, OPTION)))
        told = await sink.one(MarketsRead)
        assert (told.venue, told.trading, told.shut) == ("bybit", (BTC,), {})
        assert not [asked for asked in double.asked(INFO) if "symbol" in asked]


async def test_a_refusal_by_the_market_s_state_has_its_status_asked_for_until_it_trades() -> None:
    double = BybitDouble()
    market = Market(double)
    async with double.serving(), running(double) as (venue, sink):
        watch(venue)
        await shut_as(sink, None)
        market.status, market.listed = "Closed", False
        double.scripts["v5/order/create"] = lambda asked: (200, refusal(110074, "This contract is not live"))
        venue.send(SubmitOrder(approved=approved(), client_id="a" * 32))
        assert (await sink.one(OrderRejected)).passing
        await shut_as(sink, "Closed")
        count = len(double.asked(INFO))
        await until(lambda: len(double.asked(INFO)) > count + 3)
        assert len([one for one in sink.of(MarketsRead) if one.shut]) == 1  # told once, however often it is asked
        before = len(sink.events)
        market.status, market.listed = "Trading", True
        await shut_as(sink, None, after=before)


async def test_who_looks_again_is_told_again_and_not_by_a_list_that_is_older_than_the_venue_s_word() -> None:
    """The engine forgets what is not configured; the list that it was read from last is up to an hour old."""
    double = BybitDouble()
    market = Market(double)
    async with double.serving(), running(double) as (venue, sink):
        watch(venue)
        await shut_as(sink, None)
        market.status = "Closed"
        double.scripts["v5/order/create"] = lambda asked: (200, refusal(110074, "This contract is not live"))
        for number in range(2):
            before = len(sink.events)
            venue.send(SubmitOrder(approved=approved(), client_id=f"{number}" * 32))
            await shut_as(sink, "Closed", after=before)
        before = len(sink.events)
        watch(venue)
        await shut_as(sink, "Closed", after=before)
        assert not [one for one in sink.events[before:] if isinstance(one, MarketsRead) and one.trading]


async def test_another_refusal_asks_for_no_status() -> None:
    double = BybitDouble()
    Market(double)
    async with double.serving(), running(double) as (venue, sink):
        double.scripts["v5/order/create"] = lambda asked: (200, refusal(110007, "balance"))
        venue.send(SubmitOrder(approved=approved(), client_id="a" * 32))
        await sink.one(OrderRejected)
        assert not [asked for asked in double.asked(INFO) if "symbol" in asked]


@pytest.mark.parametrize(("by_symbol", "word"), [(True, "Closed"), (False, "not listed")])
async def test_what_a_new_list_leaves_out_is_asked_for(by_symbol: bool, word: str) -> None:
    double = BybitDouble()
    market = Market(double)
    async with double.serving(), running(double, reload_interval_s=0.1) as (venue, sink):
        watch(venue)
        await shut_as(sink, None)
        market.status, market.listed, market.by_symbol = "Closed", False, by_symbol
        await shut_as(sink, word)
        # Its name stays known: what is held there, or alive, can still be asked for and cancelled.
        assert venue._stream.market("BTC/USDT:USDT")["id"] == "BTCUSDT"
        before = len(sink.events)
        market.status, market.listed, market.by_symbol = "Trading", True, True
        await shut_as(sink, None, after=before)


async def test_a_list_that_came_back_short_shuts_nothing() -> None:
    double = BybitDouble()
    market = Market(double)
    async with double.serving(), running(double, reload_interval_s=0.1) as (venue, sink):
        watch(venue)
        await shut_as(sink, None)
        market.listed = False
        loads = len(sink.of(InstrumentsLoaded))
        await until(lambda: len(sink.of(InstrumentsLoaded)) > loads + 3)
        assert all(not one.shut for one in sink.of(MarketsRead))


@pytest.mark.parametrize("answer", [(500, "down"), (200, refusal(10006, "too many")), (200, ok({"list": "?"}))])
async def test_an_answer_that_does_not_come_says_nothing(answer: tuple[int, Any]) -> None:
    double = BybitDouble()
    market = Market(double)
    async with double.serving(), running(double, reload_interval_s=0.1) as (venue, sink):
        watch(venue)
        await shut_as(sink, None)
        market.listed, market.answer = False, lambda: answer
        asked = len(double.asked(INFO))
        await until(lambda: len(double.asked(INFO)) > asked + 2)
        assert all(not one.shut for one in sink.of(MarketsRead))


async def test_what_is_shut_at_the_start_is_told_and_comes_with_the_list_that_names_it() -> None:
    double = BybitDouble()
    market = Market(double)
    market.status, market.listed = "Closed", False
    async with double.serving(), running(double) as (venue, sink):
        watch(venue)
        await shut_as(sink, "Closed")
        market.status, market.listed = "Trading", True
        await shut_as(sink, None)
        assert any(one.id == BTC for one in sink.of(InstrumentsLoaded)[-1].instruments)


async def test_one_that_is_delivered_takes_no_orders() -> None:
    double = BybitDouble()
    market = Market(double)
    market.status = "Delivering"
    async with double.serving(), running(double) as (venue, sink):
        watch(venue)
        await shut_as(sink, "Delivering")
        assert all(BTC not in one.trading for one in sink.of(MarketsRead))
