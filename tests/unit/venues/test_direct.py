"""Cancelling without a daemon: every category is listed, only what is ours is cancelled, what is unproven is named."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from hedgebot.venues import direct
from hedgebot.venues.direct import FEW_MAX, WHOLES_MAX, DirectCancel, cancel_directly
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
        double.scripts["v5/order/cancel-all"] = self._all

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
        rows = [{"orderId": f"id-{name}", "orderLinkId": name, "symbol": symbol_of(name)} for name in names]
        return 200, ok({"category": asked["category"], "list": rows, "nextPageCursor": ""})

    def _batch(self, asked: Any) -> tuple[int, Any]:
        for one in asked["request"]:
            self._end(asked["category"], one["orderId"])
        return 200, ok({"list": []})

    def _one(self, asked: dict[str, str]) -> tuple[int, Any]:
        self._end(asked["category"], asked["orderId"])
        return 200, ok({"orderId": asked["orderId"], "orderLinkId": ""})

    def _all(self, asked: dict[str, str]) -> tuple[int, Any]:
        if self.deaf > 0:
            self.deaf -= 1
            return 200, ok({"list": [], "success": "0"})
        for name in list(self.alive[asked["category"]]):
            if asked.get("symbol", symbol_of(name)) == symbol_of(name):
                self._end(asked["category"], f"id-{name}")
        return 200, ok({"list": [], "success": "1"})

    def _end(self, category: str, order_id: str) -> None:
        if self.deaf > 0:
            self.deaf -= 1
            return
        name = order_id.removeprefix("id-")
        if name in self.alive[category]:
            del self.alive[category][name]
            self.ended.setdefault(name, ("Cancelled", "0"))


def symbol_of(name: str) -> str:
    """Names may say their symbol: `ours-1@ETHUSDT`."""
    return name.partition("@")[2] or "BTCUSDT"


def ours(client_id: str | None) -> bool:
    return (client_id or "").startswith(OURS)


async def cancelled(
    double: BybitDouble,
    *,
    is_ours: Callable[[str | None], bool] = ours,
    whole: bool = False,
    within_s: float = 5.0,
    settle_s: float = 0.0,
) -> DirectCancel:
    return await cancel_directly(
        connection(double.endpoint),
        is_ours,
        whole=whole,
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
    assert (batches, singles) == ([10], 10 + 5)


async def test_a_refused_batch_is_asked_for_again() -> None:
    double = BybitDouble()
    book = Book(double, {"linear": [f"ours-{number}" for number in range(FEW_MAX + 3)]})
    double.scripts["v5/order/cancel-batch"] = lambda asked: (200, refusal(10006, "too many visits"))
    async with double.serving():
        done = await cancelled(double)
    assert len(done.cancelled) == FEW_MAX + 3
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


MANY = [f"ours-{number}" for number in range(FEW_MAX + 5)]


async def test_an_account_of_our_own_is_emptied_by_one_request_a_symbol() -> None:
    double = BybitDouble()
    Book(double, {"linear": [*MANY, *(f"{name}@ETHUSDT" for name in MANY)], "option": MANY, "inverse": ["ours-1"]})
    async with double.serving():
        done = await cancelled(double, whole=True)
        alls = [(one["category"], one.get("symbol")) for one in double.asked("v5/order/cancel-all")]
    assert sorted(alls, key=str) == [("linear", "BTCUSDT"), ("linear", "ETHUSDT"), ("option", None)]
    assert len(double.asked("v5/order/cancel")) == 1, "few orders go one by one"
    assert set(done.cancelled) == {*MANY, *(f"{name}@ETHUSDT" for name in MANY), "ours-1"}
    assert done.unproven == ()


async def test_where_others_order_too_only_ours_go_one_by_one() -> None:
    double = BybitDouble()
    book = Book(double, {"linear": [*MANY, "theirs-1", *(f"{name}@ETHUSDT" for name in MANY)]})
    async with double.serving():
        done = await cancelled(double, whole=True)
        alls = [(one["category"], one.get("symbol")) for one in double.asked("v5/order/cancel-all")]
    assert alls == [("linear", "ETHUSDT")]
    assert list(book.alive["linear"]) == ["theirs-1"]
    assert (len(done.cancelled), done.left_alone) == (2 * len(MANY), 1)


async def test_a_shared_account_is_never_emptied_as_a_whole() -> None:
    double = BybitDouble()
    Book(double, {"linear": MANY})
    async with double.serving():
        done = await cancelled(double)
    assert double.asked("v5/order/cancel-all") == []
    assert len(done.cancelled) == len(MANY)


async def test_what_the_whole_did_not_reach_goes_one_by_one() -> None:
    double = BybitDouble()
    Book(double, {"linear": MANY}, deaf=WHOLES_MAX)
    async with double.serving():
        done = await cancelled(double, whole=True)
    assert len(double.asked("v5/order/cancel-all")) == WHOLES_MAX
    assert len(double.asked("v5/order/cancel")) == FEW_MAX
    assert len(done.cancelled) == len(MANY)


async def test_cancels_stay_below_the_venues_limits_in_each_second() -> None:
    double, at_s = BybitDouble(), dict[str, list[float]]()
    book = Book(double, {"linear": [f"ours-{number}" for number in range(45)]})

    def seen(way: str, answer: Callable[[Any], Any], count: Callable[[Any], int]) -> Callable[[Any], Any]:
        def answered(asked: Any) -> Any:
            at_s.setdefault(way, []).extend([time.monotonic()] * count(asked))
            return answer(asked)

        return answered

    double.scripts["v5/order/cancel"] = seen("single", book._one, lambda _: 1)
    double.scripts["v5/order/cancel-batch"] = seen("batch", book._batch, lambda asked: len(asked["request"]))
    async with double.serving():
        done = await cancelled(double)
    assert len(done.cancelled) == 45
    for times in at_s.values():
        assert max(sum(1 for at in times if start <= at < start + 1.0) for start in times) <= FEW_MAX
    assert sum(len(times) for times in at_s.values()) == 45, "nothing was asked for in vain"


def executed(rows: list[dict[str, str]]) -> Callable[[dict[str, str]], tuple[int, Any]]:
    return lambda asked: (
        200,
        ok(
            {"category": asked["category"], "list": rows if asked["category"] == "linear" else [], "nextPageCursor": ""}
        ),
    )


async def test_an_order_that_came_and_filled_between_two_listings_is_told() -> None:
    double = BybitDouble()
    book = Book(double, {"linear": []})
    book.ended = {"ours-9": ("Filled", "0.3")}
    rows = [
        {"orderId": "id-ours-9", "orderLinkId": "ours-9", "symbol": "BTCUSDT", "execId": "e1", "execQty": "0.3"},
        {"orderId": "id-theirs", "orderLinkId": "theirs", "symbol": "BTCUSDT", "execId": "e2", "execQty": "5"},
    ]
    double.scripts["v5/execution/list"] = executed(rows)
    began_ms = time.time_ns() // 1_000_000
    async with double.serving():
        done = await cancelled(double)
    assert done.filled == ("ours-9: 0.3 filled (filled)",)
    assert (done.cancelled, done.unproven) == ((), ())
    asked = double.asked("v5/execution/list")
    assert {one["category"] for one in asked} == {"linear", "inverse", "spot", "option"}
    assert all(began_ms - 1_000 <= int(one["startTime"]) <= began_ms + 5_000 for one in asked)


async def test_without_the_executions_nothing_is_proven_about_fills() -> None:
    double = BybitDouble()
    Book(double, {"linear": ["ours-1"]})
    double.scripts["v5/execution/list"] = lambda asked: (200, refusal(10016, "server error"))
    async with double.serving():
        done = await cancelled(double)
    assert done.cancelled == ("ours-1",)
    assert done.verified_s is not None
    assert any("executions of linear were not listed" in why for why in done.unproven)


async def test_executions_that_could_not_be_listed_are_asked_for_again() -> None:
    """On a slow line the first request of each new connection comes too late and is refused."""
    double = BybitDouble()
    Book(double, {"linear": ["ours-1"]})
    refused: list[str] = []

    def once(asked: dict[str, str]) -> tuple[int, Any]:
        if asked["category"] not in refused:
            refused.append(asked["category"])
            return 200, refusal(10002, "invalid request, please check your server timestamp or recv_window param")
        return executed([])(asked)

    double.scripts["v5/execution/list"] = once
    async with double.serving():
        done = await cancelled(double)
    assert (done.cancelled, done.unproven) == (("ours-1",), ())
    assert len(double.asked("v5/execution/list")) == 9 + len(refused), "only what failed"
