"""Recorded answers of real venues, read by the real client as a watched account's, digit for digit."""

import json
import time
from decimal import Decimal
from pathlib import Path

import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.reports import WalletReport
from hedgebot.venues.registry import open_venue
from tests.support import stub_venue as stubs
from tests.support.sinks import Sink
from tests.support.stub_venue import Answer, StubVenue, stub_venue, watched

pytestmark = [pytest.mark.wire, pytest.mark.needs_data]

FRAMES = "m01_venue_fixtures_nautilus"


async def report(venue: str, stub: StubVenue) -> WalletReport:
    sink = Sink()
    port = open_venue(watched(stub, venue), sink, time.time_ns)
    await port.start()
    try:
        return (await sink.until(ev.WalletUpdated))[0].report
    finally:
        await port.stop()


async def test_deribits_summaries_in_standard_margin(shared_data: Path) -> None:
    prices = {"btc_usd": 100_000.0, "eth_usd": 4_000.0}
    async with stub_venue() as stub:
        stubs.deribit(stub)
        recorded = (shared_data / FRAMES / "deribit" / "http_get_account_summaries.json").read_text("utf-8")
        stub.say("private/get_account_summaries", recorded)
        stub.script(
            "public/get_index_price",
            lambda one: Answer(json.dumps({"result": {"index_price": prices[one.query["index_name"]]}})),
        )
        found = await report("deribit", stub)
    # BTC uses 0.8857841 of 302.62729214; ETH nothing of 100: the first is the worse pocket.
    assert found.maintenance_margin_usd == Decimal(repr(0.8857841 * 100_000.0))
    assert found.equity_usd == Decimal(repr(302.62729214 * 100_000.0))
    assert found.watched is not None
    assert (found.watched.pocket, found.watched.pockets) == ("segregated_sm BTC", 2)
    assert found.watched.equity_usd == Decimal(repr(302.62729214 * 100_000.0)) + 400_000


async def test_deribits_summaries_in_cross_margin(shared_data: Path) -> None:
    async with stub_venue() as stub:
        stubs.deribit(stub)
        recorded = (shared_data / FRAMES / "deribit" / "http_get_account_summaries_cross_margin.json").read_text(
            "utf-8"
        )
        stub.say("private/get_account_summaries", recorded)
        stub.say("private/get_positions", {"result": []})
        found = await report("deribit", stub)
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal("25.710502678"), Decimal("0.2671726792"))
    # The whole in USD over each currency's view of it: the venue's own price, a stablecoin not exactly 1.
    assert found.prices_usd["USDT"] == pytest.approx(0.9999, abs=1e-6)
    assert found.prices_usd["BTC"] == pytest.approx(25.710502678 / 0.00031639)
    assert found.balances["USDT"] == Decimal("23.61869")


async def test_okxs_balance_and_isolated_position(shared_data: Path) -> None:
    async with stub_venue() as stub:
        stubs.okx(stub)
        folder = shared_data / FRAMES / "okx"
        stub.say("account/balance", (folder / "http_get_account_balance.json").read_text("utf-8"))
        stub.say("account/positions", (folder / "http_get_positions.json").read_text("utf-8"))
        found = await report("okx", stub)
    assert found.watched is not None
    # An account without account-wide margin: its coin, and the isolated position whose ratio of 0.01 says 100 times.
    assert found.watched.pockets == 2
    assert found.watched.stated_use == pytest.approx(100.0)
    assert found.watched.problem == "the position in BTC-USDT-SWAP is isolated"
    # Margin of 0.5 BTC at the price that the position names.
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(5_000), Decimal(1_000))
