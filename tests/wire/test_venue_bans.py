"""Fault V02 through the real client: a rate limit, then a ban. The venue notes when each request reaches it."""

import asyncio
import time
from typing import Any

import pytest

from hedgebot.domain.commands import CancelOrder, QueryOrder, RequestSnapshot, SubmitOrder
from hedgebot.domain.events import CancelAnswered, OrderLookedUp, OrderRejected, SnapshotTaken, VenuePaused
from hedgebot.venues.buckets import Purpose
from hedgebot.venues.bybit import BybitVenue
from tests.unit.venues.double import BTC, Answer, BybitDouble, Sink, approved, eventually, running
from tests.wire.venue_world import ID

pytestmark = pytest.mark.wire

# The table's 30 s and 120 s are played tenth by tenth on a clock of their own (tests/unit/venues/test_answers.py).
LIMIT_S, BAN_S = 3, 6
BALANCE = "v5/account/wallet-balance"


class Warden:
    """Answers every request with one refusal while it is on, and notes when each comes."""

    def __init__(self, double: BybitDouble) -> None:
        self.arrived_s: list[float] = []
        self.refused: list[str] = []
        self._double = double
        self._real = double._http
        self.answer: Answer = None
        self.retry_after_s = 0

    async def http(self, request: Any) -> Any:
        """The venue's way in."""
        path = request.match_info["path"]
        self.arrived_s.append(time.monotonic())
        self._double.headers.pop(path, None)
        self._double.scripts.pop(path, None)
        if self.answer is not None:
            answer = self.answer
            self.refused.append(path)
            self._double.scripts[path] = lambda _asked: answer
            self._double.headers[path] = {"Retry-After": str(self.retry_after_s)}
        return await self._real(request)

    def after(self, moment_s: float) -> int:
        """Requests since a moment."""
        return sum(one > moment_s for one in self.arrived_s)


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
    await asyncio.sleep(0.3)


async def test_v02_nothing_but_one_probe_leaves_inside_a_ban() -> None:
    double = BybitDouble()
    warden = Warden(double)
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
            mark = len(sink.events)
            warden.answer, warden.retry_after_s = (status, "slow down"), seconds
            venue.send(RequestSnapshot(account="main", request=number, executions_since_ns=0, reason="test"))
            await paused(sink, mark, seconds)
            quiet_s, before = time.monotonic(), len(sink.events)
            for again in range(seconds - 1):
                everything(venue, 100 * number + again)
                await asyncio.sleep(0.9)
            assert warden.after(quiet_s) <= 1, warden.refused[-5:]
            assert {one.code for one in sink.of(OrderRejected)} == {"local:throttled"}
            assert not any(one.complete for one in sink.events[before:] if isinstance(one, SnapshotTaken))
            assert not any(one.complete for one in sink.events[before:] if isinstance(one, OrderLookedUp))
            warden.answer = None
            # When it is over, what waited goes on: the cancels first of all.
            cancels = 3 * (seconds - 1)
            mine = f"{100 * number:016x}"[:13]

            def answered(mine: str = mine, before: int = before) -> int:
                found = [one for one in sink.events[before:] if isinstance(one, CancelAnswered)]
                return sum(str(one.client_id).startswith(mine) for one in found)

            await eventually(lambda cancels=cancels, answered=answered: answered() >= cancels, seconds=15.0)  # type: ignore[misc]
        assert {one.seconds for one in sink.of(VenuePaused)} == {LIMIT_S, BAN_S}
