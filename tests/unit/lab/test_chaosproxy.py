"""Each fault of the line, seen from both of its ends: bytes, resets, silence, and dials that do not come through."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from hedgebot.lab.chaosproxy import ChaosProxy, Door, Way, proxied

CLIENTS: list[asyncio.StreamWriter] = []
HELLO = b"GET /v5/private HTTP/1.1\r\n"


class Server:
    """Echoes what it gets and remembers it."""

    def __init__(self) -> None:
        self.heard = b""
        self.ended = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []
        self.last_words = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4_096):
                self.heard += data
                writer.write(data)
                await writer.drain()
                if self.last_words:
                    writer.write(self.last_words)
                    break
        self.ended.set()
        writer.close()


@contextlib.asynccontextmanager
async def bench(seed: int = 0) -> AsyncIterator[tuple[Server, ChaosProxy]]:
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    proxy = ChaosProxy(listening.sockets[0].getsockname()[1], seed=seed)
    await proxy.start()
    CLIENTS.clear()
    try:
        yield server, proxy
    finally:
        await proxy.close()
        for writer in (*CLIENTS, *server.writers):
            writer.close()
        listening.close()


async def dialled(proxy: ChaosProxy, hello: bytes = HELLO) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    CLIENTS.append(writer)
    writer.write(hello)
    return reader, writer


async def silent(reader: asyncio.StreamReader, seconds: float = 0.15) -> bool:
    """Whether nothing comes, not even an end."""
    try:
        async with asyncio.timeout(seconds):
            await reader.read(1)
    except TimeoutError:
        return True
    return False


async def test_without_a_fault_it_only_passes_on() -> None:
    async with bench() as (server, proxy):
        reader, writer = await dialled(proxy)
        assert await reader.readexactly(len(HELLO)) == HELLO
        assert [dial.opening for dial in proxy.dials] == ["GET /v5/private HTTP/1.1"]
        writer.close()
        await asyncio.wait_for(server.ended.wait(), 2.0)
        assert server.heard == HELLO


async def test_an_orderly_end_comes_behind_the_last_words() -> None:
    async with bench() as (server, proxy):
        server.last_words = bytes(300_000)
        reader, _ = await dialled(proxy)
        assert await reader.read() == HELLO + server.last_words


async def test_a_cut_is_a_reset_for_both_ends_and_for_the_chosen_only() -> None:
    async with bench() as (_server, proxy):
        reader, _ = await dialled(proxy)
        other, _ = await dialled(proxy, b"GET /v5/public/linear\r\n")
        await reader.readexactly(len(HELLO))
        await other.readexactly(23)
        assert proxy.cut("private") == 1
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        assert await silent(other)


async def test_what_is_frozen_comes_in_order_when_it_thaws() -> None:
    async with bench() as (server, proxy):
        reader, writer = await dialled(proxy)
        await reader.readexactly(len(HELLO))
        proxy.freeze("private", (Way.DOWN,))
        writer.write(b"one two")
        assert await silent(reader)
        assert server.heard.endswith(b"one two"), "the other direction goes on"
        proxy.thaw()
        assert await reader.readexactly(7) == b"one two"


async def test_a_half_open_line_stands_and_says_nothing() -> None:
    async with bench() as (server, proxy):
        reader, writer = await dialled(proxy)
        await reader.readexactly(len(HELLO))
        proxy.half_open()
        writer.write(b"lost")
        server.writers[0].write(b"lost too")
        assert await silent(reader)
        assert server.heard == HELLO
        writer.close()
        assert not server.ended.is_set(), "hanging up is not heard either"


async def test_a_slow_line_takes_its_time() -> None:
    async with bench() as (_server, proxy):
        reader, writer = await dialled(proxy)
        await reader.readexactly(len(HELLO))
        proxy.slow(bytes_per_s=2_000.0, ways=(Way.DOWN,))
        began_s = time.monotonic()
        writer.write(bytes(1_000))
        assert await reader.readexactly(1_000) == bytes(1_000)
        assert 0.35 < time.monotonic() - began_s < 2.0


async def test_garbage_strikes_once_and_downwards_only() -> None:
    async with bench(seed=3) as (server, proxy):
        reader, writer = await dialled(proxy)
        await reader.readexactly(len(HELLO))
        proxy.garble()
        text = b'{"topic":"orderbook"}'
        writer.write(text)
        spoilt = await reader.readexactly(len(text))
        assert spoilt != text
        with pytest.raises(UnicodeDecodeError):
            spoilt.decode()
        assert server.heard.endswith(text)
        writer.write(text)
        assert await reader.readexactly(len(text)) == text


async def test_a_door_refuses_delays_swallows_and_cuts_again() -> None:
    async with bench() as (server, proxy):
        proxy.open_door(Door(name="private", refuse=True))
        reader, _ = await dialled(proxy)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        proxy.open_door(Door(name="private", delay_s=0.2))
        began_s = time.monotonic()
        reader, _ = await dialled(proxy)
        await reader.readexactly(len(HELLO))
        assert time.monotonic() - began_s >= 0.2
        proxy.open_door(Door(name="private", life_s=0.1))
        reader, _ = await dialled(proxy)
        await reader.readexactly(len(HELLO))
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 2.0)
        heard = server.heard
        proxy.open_door(Door(name="private", half_open=True))
        reader, _ = await dialled(proxy)
        assert await silent(reader)
        assert server.heard == heard
        proxy.open_door(Door(name="private"))
        reader, _ = await dialled(proxy)
        assert await reader.readexactly(len(HELLO)) == HELLO
        assert len(proxy.dials) == 5


async def test_down_is_refused_by_the_system_and_up_is_at_the_same_port() -> None:
    async with bench() as (_server, proxy):
        reader, _ = await dialled(proxy)
        await reader.readexactly(len(HELLO))
        await proxy.close()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        with pytest.raises(ConnectionRefusedError):
            await dialled(proxy)
        assert proxy.links() == []
        await proxy.start()
        reader, _ = await dialled(proxy)
        assert await reader.readexactly(len(HELLO)) == HELLO


async def test_a_proxy_in_a_thread_takes_orders_and_ends() -> None:
    async with bench() as (_server, inner):
        with proxied(inner.port) as thread:
            reader, _ = await dialled(thread.proxy)
            await reader.readexactly(len(HELLO))
            assert await asyncio.to_thread(thread.do, lambda proxy: proxy.cut()) == 1
            with pytest.raises(ConnectionResetError):
                await reader.read(1)
            thread.down()
            with pytest.raises(ConnectionRefusedError):
                await dialled(thread.proxy)


async def test_a_handshake_on_a_connection_that_stands_gives_it_a_new_name_and_meets_its_door() -> None:
    async with bench() as (_server, proxy):
        reader, writer = await dialled(proxy, b"GET /api/time\r\n")
        await reader.readexactly(15)
        handshake = b"GET /v5/private HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n"
        proxy.open_door(Door(name="private", life_s=0.1))
        writer.write(handshake)
        assert await reader.readexactly(len(handshake)) == handshake
        assert (len(proxy.links("private")), len(proxy.links("api"))) == (1, 0)
        assert [dial.opening for dial in proxy.dials] == ["GET /api/time", "GET /v5/private HTTP/1.1"]
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(reader.read(1), 2.0)
