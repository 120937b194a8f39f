"""One request for all cancels of a symbol: only many, only where none but ours is listed, and never the last word."""

import time
from typing import Any

import pytest

from hedgebot.domain.client_id import ClientId
from hedgebot.domain.commands import CancelOrder
from hedgebot.domain.events import CancelAnswered
from hedgebot.venues import sweep
from hedgebot.venues.sweep import SWEEP_MIN
from tests.support.waiting import until
from tests.unit.venues.double import BTC, BybitDouble, ok, refusal, running

OURS = [ClientId(install=7, epoch=1, strategy=0, intent=number).encode() for number in range(SWEEP_MIN + 3)]
ANOTHERS = ClientId(install=8, epoch=1, strategy=0, intent=1).encode()


class Venue:
    """Orders alive on one symbol; a sweep takes all but `missed`."""

    def __init__(self, alive: list[str | None], missed: frozenset[str] = frozenset()) -> None:
        self.double = BybitDouble()
        self.alive = alive
        self.missed = missed
        self.double.scripts["v5/order/realtime"] = self._listed
        self.double.scripts["v5/order/cancel-all"] = self._all

    def _listed(self, asked: dict[str, str]) -> tuple[int, Any]:
        assert asked["symbol"] == "BTCUSDT" if "symbol" in asked else True
        rows = [
            {"orderId": f"id-{n}", "orderLinkId": one or "", "symbol": "BTCUSDT"} for n, one in enumerate(self.alive)
        ]
        return 200, ok({"category": asked["category"], "list": rows, "nextPageCursor": ""})

    def _all(self, asked: dict[str, str]) -> tuple[int, Any]:
        assert (asked["category"], asked["symbol"]) == ("linear", "BTCUSDT")
        rows = [{"orderId": "x", "orderLinkId": one} for one in self.alive if one not in self.missed]
        return 200, ok({"list": rows, "success": "1"})

    async def cancel(self, client_ids: list[str], *, whole: bool = True) -> float:
        """Cancel them at once; seconds until each was answered."""
        async with self.double.serving(), running(self.double) as (venue, sink):
            began_s = time.monotonic()
            for one in client_ids:
                venue.send(
                    CancelOrder(account="main", instrument=BTC, client_id=one, reason="killed: all", whole=whole)
                )
            await until(lambda: len(sink.of(CancelAnswered)) == len(client_ids), seconds=10.0)
            assert {one.client_id for one in sink.of(CancelAnswered)} == set(client_ids)
            return time.monotonic() - began_s

    @property
    def sweeps(self) -> int:
        return len(self.double.asked("v5/order/cancel-all"))

    @property
    def singles(self) -> set[str]:
        return {one["orderLinkId"] for one in self.double.asked("v5/order/cancel")}


async def test_many_go_by_one_request() -> None:
    venue = Venue(list(OURS))
    await venue.cancel(OURS)
    assert (venue.sweeps, venue.singles) == (1, set())


async def test_what_the_sweep_missed_goes_by_itself() -> None:
    venue = Venue(list(OURS), missed=frozenset(OURS[:2]))
    await venue.cancel(OURS)
    assert (venue.sweeps, venue.singles) == (1, set(OURS[:2]))


@pytest.mark.parametrize("others", [["manual-1"], [None], [ANOTHERS]])
async def test_an_order_of_somebody_else_forbids_it(others: list[str | None]) -> None:
    venue = Venue([*OURS, *others])
    await venue.cancel(OURS)
    assert (venue.sweeps, venue.singles) == (0, set(OURS))


@pytest.mark.parametrize(("count", "whole"), [(SWEEP_MIN - 1, True), (SWEEP_MIN + 1, False)])
async def test_few_or_not_all_go_one_by_one(count: int, *, whole: bool) -> None:
    venue = Venue(list(OURS))
    await venue.cancel(OURS[:count], whole=whole)
    assert (venue.sweeps, venue.singles) == (0, set(OURS[:count]))


@pytest.mark.parametrize("path", ["v5/order/realtime", "v5/order/cancel-all"])
async def test_one_that_fails_costs_no_cancel(path: str) -> None:
    venue = Venue(list(OURS))
    venue.double.scripts[path] = lambda _asked: (200, refusal(10016, "server error"))
    await venue.cancel(OURS)
    assert venue.singles == set(OURS)


async def test_a_venue_that_is_slow_holds_no_cancel_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "SWEEP_S_MAX", 0.0)
    venue = Venue(list(OURS))
    await venue.cancel(OURS)
    assert venue.singles == set(OURS)
