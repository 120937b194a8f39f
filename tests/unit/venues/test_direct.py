"""Cancelling without a daemon: every category is listed, only what is ours is cancelled, what is unproven is named."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from hedgebot.venues import direct
from hedgebot.venues.direct import BATCH_MAX, PER_SECOND, DirectCancel, cancel_directly
from tests.unit.venues.double import BybitDouble, connection, ok, refusal

OURS = "ours-"


class Book:
    """Orders that the double holds alive, by category; cancelling removes them after `deaf` requests were ignored."""

    def __init__(self, double: BybitDouble, orders: dict[str, list[str]], deaf: int = 0) -> None:
        self.alive = {category: dict.fromkeys(names) for category, names in orders.items()}
        self.deaf = deaf
        self.ended: dict[str, tuple[str, str]] = {}
        double.scripts["v5/order/realtime"] = self._listed
        double.scripts["v5/order/cancel-batch"] = self._batch
        double.scripts["v5/order/cancel"] = self._one

    def _listed(self, asked: dict[str, str]) -> tuple[int, Any]:
        if "orderId" in asked:
            name = asked["orderId"].removeprefix("id-")
            ends = [(name, *self.ended[name])] if name in self.ended and asked.get("openOnly") == "1" else []
            rows = [
                {"orderId": f"id-{one}", "orderLinkId": one, "symbol": "BTCUSDT", "orderStatus": how, "cumExecQty": qty}
                for one, how, qty in ends
            ]
            return 200, ok({"category": asked["category"], "list": rows, "nextPageCursor": ""})
        # Linear contracts are listed by settlement coin: the double's are all of USDT.
        names = [] if asked.get("settleCoin") == "USDC" else list(self.alive.get(asked["category"], ()))
        rows = [{"orderId": f"id-{name}", "orderLinkId": name, "symbol": "BTCUSDT"} for name in names]
        return 200, ok({"category": asked["category"], "list": rows, "nextPageCursor": ""})

    def _batch(self, asked: Any) -> tuple[int, Any]:
        for one in asked["request"]:
            self._end(asked["category"], one["orderId"])
        return 200, ok({"list": []})

    def _one(self, asked: dict[str, str]) -> tuple[int, Any]:
        self._end(asked["category"], asked["orderId"])
        return 200, ok({"orderId": asked["orderId"], "orderLinkId": ""})

    def _end(self, category: str, order_id: str) -> None:
        if self.deaf > 0:
            self.deaf -= 1
            return
        name = order_id.removeprefix("id-")
        if name in self.alive[category]:
            del self.alive[category][name]
            self.ended.setdefault(name, ("Cancelled", "0"))


def ours(client_id: str | None) -> bool:
    return (client_id or "").startswith(OURS)


async def cancelled(
    double: BybitDouble, *, is_ours: Callable[[str | None], bool] = ours, within_s: float = 5.0, settle_s: float = 0.0
) -> DirectCancel:
    return await cancel_directly(
        connection(double.endpoint),
        is_ours,
        within_s=within_s,
        settle_s=lambda: settle_s,
        now_ns=time.time_ns,
        now_s=time.monotonic,
    )


async def test_every_category_is_looked_through_and_only_ours_is_cancelled() -> None:
    double = BybitDouble()
    book = Book(
        double, {"linear": ["ours-1", "theirs-1"], "inverse": ["ours-2"], "spot": ["ours-3"], "option": ["ours-4"]}
    )
    async with double.serving():
        done = await cancelled(double)
    assert set(done.cancelled) == {"ours-1", "ours-2", "ours-3", "ours-4"}
    assert (done.unproven, done.left_alone) == ((), 1)
    assert done.verified_s is not None
    assert {name for names in book.alive.values() for name in names} == {"theirs-1"}
    listed = [one for one in double.asked("v5/order/realtime") if "orderId" not in one]
    asked = {(one["category"], one.get("settleCoin")) for one in listed}
    assert asked == {("linear", "USDT"), ("linear", "USDC"), ("inverse", None), ("spot", None), ("option", None)}


async def test_many_orders_go_singly_and_in_batches() -> None:
    double = BybitDouble()
    Book(double, {"linear": [f"ours-{number}" for number in range(25)]})
    async with double.serving():
        done = await cancelled(double)
        batches = [len(asked["request"]) for _, asked, _ in double.requests if "request" in asked]
        singles = len(double.asked("v5/order/cancel"))
    assert len(done.cancelled) == 25
    assert (batches, singles) == ([BATCH_MAX], PER_SECOND + 5)


async def test_a_refused_batch_is_asked_for_again() -> None:
    double = BybitDouble()
    book = Book(double, {"linear": [f"ours-{number}" for number in range(PER_SECOND + 3)]})
    double.scripts["v5/order/cancel-batch"] = lambda asked: (200, refusal(10006, "too many visits"))
    async with double.serving():
        done = await cancelled(double)
    assert len(done.cancelled) == PER_SECOND + 3
    assert not book.alive["linear"]


async def test_what_did_not_die_is_asked_again() -> None:
    double = BybitDouble()
    Book(double, {"linear": ["ours-1"]}, deaf=2)
    async with double.serving():
        done = await cancelled(double)
    assert done.cancelled == ("ours-1",)
    assert len(double.asked("v5/order/cancel")) == 3


async def test_a_category_that_cannot_be_listed_proves_nothing() -> None:
    double = BybitDouble()
    book = Book(double, {"linear": ["ours-1"]})
    listed = double.scripts["v5/order/realtime"]
    double.scripts["v5/order/realtime"] = lambda asked: (
        (200, refusal(10016, "server error")) if asked["category"] == "option" else listed(asked)
    )
    async with double.serving():
        done = await cancelled(double, within_s=1.5)
    assert not book.alive["linear"], "what can be reached is cancelled all the same"
    assert done.verified_s is None
    assert any("open orders of option" in why for why in done.unproven)
    assert any("not done within 1.5 s" in why for why in done.unproven)


async def test_an_order_that_stays_alive_is_named() -> None:
    double = BybitDouble()
    Book(double, {"linear": ["ours-1"]}, deaf=10_000)
    async with double.serving():
        done = await cancelled(double, within_s=1.0)
    assert "order ours-1 was alive when last seen" in done.unproven
    assert done.cancelled == ()


async def test_nobody_answers() -> None:
    double = BybitDouble()
    async with double.serving():
        pass
    done = await cancelled(double, within_s=1.0)
    assert done.verified_s is None
    assert done.unproven


async def test_an_order_on_its_way_is_waited_for() -> None:
    """A hung daemon's order arrives after the first empty listing."""
    double = BybitDouble()
    book = Book(double, {"linear": []})
    listed = double.scripts["v5/order/realtime"]
    asked_at: list[float] = []

    def late(asked: dict[str, str]) -> Any:
        asked_at.append(time.monotonic())
        if asked_at[-1] - asked_at[0] > 0.4 and len(asked_at) > 5 and not hasattr(book, "came"):
            book.came = True  # type: ignore[attr-defined]
            book.alive["linear"]["ours-late"] = None
        return listed(asked)

    double.scripts["v5/order/realtime"] = late
    async with double.serving():
        done = await cancelled(double, settle_s=1.0)
    assert done.cancelled == ("ours-late",)
    assert done.verified_s is not None
    assert done.verified_s >= 1.0


async def test_an_order_that_was_filled_first_is_not_told_as_cancelled() -> None:
    double = BybitDouble()
    book = Book(double, {"linear": ["ours-1", "ours-2", "ours-3"]})
    book.ended = {"ours-2": ("Filled", "0.5"), "ours-3": ("PartiallyFilledCanceled", "0.2")}
    async with double.serving():
        done = await cancelled(double)
    assert done.cancelled == ("ours-1",)
    assert done.filled == ("ours-2: 0.5 filled (filled)", "ours-3: 0.2 filled (cancelled)")
    assert done.unproven == ()


async def test_an_order_whose_end_nobody_tells_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "PAUSE_S", 0.01)
    double = BybitDouble()
    book = Book(double, {"linear": ["ours-1"]})
    book.ended = {"ours-1": ("New", "0")}
    async with double.serving():
        done = await cancelled(double)
    assert done.cancelled == ()
    assert done.unproven == ("order ours-1 is not open any more, and how it ended the venue has not said",)
