"""An option of the book expires while a client is connected: stream, history, wallet and market data agree."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hedgebot.exchange.scenario_file import load_scenario
from tests.wire.exchange_client import CALM, KEY, SECRET, Lab, lab

pytestmark = pytest.mark.wire
FILE = Path(__file__).parents[2] / "config" / "scenarios" / "expiry.toml"
EXPIRY_S = 4.0


async def deliveries(venue: Lab, frames: list[dict[str, Any]]) -> None:
    """Follow the private stream until three deliveries have come, with every frame kept."""
    original = venue.client.handle_message

    done = asyncio.Event()

    def tap(client: Any, message: Any) -> None:
        frames.append(message)
        original(client, message)
        if sum(len(one["data"]) for one in frames if one.get("topic") == "execution") == 3:
            done.set()

    venue.client.handle_message = tap
    tasks = [asyncio.create_task(watch()) for watch in (venue.client.watch_my_trades, venue.client.watch_positions)]
    tasks.append(asyncio.create_task(venue.client.watch_balance()))
    try:
        async with asyncio.timeout(EXPIRY_S + 10):
            await done.wait()
            await asyncio.sleep(0.2)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_options_are_delivered_while_a_client_looks_on() -> None:
    world = load_scenario(FILE)
    account = msgspec.structs.replace(world.accounts[0], api_key=KEY, api_secret=SECRET)
    spec = msgspec.structs.replace(world.underlyings[0], option_expiries_s=(EXPIRY_S,))
    world = msgspec.structs.replace(world, accounts=(account,), underlyings=(spec,), weather=CALM)
    options = {
        "fetchMarkets": {"loadAllOptions": True, "options": ["BTC"]},
        "ws": {"cost": 0},
        "watchPositions": {"fetchPositionsSnapshot": False},
    }
    async with lab(world, options=options) as venue:
        client, frames = venue.client, list[dict[str, Any]]()
        cash = (await client.fetch_balance())["USDT"]["total"]
        held = {one["info"]["symbol"] for one in await client.fetch_positions(None, {"category": "option"})}
        assert len(held) == 3
        await deliveries(venue, frames)

        rows = [row for one in frames if one.get("topic") == "execution" for row in one["data"]]
        assert {row["symbol"] for row in rows} == held
        assert {(row["category"], row["execType"], row["createType"]) for row in rows} == {
            ("option", "Delivery", "CreateBySettle")
        }
        listed = (await client.privateGetV5ExecutionList({"category": "option", "execType": "Delivery"}))["result"]
        assert {row["execId"] for row in listed["list"]} == {row["execId"] for row in rows}
        pushed = [row for one in frames if one.get("topic") == "position" for row in one["data"]]
        assert {(row["symbol"], row["size"]) for row in pushed} == {(name, "0") for name in held}
        assert await client.fetch_positions(None, {"category": "option"}) == []

        # Worth: one call paid, one put received, one call worthless; the wallet moved by that and the fees.
        sign = {"Buy": -1, "Sell": 1}
        moved = sum(sign[row["side"]] * Decimal(row["execValue"]) - Decimal(row["execFee"]) for row in rows)
        assert sorted(Decimal(row["execPrice"]) > 0 for row in rows) == [False, True, True]
        after = (await client.fetch_balance())["USDT"]["total"]
        assert after == pytest.approx(cash + float(moved), abs=1e-6)
        assert any(one.get("topic") == "wallet" for one in frames)
        log = (await client.privateGetV5AccountTransactionLog({"type": "DELIVERY"}))["result"]["list"]
        assert len(log) == 3

        prices = (await client.publicGetV5MarketDeliveryPrice({"category": "option"}))["result"]["list"]
        assert held <= {one["symbol"] for one in prices}
        assert len(prices) == 10, "every delivered option, held or not, worthless or not"
        # The average over the window, not the index of the last moment; each option at its value against it.
        (average,) = {Decimal(one["deliveryPrice"]) for one in prices}
        for row in rows:
            strike, kind = row["symbol"].split("-")[2:4]
            above = average - Decimal(strike) if kind == "C" else Decimal(strike) - average
            assert Decimal(row["execPrice"]) == max(above, Decimal(0))
        assert venue.server.api.crashes == 0
