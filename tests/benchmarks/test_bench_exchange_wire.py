"""Market messages per second from the simulated exchange to one client in a process of its own, sustained.

The exchange runs in this process on a fine grid and publishes what really moved; nothing is made up for the count. The
reader decodes every frame, so that a frame counts when it was understood. The machine's CPU share is printed beside it.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson
import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, Scenario, UnderlyingSpec
from hedgebot.exchange.wire.server import Server, serve
from tests.benchmarks.measure import Goal, missed, percentile, report, run_loop

ROOT = Path(__file__).parents[2]
GOAL_PER_S = 3_000.0
STEP_MS = 20
TOPICS = {
    "linear": ("tickers", "orderbook.1", "orderbook.50", "publicTrade"),
    "spot": ("tickers", "orderbook.1", "orderbook.50", "publicTrade"),
    "option": ("tickers", "orderbook.25"),
}
ARGS_MAX = 10


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader saw. `slowest_s` is the fewest frames of a whole second, `lag_ms` how late frames came."""

    frames: int
    seconds: float
    slowest_s: int
    lag_ms_median: float
    lag_ms_p99: float
    cpu_share: float


def world(coins: int) -> Scenario:
    """Many coins, a fine grid, nobody trading."""
    names = ("BTC", "ETH", *(f"COIN{number}" for number in range(coins - 2)))
    specs = tuple(
        UnderlyingSpec(name=name, start_price=90_000.0 / 1.5**number, option_strikes=3, option_expiries_days=(2.0,))
        for number, name in enumerate(names[:coins])
    )
    account = AccountSpec(name="main", api_key="key", api_secret="secret", coins={})
    return Scenario(name="bench", step_ms=STEP_MS, underlyings=specs, accounts=(account,))


async def listen(url: str, seconds: float) -> Heard:
    """Subscribe everything, read for a while after a second's start-up."""
    async with aiohttp.ClientSession() as http:
        heard: list[tuple[float, float]] = []
        tasks = [asyncio.create_task(follow(http, url, channel, heard)) for channel in TOPICS]
        await asyncio.sleep(1.5)
        heard.clear()
        started_s, cpu_s = time.monotonic(), time.process_time()
        await asyncio.sleep(seconds)
        taken, wall_s, cpu_s = tuple(heard), time.monotonic() - started_s, time.process_time() - cpu_s
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    by_second = Counter(int(at_s - started_s) for at_s, _ in taken)
    lags = [lag for _, lag in taken]
    return Heard(
        frames=len(taken),
        seconds=wall_s,
        slowest_s=min(by_second[number] for number in range(max(int(wall_s), 1))),
        lag_ms_median=percentile(lags, 0.5),
        lag_ms_p99=percentile(lags, 0.99),
        cpu_share=cpu_s / wall_s,
    )


async def follow(http: aiohttp.ClientSession, url: str, channel: str, heard: list[tuple[float, float]]) -> None:
    """Read one socket; each topic's frame leaves (when, how late in milliseconds)."""
    query = {"category": channel} | ({"baseCoin": "BTC"} if channel == "option" else {})
    async with http.get(f"{url}/v5/market/instruments-info", params=query) as reply:
        listed = [row["symbol"] for row in (await reply.json())["result"]["list"]]
    topics = [f"{topic}.{symbol}" for symbol in listed for topic in TOPICS[channel]]
    async with http.ws_connect(f"{url}/v5/public/{channel}") as ws:
        for first in range(0, len(topics), ARGS_MAX):
            await ws.send_json({"op": "subscribe", "args": topics[first : first + ARGS_MAX]})
        async for message in ws:
            frame = orjson.loads(message.data)
            if "topic" in frame:
                heard.append((time.monotonic(), time.time() * 1_000 - frame["ts"]))


async def measure(coins: int, seconds: float) -> tuple[Heard, dict[str, float]]:
    """Serve a world to a reader in another process; what it heard, and what that cost here."""
    exchange = Exchange(world(coins), time.time_ns())
    server = await serve(exchange, cadence_s=STEP_MS / 1_000)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benchmarks.test_bench_exchange_wire", server.endpoint, str(seconds)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await connected(server)
        started_s, cpu_s, dropped = time.monotonic(), time.process_time(), 0
        reading = asyncio.create_task(process.communicate())
        while not reading.done():
            dropped = max(dropped, sum(one.dropped for one in server.sessions.chosen("public")))
            await asyncio.sleep(0.05)
        spent = {"exchange_cpu_share": (time.process_time() - cpu_s) / (time.monotonic() - started_s)}
        out, _ = await reading
        assert process.returncode == 0
        return msgspec.json.decode(out, type=Heard), spent | {"dropped": dropped, "crashes": server.api.crashes}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await server.close()


async def connected(server: Server) -> None:
    """Wait until the reader has all its sockets."""
    async with asyncio.timeout(20):
        while len(server.sessions.chosen("public")) < len(TOPICS):  # noqa: ASYNC110 -- the server has no event for it
            await asyncio.sleep(0.02)


@pytest.mark.e2e
def test_smoke_a_reader_hears_the_market() -> None:
    heard, spent = run_loop(measure(coins=2, seconds=2.0))
    assert heard.frames / heard.seconds > 300
    assert (spent["dropped"], spent["crashes"]) == (0, 0)


@pytest.mark.bench
def test_bench_exchange_wire() -> None:
    heard, spent = run_loop(measure(coins=14, seconds=10.0))
    rate = heard.frames / heard.seconds
    goals = [
        Goal(name="market messages per second to one client", value=rate, limit=GOAL_PER_S, at_most=False),
        Goal(name="frames dropped", value=spent["dropped"], limit=0.0),
    ]
    figures: dict[str, Any] = msgspec.to_builtins(heard)
    shares = {name: round(value, 3) for name, value in spent.items()}
    report("exchange_wire", goals=goals, **{name: round(value, 3) for name, value in figures.items()}, **shares)
    assert not missed(goals), missed(goals)


if __name__ == "__main__":
    found = run_loop(listen(sys.argv[1], float(sys.argv[2])))
    sys.stdout.write(json.dumps(msgspec.to_builtins(found)) + "\n")
