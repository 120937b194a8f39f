"""Fault V02 through the real client: a rate limit of 30 s, then a ban of 120 s, over real sockets on a faster clock.

The venue notes when each request reaches it.
"""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import hedgebot.venues.bybit
from hedgebot.domain.commands import CancelOrder, QueryOrder, RequestSnapshot, SubmitOrder
from hedgebot.domain.events import CancelAnswered, OrderLookedUp, OrderRejected, SnapshotTaken, VenuePaused
from hedgebot.venues.buckets import Purpose
from hedgebot.venues.bybit import BybitVenue
from tests.support.fasttime import run_fast
from tests.support.waiting import until
from tests.unit.venues.double import BTC, Answer, BybitDouble, Sink, approved, running
from tests.wire.venue_world import ID

pytestmark = pytest.mark.wire

FACTOR = 20.0
LIMIT_S, BAN_S = 30, 120
EVERY_S = 3.0
BALANCE = "v5/account/wallet-balance"


class Warden:
    """Answers every request with one refusal while it is on, and notes when each comes."""

    def __init__(self, double: BybitDouble, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self.arrived_s: list[float] = []
        self.refused: list[str] = []
        self._double = double
        self._real = double._http
        self.answer: Answer = None
        self.retry_after_s = 0

    async def http(self, request: Any) -> Any:
        """The venue's way in."""
        path = request.match_info["path"]
        self.arrived_s.append(self._now_s())
        self._double.headers.pop(path, None)
        self._double.scripts.pop(path, None)
        if self.answer is not None:
            answer = self.answer
            self.refused.append(path)
            self._double.scripts[path] = lambda _asked: answer
            self._double.headers[path] = {"Retry-After": str(self.retry_after_s)}
        return await self._real(request)

    def between(self, begin_s: float, end_s: float) -> int:
        """Requests that came between two moments."""
        return sum(begin_s < one < end_s for one in self.arrived_s)


def everything(venue: BybitVenue, number: int) -> None:
    """All that the engine could want in such a while."""
    venue.send(RequestSnapshot(account="main", request=number, executions_since_ns=0, reason="test"))
    venue.send(QueryOrder(account="main", instrument=BTC, client_id=ID))
    deadline_ns = time.time_ns() + 500_000_000
    venue.send(SubmitOrder(approved=approved(deadline_ns=deadline_ns), client_id=f"{number:032x}"))
    for count in range(3):
        venue.send(CancelOrder(account="main", instrument=BTC, client_id=f"{number:016x}{count:016x}", reason="kill"))


async def paused(sink: Sink, after: int, seconds: float) -> None:
    """The venue's refusal was heard, and everything that had left before it was answered."""
    told = await sink.one(VenuePaused, after=after)
    assert told.seconds == seconds
    await asyncio.sleep(4.0)


async def limited_then_banned(now_s: Callable[[], float]) -> set[float]:
    """For how long the adapter paused; each time nothing but one probe left meanwhile."""
    double = BybitDouble()
    warden = Warden(double, now_s)
    double._http = warden.http  # type: ignore[method-assign]
    async with double.serving(), running(double) as (venue, sink):
        # The budget of cancels is there before anything happens, whatever polls and orders took.
        budget = venue._budget
        while not budget._address.wait_s(budget._reserves[Purpose.ORDER]):
            budget._address.take()
        assert budget.wait_s(Purpose.POLL, "") > 0.0
        assert budget.wait_s(Purpose.CANCEL, "linear") == 0.0
        await asyncio.sleep(1.0)
        for number, (status, seconds) in enumerate(((429, LIMIT_S), (418, BAN_S)), start=1):
            mark, asked_s = len(sink.events), now_s()
            warden.answer, warden.retry_after_s = (status, "slow down"), seconds
            venue.send(RequestSnapshot(account="main", request=number, executions_since_ns=0, reason="test"))
            await paused(sink, mark, seconds)
            quiet_s, before = now_s(), len(sink.events)
            # What a busy machine takes for a round is many seconds of this clock: the window has an end of its own.
            window_s, rounds = asked_s + seconds, 0
            while now_s() < window_s - EVERY_S:
                everything(venue, 100 * number + rounds)
                rounds += 1
                await asyncio.sleep(EVERY_S)
            assert rounds >= 3
            assert warden.between(quiet_s, min(now_s(), window_s)) <= 1, warden.refused[-5:]
            assert {one.code for one in sink.of(OrderRejected)} == {"local:throttled"}
            assert not any(one.complete for one in sink.events[before:] if isinstance(one, SnapshotTaken))
            assert not any(one.complete for one in sink.events[before:] if isinstance(one, OrderLookedUp))
            warden.answer = None
            # When it is over, what waited goes on: the cancels first of all.
            mine = f"{100 * number:016x}"[:13]

            def answered(mine: str = mine, before: int = before) -> int:
                found = [one for one in sink.events[before:] if isinstance(one, CancelAnswered)]
                return sum(str(one.client_id).startswith(mine) for one in found)

            def all_answered(least: int = 3 * rounds, answered: Callable[[], int] = answered) -> bool:
                return answered() >= least

            await until(all_answered, seconds=120.0)
        return {one.seconds for one in sink.of(VenuePaused)}


def test_v02_nothing_but_one_probe_leaves_inside_a_ban(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lengths of the table of faults: `Retry-After: 30`, then status 418 for 120 s."""

    async def work(now_s: Callable[[], float]) -> set[float]:
        # The adapter's clock is the loop's.
        monkeypatch.setattr(hedgebot.venues.bybit, "time", SimpleNamespace(monotonic=now_s, time_ns=time.time_ns))
        return await limited_then_banned(now_s)

    assert run_fast(FACTOR, work) == {LIMIT_S, BAN_S}
