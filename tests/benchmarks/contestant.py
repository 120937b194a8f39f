"""One way from a frame to an order, in a process of its own: `python -m tests.benchmarks.contestant WAY URL FOLDER`.

`bare` is a ccxt.pro loop: watch a book, post an order; no state, no risk, no journal. `memory` and `durable` are the
daemon's own run, put together as the daemon does it, with its journal in memory or on disk. `-ws` behind a name sends
orders over the trade socket; `-listener` sends none and tells of fills. Runs until its standard input closes.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import ccxt.pro
import msgspec
import websockets

import hedgebot.venues.bybit
from hedgebot.config.loader import load_config
from hedgebot.core.engine import Engine
from hedgebot.core.state import decode_state
from hedgebot.daemon import run as daemon_run
from hedgebot.daemon.assembly import Run
from hedgebot.daemon.claim import AccountClaim
from hedgebot.daemon.clock import Clock
from hedgebot.daemon.failpoints import Failpoints
from hedgebot.daemon.hold import SendHold
from hedgebot.daemon.latch import KillLatch
from hedgebot.daemon.lock import InstanceLocks
from hedgebot.daemon.parts import Identity
from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.journal.chain import Row
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import Journal
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.endpoints import loopback_urls
from hedgebot.venues.profile import Rate
from tests.benchmarks.loopback import OPTIONS, PRICE, option_names
from tests.benchmarks.measure import run_loop

SYMBOL = "BTC/USDT:USDT"
KEPT_ROWS = 1_000
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
band_coin = {band_coin}
delta_limit_coin = {delta_limit_coin}
hedge_account = "main"
hedge_instrument = "bybit:linear:BTCUSDT"
delta_convention = "usd_neutral"
collar_bps = 20.0
order_qty_coin_max = 5.0
order_notional_usd_max = 600000.0
[strategies.delta_neutral]
enabled = true
underlyings = ["BTC"]
[daemon]
log_file = "hedgebot.log"
"""
# As wide as they go: the price goes to and fro as no market does. Snapshots of reconciliation would only add noise.
LIMITS = """
orders_per_second_max = 100.0
account_notional_usd_max = 1000000000.0
chase_bps_max = 10000.0
order_burst_max = 100
repeat_orders_max = 10000
hedge_volume_ratio_max = 100.0
reconcile_interval_ms = 600000
"""


def plain_client(endpoint: str) -> Any:
    """ccxt.pro as it comes, pointed at loopback, without its limiter."""
    plain = ccxt.pro.bybit()
    return ccxt.pro.bybit(
        {
            "apiKey": "key-of-the-test",
            "secret": "secret-of-the-test",
            "enableRateLimit": False,
            "urls": {"api": loopback_urls(plain.urls["api"], endpoint, plain.hostname)},
            "options": {
                "ws": {"cost": 0, "compress": 0},
                "fetchMarkets": {"types": ["linear", "inverse", "option"], "options": ["BTC"]},
            },
        }
    )


async def bare_listener(endpoint: str) -> None:
    """ccxt.pro listening to every option and to its own fills, with nothing else to do."""
    exchange = plain_client(endpoint)

    async def options() -> None:
        symbols = [name for name, market in exchange.markets.items() if market["option"]]
        while True:
            await exchange.watch_tickers(symbols)

    async def fills() -> None:
        while True:
            for trade in await exchange.watch_my_trades():
                tell(trade["id"])

    try:
        await exchange.load_markets()
        await exchange.is_unified_enabled()
        gc.collect()
        gc.freeze()
        await asyncio.gather(options(), fills())
    finally:
        await exchange.close()


class _Row(msgspec.Struct):
    execId: str = ""  # noqa: N815 - the venue's name
    symbol: str = ""
    markPrice: str = ""  # noqa: N815
    underlyingPrice: str = ""  # noqa: N815
    markPriceIv: str = ""  # noqa: N815
    delta: str = ""


class _Fills(msgspec.Struct):
    topic: str = ""
    data: list[_Row] = []


class _Quote(msgspec.Struct):
    topic: str = ""
    data: _Row = msgspec.field(default_factory=_Row)


async def floor_listener(endpoint: str) -> None:
    """What a socket costs at least in this language: websockets and a typed decode, each stream on its own socket."""
    base = endpoint.replace("http://", "ws://") + "/stream.bybit.com/v5"

    async def listen(path: str, topics: list[str], take: Callable[[bytes], None]) -> None:
        async with websockets.connect(f"{base}/{path}", compression=None, max_queue=None) as socket:
            await socket.send(msgspec.json.encode({"op": "subscribe", "req_id": "1", "args": topics}).decode())
            while True:
                take(await socket.recv(decode=False))

    quotes, fills = msgspec.json.Decoder(_Quote), msgspec.json.Decoder(_Fills)

    def take_fill(frame: bytes) -> None:
        for row in fills.decode(frame).data:
            tell(row.execId)

    def take_quote(frame: bytes) -> None:
        quotes.decode(frame)

    names = [f"tickers.{name}" for name in option_names(OPTIONS)]
    await asyncio.gather(listen("public/option", names, take_quote), listen("private", ["execution"], take_fill))


async def bare(endpoint: str, *, over_socket: bool) -> None:
    """The loop that everybody writes first."""
    exchange = plain_client(endpoint)
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


class MemoryJournal(Journal):
    """The journal without its database: rows are encoded, sealed into the chain, and kept in a list."""

    kept: list[Row]

    async def _commit(self) -> None:
        batch, _ = self._queue.batch()
        self.kept = [*getattr(self, "kept", [])[-KEPT_ROWS:], *batch]
        self._queue.committed(batch[-1])


class Telling(Engine):
    """Says when it has dealt with a fill."""

    def step(self, stamped: ev.Stamped) -> tuple[Command, ...]:
        commands = super().step(stamped)
        if isinstance(stamped.event, ev.FillReceived):
            tell(stamped.event.trade_id)
        return commands


def tell(trade_id: str) -> None:
    """One line for the parent: which fill, and when, on the clock that all processes share."""
    sys.stdout.write(f"{trade_id} {time.perf_counter_ns()}\n")
    sys.stdout.flush()


async def daemon(
    endpoint: str, folder: Path, *, durable: bool, over_socket: bool = False, listening: bool = False
) -> None:
    """`hedgebot.daemon.run` by hand, for what it does not offer: a journal in memory, and `listening` to fills only."""
    state_dir = folder / "state"
    state_dir.mkdir(mode=0o700)
    text = BOOK.format(
        endpoint=endpoint,
        order_entry="ws" if over_socket else "rest",
        state_dir=state_dir,
        band_coin=1e6 if listening else 0.25,
        delta_limit_coin=2e6 if listening else 5.0,
    )
    (folder / "book.toml").write_text(text)
    (folder / "limits.toml").write_text(LIMITS)
    config = load_config(folder / "book.toml", None)
    connections = config.connections({})
    daemon_run._set_up_logs(config, connections)
    settings = config.engine_settings(7)
    journal = await (Journal if durable else MemoryJournal).open(config.state_dir, durable=durable)
    try:
        await journal.recover(lambda snapshot: Engine(load_strategy, decode_state(snapshot) if snapshot else None))
        header = await journal.begin_run(build_manifest(settings, version="bench"))
        clock = Clock()
        hold = SendHold(KillLatch(config.state_dir), clock.now_ns, settings.limits.order_deadline_ms)
        run = Run(
            config=config,
            identity=Identity(
                install=7,
                run_id=header.run_id,
                epoch=header.epoch,
                version="bench",
                build="bench",
                next_seq=header.first_seq,
            ),
            engine=Telling(load_strategy) if listening else Engine(load_strategy),
            journal=journal,
            clock=clock,
            failpoints=Failpoints.from_environment({}),
            open_venue=daemon_run._venue_opener(
                connections, clock, hold, AccountClaim(InstanceLocks(), [], config.state_dir)
            ),
            hold=hold,
        )
        if code := await run.run():
            sys.exit(f"the daemon ended with {code}; see {state_dir}")
    finally:
        await journal.close()


def lift_rates() -> None:
    """Bybit allows ten orders a second; the benchmark sends more. Rates are data of the venue's profile."""
    rates = dict.fromkeys(BYBIT.create_rates, UNBOUND)
    lifted = msgspec.structs.replace(BYBIT, ip_rate=UNBOUND, create_rates=rates)
    vars(hedgebot.venues.bybit)["BYBIT"] = lifted


async def main(way: str, endpoint: str, folder: Path) -> None:
    """Run a way until standard input closes."""
    kind, _, channel = way.partition("-")
    lift_rates()
    work: Coroutine[Any, Any, None]
    match kind, channel:
        case "bare", "listener":
            work = bare_listener(endpoint)
        case "floor", "listener":
            work = floor_listener(endpoint)
        case "daemon", "listener":
            work = daemon(endpoint, folder, durable=True, listening=True)
        case "bare", _:
            work = bare(endpoint, over_socket=channel == "ws")
        case _:
            work = daemon(endpoint, folder, durable=kind == "durable", over_socket=channel == "ws")
    task = asyncio.create_task(work)
    closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await asyncio.wait({task, closed}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    # Nothing here is worth an orderly end: the parent has its figures.
    os._exit(0)


if __name__ == "__main__":
    run_loop(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
