"""One way from a frame to an order, in a process of its own: `python -m tests.benchmarks.contestant WAY URL FOLDER`.

`bare` is a ccxt.pro loop: watch a book, post an order; no state, no risk, no journal. `memory` and `durable` are the
daemon's own run, put together as the daemon does it, with its journal in memory or on disk. `-ws` behind a name sends
orders over the trade socket. Runs until its standard input closes.
"""

import asyncio
import gc
import os
import sys
from pathlib import Path
from typing import Any

import ccxt.pro
import msgspec

import hedgebot.venues.bybit
from hedgebot.config.loader import load_config
from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state
from hedgebot.daemon import run as daemon_run
from hedgebot.daemon.assembly import Identity, Run
from hedgebot.daemon.clock import Clock
from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.plugins import load_strategies
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import Journal
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.endpoints import loopback_urls
from hedgebot.venues.profile import Rate
from tests.benchmarks.loopback import PRICE
from tests.benchmarks.measure import run_loop

SYMBOL = "BTC/USDT:USDT"
UNBOUND = Rate(per_s=10_000.0, burst=10_000.0)

BOOK = """
limits = "limits.toml"
[book]
name = "bench"
state_dir = "{state_dir}"
[accounts.main]
venue = "bybit"
role = "shared"
endpoint = "{endpoint}"
order_entry = "{order_entry}"
[underlyings.BTC]
band_coin = 0.25
delta_limit_coin = 5.0
hedge_account = "main"
hedge_instrument = "bybit:linear:BTCUSDT"
collar_bps = 20.0
order_qty_coin_max = 5.0
order_notional_usd_max = 600000.0
[strategies.delta_neutral]
enabled = true
underlyings = ["BTC"]
[daemon]
log_file = "hedgebot.log"
"""
# As wide as they go; the snapshots of reconciliation would only add noise.
LIMITS = """
orders_per_second_max = 100.0
order_burst_max = 100
reconcile_interval_ms = 600000
"""


async def bare(endpoint: str, *, over_socket: bool) -> None:
    """The loop that everybody writes first."""
    plain = ccxt.pro.bybit()
    exchange: Any = ccxt.pro.bybit(
        {
            "apiKey": "key-of-the-test",
            "secret": "secret-of-the-test",
            "enableRateLimit": False,
            "urls": {"api": loopback_urls(plain.urls["api"], endpoint, plain.hostname)},
            "options": {"ws": {"cost": 0, "compress": 0}, "fetchMarkets": {"types": ["linear", "inverse"]}},
        }
    )
    try:
        await exchange.load_markets()
        await exchange.is_unified_enabled()
        gc.collect()
        gc.freeze()
        send = exchange.create_order_ws if over_socket else exchange.create_order
        was_up: bool | None = None
        while True:
            top = (await exchange.watch_bids_asks([SYMBOL]))[SYMBOL]
            is_up = top["bid"] > PRICE
            if is_up is not was_up:
                was_up = is_up
                side, limit = ("sell", top["bid"] * 0.998) if is_up else ("buy", top["ask"] * 1.002)
                await send(SYMBOL, "limit", side, 1.0, limit, {"timeInForce": "IOC"})
    finally:
        await exchange.close()


async def daemon(endpoint: str, folder: Path, *, durable: bool, over_socket: bool) -> None:
    """`hedgebot.daemon.run` by hand, for the one thing it does not offer: a journal in memory."""
    state_dir = folder / "state"
    state_dir.mkdir(mode=0o700)
    text = BOOK.format(endpoint=endpoint, order_entry="ws" if over_socket else "rest", state_dir=state_dir)
    (folder / "book.toml").write_text(text)
    (folder / "limits.toml").write_text(LIMITS)
    config = load_config(folder / "book.toml", None)
    connections = config.connections({})
    daemon_run._set_up_logs(config, connections)
    settings = config.engine_settings(7)
    strategies = load_strategies(settings.strategies)
    journal = await Journal.open(config.state_dir, durable=durable)
    try:
        await journal.recover(lambda snapshot: Engine(strategies, decode_state(snapshot) if snapshot else None))
        header = await journal.begin_run(build_manifest(settings, version="bench"))
        clock = Clock()
        run = Run(
            config=config,
            identity=Identity(
                install=7, run_id=header.run_id, epoch=header.epoch, version="bench", next_seq=header.first_seq
            ),
            engine=Engine(strategies),
            journal=journal,
            clock=clock,
            failpoints=Failpoints.from_environment({}),
            open_venue=daemon_run._venue_opener(connections, clock),
        )
        await run.run()
    finally:
        await journal.close()


def lift_rates() -> None:
    """Bybit allows ten orders a second; the benchmark sends more. Rates are data of the venue's profile."""
    rates = dict.fromkeys(BYBIT.create_rates, UNBOUND)
    lifted = msgspec.structs.replace(BYBIT, ip_rate=UNBOUND, create_rates=rates, cancel_rates=rates)
    vars(hedgebot.venues.bybit)["BYBIT"] = lifted


async def main(way: str, endpoint: str, folder: Path) -> None:
    """Run a way until standard input closes."""
    kind, _, channel = way.partition("-")
    over_socket = channel == "ws"
    lift_rates()
    if kind == "bare":
        task = asyncio.create_task(bare(endpoint, over_socket=over_socket))
    else:
        task = asyncio.create_task(daemon(endpoint, folder, durable=kind == "durable", over_socket=over_socket))
    closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait({task, closed}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    # Nothing here is worth an orderly end: the parent has its figures.
    os._exit(0)


if __name__ == "__main__":
    run_loop(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
