"""A rollback as clients see it: executions, orders, the transaction log, positions and wallets, pulled and pushed."""

from decimal import Decimal
from typing import Any

import pytest

from hedgebot.domain.events import ExecutionKind, FillReceived, Stream
from hedgebot.domain.instrument import Side
from hedgebot.domain.reports import OrderReport
from tests.unit.venues.double import BTC
from tests.wire.exchange_client import Lab, lab
from tests.wire.venue_world import world

pytestmark = pytest.mark.wire

D = Decimal


async def wallet(venue: Lab) -> dict[str, Decimal]:
    answer = await venue.client.privateGetV5AccountWalletBalance({"accountType": "UNIFIED"})
    return {coin["coin"]: D(coin["walletBalance"]) for coin in answer["result"]["list"][0]["coin"]}


async def rows(call: Any, **params: str) -> list[dict[str, Any]]:
    answer = await call(params)
    found: list[dict[str, Any]] = answer["result"]["list"]
    return found


async def test_everything_that_can_be_pulled_says_so() -> None:
    async with lab() as venue:
        client = venue.client
        before = await wallet(venue)
        await client.create_order("BTC/USDT:USDT", "market", "buy", 0.05)
        await client.create_order("BTC/USDT:USDT", "market", "sell", 0.02)
        resting = await client.create_order("BTC/USDT:USDT", "limit", "buy", 0.01, 85_000)
        assert await wallet(venue) != before
        answer = await venue.admin("POST", "trouble", {"type": "rollback", "last_s": 60, "accounts": ["book"]})
        assert answer["ok"], answer
        assert await wallet(venue) == before
        held = await rows(client.privateGetV5PositionList, category="linear", symbol="BTCUSDT")
        assert {row["size"] for row in held} == {"0"}
        executions = await rows(client.privateGetV5ExecutionList, category="linear", symbol="BTCUSDT")
        taken = [row for row in executions if row["createType"] == "CreateByAdminClosing"]
        others = [row for row in executions if row not in taken]
        assert len(taken) == len(others) >= 2
        assert sum(D(row["execQty"]) * (1 if row["side"] == "Buy" else -1) for row in executions) == 0
        assert sum(D(row["execFee"]) for row in executions) == 0
        log = await rows(client.privateGetV5AccountTransactionLog, category="linear")
        back = [row for row in log if row["type"] == "AUTO_DEDUCTION"]
        assert {row["tradeId"] for row in back} == {row["execId"] for row in taken}
        assert sum(D(row["change"]) for row in log) == 0
        ended = await rows(client.privateGetV5OrderHistory, category="linear", orderId=resting["id"])
        assert [(row["orderStatus"], row["cancelType"]) for row in ended] == [("Cancelled", "CancelByAdmin")]
        assert await rows(client.privateGetV5PositionClosedPnl, category="linear") == []


async def test_an_adapter_is_told_and_ends_with_what_it_had() -> None:
    async with world() as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        await found.submit(qty_contracts=D("0.05"))
        await found.sink.one(FillReceived)
        before = len(found.sink.events)
        await found.admin("trouble", type="rollback", last_s=60, instruments=[BTC])
        await found.sink.until(
            lambda event: isinstance(event, FillReceived) and event.kind is ExecutionKind.ROLLBACK, after=before
        )
        snapshot = await found.snapshot()
        assert [row for row in snapshot.positions if row.contracts] == []
        fills = {fill.trade_id: fill for fill in found.sink.of(FillReceived)}.values()
        assert sum(fill.qty_contracts * fill.side.sign for fill in fills) == 0
        assert sum(fill.fee for fill in fills) == 0
        back = [fill for fill in fills if fill.kind is ExecutionKind.ROLLBACK]
        assert {(fill.side, fill.client_id) for fill in back} == {(Side.SELL, None)}
        assert all(report.client_id is not None for report in found.sink.of(OrderReport))
