"""Reads a venue's instruments beside the event loop: in a thread, with a client of its own.

Parsing some thousand markets takes a fifth of a second of processor time; on the event loop every order would wait for
it. Owns the thread and what comes out of it; the adopting is the venue's.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.venues.client import Client, open_query_client
from hedgebot.venues.connection import VenueConnection
from hedgebot.venues.replies import RawReply
from hedgebot.venues.table import read_markets, read_statuses

# How soon the thread notices that nobody waits for it any more.
STOP_CHECK_S = 0.1
STOP_WAIT_S = 1.0


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The client that read the markets (closed; only its markets are of use), and what was understood of them."""

    source: Client
    instruments: tuple[Instrument, ...]
    symbols: dict[InstrumentId, str]
    problems: tuple[str, ...]
    statuses: dict[InstrumentId, str]


def carry_over(known: Client, read: Client, symbols: Iterable[str]) -> None:
    """Keep the client's markets of symbols that a newer list left out: their orders and topics still need a name."""
    for symbol in symbols:
        if symbol in known.markets and symbol not in read.markets:
            kept = read.markets[symbol] = known.markets[symbol]
            read.markets_by_id.setdefault(kept["id"], []).append(kept)
            read.symbols.append(symbol)
            read.ids.append(kept["id"])


async def load_apart(
    connection: VenueConnection, venue: str, options: dict[str, Any], observe: Callable[[RawReply], None]
) -> Loaded:
    """Read and parse every market in a thread. Raises what the client raises, and ends the thread when cancelled.

    `options` are taken over into the client (the measured clock); `observe` is called on this event loop.
    """
    loop = asyncio.get_running_loop()
    stop = threading.Event()

    def observe_here(reply: RawReply) -> None:
        loop.call_soon_threadsafe(observe, reply)

    def work() -> Loaded:
        return asyncio.run(_load(connection, venue, options, observe_here, stop))

    working = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        # Who cancels closes everything next: by then the thread must not dial any more.
        stop.set()
        await asyncio.wait({working}, timeout=STOP_WAIT_S)
        if working.done() and not working.cancelled():
            working.exception()
        raise


async def _load(
    connection: VenueConnection,
    venue: str,
    options: dict[str, Any],
    observe: Callable[[RawReply], None],
    stop: threading.Event,
) -> Loaded:
    client = open_query_client(connection, observe)
    client.options.update(options)
    task: asyncio.Task[Any] = asyncio.ensure_future(client.load_markets())
    try:
        while not task.done() and not stop.is_set():
            await asyncio.wait({task}, timeout=STOP_CHECK_S)
        if not task.done():
            task.cancel()
        markets = await task
    finally:
        await client.close()
    instruments, symbols, problems = read_markets(venue, markets)
    statuses = read_statuses(venue, markets)
    return Loaded(source=client, instruments=instruments, symbols=symbols, problems=problems, statuses=statuses)
