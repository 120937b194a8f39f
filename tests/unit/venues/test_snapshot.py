import time
from itertools import pairwise
from typing import Any

from hedgebot.domain.commands import RequestSnapshot
from hedgebot.domain.events import FillReceived, FrameQuarantined, FundingPaid, SnapshotTaken, Source
from hedgebot.venues.snapshot import OVERLAP_MS, _windows
from tests.unit.venues.double import BybitDouble, golden, ok, refusal, running

DAY_MS = 24 * 3_600_000
ORDER: dict[str, Any] = {**golden("order_frame")["data"][0], "orderStatus": "New", "cumExecQty": "0"}
POSITION: dict[str, Any] = golden("position_frame")["data"][0]


async def taken(double: BybitDouble, since_ns: int | None = None) -> tuple[SnapshotTaken, Any]:
    since = time.time_ns() - 60_000_000_000 if since_ns is None else since_ns
    async with double.serving(), running(double) as (venue, sink):
        venue.send(RequestSnapshot(account="main", request=7, executions_since_ns=since, reason="start"))
        return await sink.one(SnapshotTaken), sink


def only(category: str, rows: list[dict[str, Any]], **narrow: str) -> Any:
    def script(asked: dict[str, str]) -> Any:
        fits = asked["category"] == category and all(asked.get(key) == value for key, value in narrow.items())
        return (200, ok({"list": rows, "category": category, "nextPageCursor": ""})) if fits else None

    return script


async def test_everything_is_listed_and_executions_come_last() -> None:
    double = BybitDouble()
    double.scripts["v5/position/list"] = only(
        "linear", [POSITION, {**POSITION, "symbol": "ETHUSDT", "size": "0", "side": ""}], settleCoin="USDT"
    )
    double.scripts["v5/order/realtime"] = only("linear", [ORDER], settleCoin="USDT")
    double.scripts["v5/execution/list"] = only("linear", golden("executions"))
    answer, sink = await taken(double)
    assert (answer.request, answer.complete, answer.problem) == (7, True, "")
    assert [str(report.contracts) for report in answer.positions] == ["-0.250"]
    assert [report.order_id for report in answer.open_orders] == ["order-1"]
    assert answer.wallet is not None
    facts = sink.of(FillReceived, FundingPaid)
    assert [fact.trade_id for fact in facts] == ["adl-1", "bust-1", "fund-1"]
    assert {fact.source for fact in facts} == {Source.QUERY}
    assert sink.events.index(facts[-1]) < sink.events.index(answer)
    paths = [path for path, _, _ in double.requests]
    first_execution = paths.index("v5/execution/list")
    for before in ("v5/position/list", "v5/order/realtime", "v5/account/wallet-balance"):
        assert max(index for index, path in enumerate(paths) if path == before) < first_execution


async def test_every_category_coin_and_settlement_is_asked() -> None:
    double = BybitDouble()
    await taken(double)

    def asked(path: str) -> set[tuple[str, str]]:
        return {(row["category"], row.get("settleCoin", row.get("baseCoin", ""))) for row in double.asked(path)}

    linear = {("linear", "USDT"), ("linear", "USDC"), ("inverse", ""), ("option", "")}
    assert asked("v5/position/list") == linear
    assert asked("v5/order/realtime") == linear | {("spot", "")}
    options = {("option", coin) for coin in ("BTC", "ETH", "SOL", "XRP", "MNT", "DOGE")}
    assert asked("v5/execution/list") == {("linear", ""), ("inverse", ""), ("spot", "")} | options


async def test_a_failed_part_is_named_and_absent_is_not_zero() -> None:
    double = BybitDouble()
    double.scripts["v5/position/list"] = lambda asked: (
        (200, refusal(10016, "server error")) if asked["category"] == "option" else None
    )
    double.scripts["v5/account/wallet-balance"] = lambda asked: (502, "bad gateway")
    answer, _ = await taken(double)
    assert not answer.complete
    assert "positions option" in answer.problem
    assert "wallet" in answer.problem
    assert answer.wallet is None


async def test_a_row_that_cannot_be_read_is_quarantined_and_the_others_are_kept() -> None:
    double = BybitDouble()
    rows = golden("executions")
    rows[1]["execType"] = "Novelty"
    double.scripts["v5/execution/list"] = only("linear", rows)
    answer, sink = await taken(double)
    assert not answer.complete
    assert "Novelty" in sink.of(FrameQuarantined)[0].problem
    assert len(sink.of(FillReceived, FundingPaid)) == 2


def test_windows_are_no_wider_than_the_venue_allows_and_leave_no_gap() -> None:
    now = 1_795_000_000_000
    windows = list(_windows(now - 20 * DAY_MS, now, 7 * DAY_MS))
    assert windows[0][0] == now - 20 * DAY_MS - OVERLAP_MS
    assert windows[-1][1] == now + OVERLAP_MS
    assert all(end - start <= 7 * DAY_MS for start, end in windows)
    assert all(left[1] == right[0] for left, right in pairwise(windows))


def test_without_a_cursor_one_window_is_asked() -> None:
    assert list(_windows(0, 1_795_000_000_000, DAY_MS)) == [
        (1_795_000_000_000 + OVERLAP_MS - DAY_MS, 1_795_000_000_000 + OVERLAP_MS)
    ]


def test_a_cursor_ahead_of_our_clock_still_asks() -> None:
    assert list(_windows(2_000_000_000_000, 1_795_000_000_000, DAY_MS))
