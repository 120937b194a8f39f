"""The venue's settlements: the sign turned, other rows left out, and a reading that fails is none."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import ccxt

from hedgebot.domain.risk_events import FundingRead, FundingRow
from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.fundinglog import FundingLog
from hedgebot.venues.queries import Queries
from tests.unit.venues.double import Sink

NOW_NS = 1_790_000_000_000_000_000
MINUTE_NS = 60_000_000_000


class Client:
    """The venue's transaction log behind the one call."""

    def __init__(self, rows: Callable[[], list[dict[str, Any]]]) -> None:
        self.rows = rows
        self.asked: list[dict[str, Any]] = []

    async def privateGetV5AccountTransactionLog(self, request: dict[str, Any]) -> dict[str, Any]:  # noqa: N802  (its name)
        self.asked.append(request)
        return {"result": {"list": self.rows()}}


def reader(rows: Callable[[], list[dict[str, Any]]]) -> tuple[FundingLog, Client, Sink]:
    client, sink = Client(rows), Sink()
    queries = Queries(client, BYBIT, Budget(BYBIT, lambda: 0.0))
    return FundingLog("main", BYBIT, queries, sink, lambda: NOW_NS), client, sink


def row(funding: str, symbol: str = "BTCUSDT") -> dict[str, Any]:
    return {"category": "linear", "symbol": symbol, "funding": funding, "transactionTime": "1789999000000"}


async def test_what_was_received_is_a_negative_cost() -> None:
    log, client, sink = reader(lambda: [row("-1.5"), row("0.25", "ETHUSDT"), row(""), row("0")])
    await log.read()
    (read,) = sink.of(FundingRead)
    at_ns = 1_789_999_000_000_000_000
    assert read.rows == (
        FundingRow(instrument="bybit:linear:BTCUSDT", cost=Decimal("1.5"), at_ns=at_ns),  # type: ignore[arg-type]
        FundingRow(instrument="bybit:linear:ETHUSDT", cost=Decimal("-0.25"), at_ns=at_ns),  # type: ignore[arg-type]
    )
    assert read.until_ns == NOW_NS - 5 * MINUTE_NS
    assert read.until_ns - read.since_ns == 12 * 60 * MINUTE_NS
    assert client.asked[0]["type"] == "SETTLEMENT"
    assert "category" not in client.asked[0]


async def test_a_reading_that_fails_says_nothing() -> None:
    def fails() -> list[dict[str, Any]]:
        raise ccxt.NetworkError("no answer")

    log, _, sink = reader(fails)
    await log.read()
    assert sink.of(FundingRead) == []


async def test_a_row_that_cannot_be_read_makes_no_reading() -> None:
    log, _, sink = reader(lambda: [row("not a number")])
    await log.read()
    assert sink.of(FundingRead) == []
