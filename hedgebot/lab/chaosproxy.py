"""A TCP proxy that breaks connections on purpose: cut, freeze, slow, half-open, garble, and doors that do not open.

Stands between a client and a server on loopback and knows neither: it moves bytes, each connection and each direction
by its own rules. Owns faults of the line only. Of what passes it reads the first line of each connection (and of each
websocket's handshake), to give it a name to be chosen by, and counts the dials.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from typing import TypeVar

import msgspec

CHUNK_BYTES = 1 << 16
OPENING_BYTES_MAX = 300
DIALS_MAX = 10_000
# Bytes that no text and no frame of JSON has: what they strike is noticed, whatever it was.
GARBAGE = b"\xff\xfe"
T = TypeVar("T")


class Way(StrEnum):
    """A direction, as the client sees it."""

    UP = "up"
    DOWN = "down"


BOTH = (Way.UP, Way.DOWN)


class Dial(msgspec.Struct, frozen=True, kw_only=True):
    """One connection that was tried: when (monotonic seconds) and its first line."""

    at_s: float
    opening: str


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to new connections whose first line contains `name` ("" all).

    `refuse` resets them, `delay_s` passes that long before a byte goes on, `life_s` is when they are cut again, and
    `half_open` swallows whatever is said.
    """

    name: str = ""
    refuse: bool = False
    delay_s: float = 0.0
    life_s: float | None = None
    half_open: bool = False


class Flow:
    """The bytes of one connection in one direction."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._thawed = asyncio.Event()
        self._thawed.set()
        self.swallow = False
        self.bytes_per_s: float | None = None
        self.garble_chunks = 0
        self.passed_bytes = 0

    def freeze(self) -> None:
        """Let nothing pass until `thaw`; what comes meanwhile waits."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Let everything pass again, what waited first."""
        self._thawed.set()

    async def take(self, data: bytes, write: Callable[[bytes], None]) -> None:
        """Pass a chunk on, as this direction does now."""
        await self._thawed.wait()
        if self.swallow:
            return
        if self.garble_chunks:
            self.garble_chunks -= 1
            data = self._spoilt(data)
        if self.bytes_per_s is None:
            write(data)
        else:
            await self._trickle(data, write)
        self.passed_bytes += len(data)

    async def _trickle(self, data: bytes, write: Callable[[bytes], None]) -> None:
        """A tenth of a second's bytes every tenth of a second, for as long as the line is slow."""
        at = 0
        while at < len(data):
            pace = self.bytes_per_s
            piece = len(data) if pace is None else max(1, int(pace / 10))
            write(data[at : at + piece])
            at += piece
            if pace is not None:
                await asyncio.sleep(0.1)

    def _spoilt(self, data: bytes) -> bytes:
        """The chunk with a stretch of it overwritten."""
        at = self._dice.randrange(len(data))
        stretch = (GARBAGE * 8)[: len(data) - at]
        return data[:at] + stretch + data[at + len(stretch) :]


class Link:
    """One connection through the proxy."""

    def __init__(self, number: int, dice: random.Random) -> None:
        self.number = number
        self.opening = ""
        self.flows = {way: Flow(dice) for way in BOTH}
        self.writers: list[asyncio.StreamWriter] = []

    def is_chosen(self, name: str) -> bool:
        """Whether the first line contains `name`."""
        return name in self.opening

    def cut(self) -> None:
        """Reset both sides at once: what is under way is lost."""
        for writer in self.writers:
            reset(writer)


class ChaosProxy:
    """The proxy of one server. Every method but `start` and `close` acts at once; `name` chooses by the first line."""

    def __init__(self, port: int, host: str = "127.0.0.1", *, seed: int = 0) -> None:
        """`host` and `port` of the server behind it; `seed` draws where garbage strikes."""
        self._target = (host, port)
        self._dice = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._links: dict[int, Link] = {}
        self._doors: dict[str, Door] = {}
        self._made = 0
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.dials: deque[Dial] = deque(maxlen=DIALS_MAX)

    @property
    def endpoint(self) -> str:
        """The address to give to the client."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen; on a free port the first time, on the same one afterwards."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Cut everything and stop listening; new connections are refused by the system until `start`."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.cut()
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def links(self, name: str = "") -> list[Link]:
        """Connections that stand now, oldest first."""
        return [link for link in self._links.values() if link.is_chosen(name)]

    def open_door(self, door: Door) -> None:
        """Rule over new connections from now on; a rule of the same name is replaced, a plain `Door` lifts it."""
        self._doors[door.name] = door

    def cut(self, name: str = "") -> int:
        """Reset connections; how many."""
        return self._each(name, Link.cut)

    def half_open(self, name: str = "") -> int:
        """Swallow everything that is said from now on; the connections stand until their ends give up."""

        def swallow(link: Link) -> None:
            for flow in link.flows.values():
                flow.swallow = True

        return self._each(name, swallow)

    def freeze(self, name: str = "", ways: tuple[Way, ...] = BOTH) -> int:
        """Hold back everything until `thaw`."""

        def hold(link: Link) -> None:
            for way in ways:
                link.flows[way].freeze()

        return self._each(name, hold)

    def thaw(self, name: str = "") -> int:
        """Let what was held back pass, in order."""

        def release(link: Link) -> None:
            for flow in link.flows.values():
                flow.thaw()

        return self._each(name, release)

    def slow(self, name: str = "", bytes_per_s: float | None = 1_000.0, ways: tuple[Way, ...] = BOTH) -> int:
        """Pass no more than so many bytes a second; None for as fast as they come."""

        def pace(link: Link) -> None:
            for way in ways:
                link.flows[way].bytes_per_s = bytes_per_s

        return self._each(name, pace)

    def garble(self, name: str = "", chunks: int = 1) -> int:
        """Spoil the next chunks towards the client.

        Only those: what is spoilt on the way up would be refused by the transport's checksums in real life, and a
        changed digit in a request must not become an order.
        """

        def spoil(link: Link) -> None:
            link.flows[Way.DOWN].garble_chunks = chunks

        return self._each(name, spoil)

    def _each(self, name: str, act: Callable[[Link], None]) -> int:
        chosen = self.links(name)
        for link in chosen:
            act(link)
        return len(chosen)

    # --- one connection

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            await self._serve(reader, writer)
        reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(CHUNK_BYTES)
        if not first:
            return
        self._made += 1
        link = Link(self._made, self._dice)
        link.writers.append(writer)
        self._links[link.number] = link
        try:
            await self._enter(link, first)
            await self._join(link, first, reader, writer)
        finally:
            del self._links[link.number]
            link.cut()

    async def _enter(self, link: Link, first: bytes) -> None:
        """Take note of a dial and do to it what its door says; raises ConnectionResetError where that refuses it.

        A websocket's handshake on a connection that stands counts as a dial: in real life its host is another one.
        """
        link.opening = first.partition(b"\r\n")[0][:OPENING_BYTES_MAX].decode("latin-1")
        self.dials.append(Dial(at_s=time.monotonic(), opening=link.opening))
        door = self._door_for(link.opening)
        if door.refuse:
            raise ConnectionResetError
        if door.half_open:
            for flow in link.flows.values():
                flow.swallow = True
        await asyncio.sleep(door.delay_s)
        if door.life_s is not None:
            asyncio.get_running_loop().call_later(door.life_s, link.cut)

    def _door_for(self, opening: str) -> Door:
        """The rule with the longest name that fits."""
        fitting = [door for door in self._doors.values() if door.name in opening]
        return max(fitting, key=lambda door: len(door.name), default=Door())

    async def _join(self, link: Link, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Move bytes both ways until one side ends."""
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        link.writers.append(far_writer)
        await link.flows[Way.UP].take(first, far_writer.write)

        async def up(data: bytes) -> None:
            if _is_handshake(data):
                await self._enter(link, data)
            await link.flows[Way.UP].take(data, far_writer.write)

        async def down(data: bytes) -> None:
            await link.flows[Way.DOWN].take(data, writer.write)

        pumps = [
            asyncio.create_task(_pump(reader, far_writer, up, link.flows[Way.UP])),
            asyncio.create_task(_pump(far_reader, writer, down, link.flows[Way.DOWN])),
        ]
        try:
            ended, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            if any(pump.result() for pump in ended):
                # An orderly end is passed on behind everything that was said before it.
                far_writer.close()
                writer.close()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)


def _is_handshake(data: bytes) -> bool:
    return data.startswith(b"GET ") and b"upgrade: websocket" in data[:2_000].lower()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Callable[[bytes], Awaitable[None]], flow: Flow
) -> bool:
    """Move bytes one way until the side that speaks ends; whether it ended in order."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            await take(data)
            await writer.drain()
    except ConnectionError:
        return False
    if flow.swallow:
        # Who is swallowed is not heard hanging up either.
        await asyncio.Event().wait()
    return True


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection with a reset: the other side learns of it at once, and gets nothing that was under way.

    One that is ending in order already is left to do so.
    """
    if writer.transport.is_closing():
        return
    link = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if link is not None and link.fileno() >= 0:
            link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class ProxyThread:
    """A proxy with a loop and a thread of its own, for those who start processes and wait for them."""

    def __init__(self, proxy: ChaosProxy) -> None:
        self.proxy = proxy
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos proxy", daemon=True)

    def do(self, act: Callable[[ChaosProxy], T]) -> T:
        """Act on the proxy within its own loop, and wait for it."""

        async def acting() -> T:
            return act(self.proxy)

        return asyncio.run_coroutine_threadsafe(acting(), self._loop).result(10.0)

    def down(self) -> None:
        """Refuse and cut everything, as if the host were gone."""
        asyncio.run_coroutine_threadsafe(self.proxy.close(), self._loop).result(10.0)

    def up(self) -> None:
        """Listen (again)."""
        asyncio.run_coroutine_threadsafe(self.proxy.start(), self._loop).result(10.0)

    def open(self) -> None:
        """Start the thread and listen."""
        self._thread.start()
        self.up()

    def close(self) -> None:
        """Close the proxy and end the thread."""
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10.0)
        self._loop.close()


@contextlib.contextmanager
def proxied(port: int, *, seed: int = 0) -> Iterator[ProxyThread]:
    """A proxy before the server at `port` on loopback, for as long as the block lasts."""
    thread = ProxyThread(ChaosProxy(port, seed=seed))
    thread.open()
    try:
        yield thread
    finally:
        thread.close()
