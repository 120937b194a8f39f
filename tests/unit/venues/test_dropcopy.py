"""The second reader: identities once each, its own reading of a row, and a part that fails does not hide the others."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt
import pytest

from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.events import ExecutionKind, FillReceived, Source
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.venues import dropcopy
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.dropcopy import SPEAKS_NS, DropCopy, FillWatch
from tests.unit.venues.double import Sink

NOW_NS = 1_790_000_000_000_000_000


def a_fill() -> FillReceived:
    return FillReceived(
        account="main",
        instrument=InstrumentId("bybit:linear:BTCUSDT"),
        trade_id="e1",
        order_id="o1",
        client_id=None,
        side=Side.BUY,
        qty_contracts=Decimal("0.1"),
        price=Decimal(100_000),
        fee=Decimal(0),
        fee_coin="USDT",
        kind=ExecutionKind.TRADE,
        source=Source.STREAM,
        venue_at_ns=NOW_NS,
    )


Rows = list[dict[str, Any]]


class Client:
    """The venue's history behind the one call."""

    def __init__(self, rows: Callable[[dict[str, Any]], Rows]) -> None:
        self.rows = rows
        self.asked: list[dict[str, Any]] = []

    async def privateGetV5ExecutionList(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  (its name)
        self.asked.append(request)
        return {"result": {"list": self.rows(request)}}


def reader(rows: Callable[[dict[str, Any]], Rows]) -> tuple[DropCopy, Client, Sink]:
    client, sink = Client(rows), Sink()
    budget = Budget(BYBIT, lambda: 0.0)
    return DropCopy("main", BYBIT, client, budget, quiet(sink), lambda: NOW_NS), client, sink


def quiet(sink: Sink) -> FillWatch:
    """A sink through which no fill came lately."""
    return FillWatch(sink, lambda: NOW_NS - SPEAKS_NS - 1)


def linear(*rows: dict[str, Any]) -> Callable[[dict[str, Any]], Rows]:
    return lambda request: list(rows) if request["category"] == "linear" else []


def row(trade_id: str, qty: str = "0.1", kind: str = "Trade") -> dict[str, Any]:
    return {"execId": trade_id, "execQty": qty, "execType": kind}


async def test_each_identity_is_told_once_as_the_ledger_keeps_it() -> None:
    copy, client, sink = reader(linear(row("e1"), row("e2")))
    await copy.read()
    client.rows = linear(row("e2"), row("e3"))
    await copy.read()
    await copy.read()
    told = [one.executions for one in sink.of(ExecutionsRead)]
    assert told == [("main|bybit:linear|e1", "main|bybit:linear|e2"), ("main|bybit:linear|e3",)]


async def test_what_was_told_is_remembered_as_long_as_the_venue_may_list_it() -> None:
    """As many identities as lie in two windows, at any pace: a table by number alone would fill over hours."""
    now_ms = NOW_NS // 1_000_000
    client, sink = Client(lambda _request: []), Sink()
    budget = Budget(BYBIT, lambda: now_ms / 1_000)
    copy = DropCopy("main", BYBIT, client, budget, quiet(sink), lambda: now_ms * 1_000_000)
    sizes = []
    for reading in range(400):
        # One execution each six seconds, listed for as long as the window is.
        listed = range(max(0, reading - dropcopy.WINDOW_MS // 6_000), reading + 1)
        client.rows = linear(*(row(f"e{number}") for number in listed))
        await copy.read()
        now_ms += 6_000
        sizes.append(len(copy._told))
    told = sum(len(one.executions) for one in sink.of(ExecutionsRead))
    assert told == 400, "each once"
    assert len(set(sizes[100:])) == 1, "flat"
    assert sizes[-1] <= (dropcopy.WINDOW_MS + dropcopy.TOLD_MS) // 6_000 + 2


async def test_at_any_pace_what_was_told_is_bounded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropcopy, "TOLD_MAX", 10)
    copy, _, _ = reader(linear(*(row(f"e{number}") for number in range(25))))
    await copy.read()
    assert list(copy._told) == [f"main|bybit:linear|e{number}" for number in range(15, 25)]


async def test_every_category_is_read_over_the_window() -> None:
    copy, client, sink = reader(lambda _request: [])
    await copy.read()
    assert len(client.asked) == len(BYBIT.executions)
    now_ms = NOW_NS // 1_000_000
    assert {int(one["startTime"]) for one in client.asked} == {now_ms - dropcopy.WINDOW_MS}
    assert all(int(one["endTime"]) > now_ms for one in client.asked)
    assert not any("execType" in one for one in client.asked), "a type that is asked for hides the others"
    assert sink.events == [], "nothing new, nothing said"


async def test_rows_of_no_quantity_count_only_as_funding() -> None:
    copy, _, sink = reader(linear(row("none", "0"), row("paid", "0", "Funding"), row("odd", "?")))
    await copy.read()
    (told,) = sink.of(ExecutionsRead)
    assert [one.rpartition("|")[2] for one in told.executions] == ["paid", "odd"]


@pytest.mark.parametrize("spoilt", [[{"execQty": "1"}], [row("")]])
async def test_a_part_that_cannot_be_read_does_not_hide_the_others(spoilt: Rows) -> None:
    def rows(request: dict[str, Any]) -> Rows:
        if request["category"] == "inverse":
            raise ccxt.RequestTimeout("bybit GET")
        return {"linear": spoilt, "spot": [row("s1")]}.get(request["category"], [])

    copy, _, sink = reader(rows)
    await copy.read()
    (told,) = sink.of(ExecutionsRead)
    assert told.executions == ("main|bybit:spot|s1",)
    assert told.problem


async def test_its_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropcopy, "TOLD_MAX", 3)
    copy, _, _ = reader(linear(*(row(f"e{number}") for number in range(10))))
    await copy.read()
    assert len(copy._told) == 3


async def test_a_reading_that_is_whole_again_is_told_once() -> None:
    def failing(_request: dict[str, Any]) -> Rows:
        raise ccxt.NetworkError("down")

    copy, client, sink = reader(failing)
    await copy.read()
    client.rows = lambda _request: []
    await copy.read()
    await copy.read()
    first, second = sink.of(ExecutionsRead)
    assert first.problem
    assert second.problem == ""


async def test_after_a_fill_each_reading_is_told_with_its_window_also_when_it_finds_nothing() -> None:
    """Only so can the journal hear that the venue does not list what it has."""
    now_ns, sink = NOW_NS, Sink()
    watch = FillWatch(sink, lambda: now_ns)
    copy = DropCopy("main", BYBIT, Client(lambda _request: []), Budget(BYBIT, lambda: 0.0), watch, lambda: now_ns)
    await copy.read()
    (told,) = sink.of(ExecutionsRead)
    assert (told.executions, told.problem) == ((), ""), "a run before this one may have booked one"
    assert told.since_ns == NOW_NS - dropcopy.WINDOW_MS * 1_000_000
    now_ns += SPEAKS_NS + 1
    await copy.read()
    assert len(sink.of(ExecutionsRead)) == 1
    watch.put(a_fill())
    now_ns += SPEAKS_NS
    await copy.read()
    assert len(sink.of(ExecutionsRead)) == 2
    assert sink.of(FillReceived) == [a_fill()]
